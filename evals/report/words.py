"""The templates of a report, and what they say in words and figures.

Everything that is not of a template is escaped, as HTML or as Markdown.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.gate.verdict import CriterionResult, Says, Verdict
from evals.metrics.catalog import METRICS

TEMPLATES = Path(__file__).parent / "templates"
STYLE, SCRIPT = "page.css", "page.js"
MARKED = {ord(letter): f"&#{ord(letter)};" for letter in "&<>|`*_~[]#\\$"}
"""Letters that Markdown, HTML or GitHub's mathematics would take for their own, as entities, which stay letters."""
UNLINKED = {"@": "@\u2060", "://": ":\u2060//", "www.": "www\u2060."}
"""What GitHub would turn into mentions, which send e-mail, and links, kept apart by a joiner of no width."""

HEADLINES: dict[Says, str] = {"pass": "Pass", "fail": "Fail", "cannot tell": "Cannot tell"}
MEANINGS: dict[Says, str] = {
    "pass": "Every criterion is shown to be met: the release may be promoted.",
    "fail": "At least one criterion is shown to be missed: the release must not be promoted.",
    "cannot tell": "Nothing is shown to be missed, but not everything to be met: the release is not promoted on this.",
}
SPELT = {"f1": "F1", "ndcg": "nDCG", "cpu": "CPU"}
ORDER: tuple[Says, ...] = ("fail", "cannot tell", "pass")


def page(values: Mapping[str, object]) -> str:
    """The page, with its style, its script and the policy that lets no other run."""
    parts = {name: (TEMPLATES / name).read_text("utf-8") for name in (STYLE, SCRIPT)}
    ours = {"style": parts[STYLE], "script": parts[SCRIPT], "policy": policy(*parts.values())}
    return _environment(escaped=True).get_template("page.html").render({**values, **ours})


def junit(values: Mapping[str, object]) -> str:
    """The test cases, as XML."""
    return _environment(escaped=True).get_template("junit.xml").render(values).lstrip()


def summary(values: Mapping[str, object]) -> str:
    """The summary, as Markdown; what is not of the template goes through the filter `plain`."""
    return _environment(escaped=False).get_template("summary.md").render(values)


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that knows one style and one script by their digests, and fetches nothing."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def plain(text: object, most: int = 0) -> str:
    """Text as one line of Markdown that looks as it is, of at most so many letters; 0 for all."""
    line = " ".join(str(text).split())
    line = f"{line[: most - 1]}…" if 0 < most < len(line) else line
    for letters, apart in UNLINKED.items():
        line = line.replace(letters, apart)
    return line.translate(MARKED)


def title(metric: str) -> str:
    """A metric's name as people say it; its unit stands with its values."""
    return " ".join(SPELT.get(word, word) for word in metric.split("_") if word not in ("ms", "usd"))


def figure(value: float | None, metric: str, *, sign: bool = False) -> str:
    """A value in its metric's unit, a difference with its sign; a dash where there is none."""
    if value is None:
        return "–"
    form, unit = "+" if sign else "", METRICS[metric].unit
    shape = {"ms": ",.0f", "USD": ".3g"}.get(unit, ".3f")
    return f"{value:{form}{shape}} {unit}".strip().replace("-", "−")


def bound(finding: CriterionResult) -> str:
    """What is asked, in a few words."""
    limit = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.kind == "margin":
        return f"at most {limit} worse"
    return f"at {'least' if finding.kind == 'floor' else 'most'} {limit}"


def sentence(finding: CriterionResult) -> str:
    """What became of a criterion."""
    if METRICS[finding.metric].counted:
        return f"{finding.why[0].upper()}{finding.why[1:]}."
    name = f"{title(finding.metric)}{f' on {finding.slice}' if finding.slice else ''}"
    if finding.value is None:
        return f"It is not settled whether {name} {_aim(finding)}: {finding.why}."
    spread = f" (interval {_span(finding)})" if finding.low is not None else ""
    begun = name if name.startswith("nDCG") else f"{name[0].upper()}{name[1:]}"
    return f"{begun} is {_found(finding)}{spread}, {_settled(finding)}."


def reasons(verdict: Verdict) -> list[tuple[Says, str]]:
    """Why the verdict is what it is: what was missed, what is not settled, and what was noted beside."""
    findings = {f"{each.name}: {each.why}": each for each in verdict.findings}
    return [
        (found.says, sentence(found)) if (found := findings.get(why)) else (verdict.says, why) for why in verdict.why
    ]


def counted(verdict: Verdict) -> dict[Says, int]:
    """How many criteria were missed, are not settled and were met."""
    return {says: sum(each.says == says for each in verdict.findings) for says in ORDER}


def _environment(*, escaped: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"plain": plain, "title_of": title}
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _source(text: str) -> str:
    """How a policy names what stands between two tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _aim(finding: CriterionResult) -> str:
    limit = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.kind == "margin":
        return f"is at most {limit} worse than the champion's"
    return f"reaches its floor of {limit}" if finding.kind == "floor" else f"stays under its ceiling of {limit}"


def _span(finding: CriterionResult) -> str:
    sign = finding.kind == "margin"
    return " to ".join(figure(end, finding.metric, sign=sign) for end in (finding.low, finding.high))


def _found(finding: CriterionResult) -> str:
    if finding.kind != "margin" or finding.value is None:
        return figure(finding.value, finding.metric)
    if not finding.value:
        return "the same as the champion's"
    way = "lower" if finding.value < 0 else "higher"
    return f"{figure(abs(finding.value), finding.metric)} {way} than the champion's"


def _settled(finding: CriterionResult) -> str:
    limit = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.says == "cannot tell":
        return f"and it is not settled whether it {_aim(finding)}: {_rest(finding)}"
    if finding.kind == "margin":
        ok = finding.says == "pass"
        return (
            f"shown to be at most {limit} worse"
            if ok
            else f"shown to be worse by more than the {limit} that is allowed"
        )
    reached = "reach" if finding.says == "pass" else "miss"
    return f"shown to {reached} its {finding.kind} of {limit}"


def _rest(finding: CriterionResult) -> str:
    """What the gate says beside the figures."""
    form = "+.3g" if finding.kind == "margin" else ".3g"
    return finding.why.removeprefix(f"{finding.value:{form}}, {finding.kind} {finding.bound:g}").lstrip(":; ")
