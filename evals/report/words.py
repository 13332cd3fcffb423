"""The templates of a report and what they say in words, and the files that CI shows: summary.md and junit.xml; pure.

Everything that is not of a template is escaped, as HTML, XML or Markdown.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.gate.verdict import CriterionResult, Says, Verdict
from evals.metrics.catalog import METRICS, figure, span, title
from evals.report.contents import EvalReport, status
from evals.runs import SampleOutcome

TEMPLATES = Path(__file__).parent / "templates"
LIMIT = 65_000
"""Bytes: GitHub takes comments of 65,536 characters."""
SIZES = ((500, 400, 5), (60, 250, 5), (25, 120, 5), (10, 80, 2))
"""Criteria, letters of a text, and samples that are shown; the first that fits."""
ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
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
ORDER: tuple[Says, ...] = ("fail", "cannot tell", "pass")


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


def sentence(finding: CriterionResult) -> str:
    """What became of a criterion."""
    if METRICS[finding.metric].counted:
        return f"{finding.why[0].upper()}{finding.why[1:]}."
    return f"{heading(finding.metric)}{f' on {finding.slice}' if finding.slice else ''}: {finding.why}."


def heading(metric: str) -> str:
    """A metric's name where a line begins."""
    return title(metric) if metric == "ndcg" else f"{title(metric)[0].upper()}{title(metric)[1:]}"


def reasons(verdict: Verdict) -> list[tuple[Says, str]]:
    """Why the verdict is what it is: what was missed, what is not settled, and what was noted beside."""
    findings = {f"{each.name}: {each.why}": each for each in verdict.findings}
    return [
        (found.says, sentence(found)) if (found := findings.get(why)) else (verdict.says, why) for why in verdict.why
    ]


def counted(verdict: Verdict) -> dict[Says, int]:
    """How many criteria were missed, are not settled and were met."""
    return {says: sum(each.says == says for each in verdict.findings) for says in ORDER}


def summary(report: EvalReport, limit: int = LIMIT) -> str:
    """summary.md, for a pull request."""
    written = (_summary(report, *size) for size in SIZES)
    return next((text for text in written if len(text.encode()) <= limit), _summary(report, 3, 40, 0))


def junit(verdict: Verdict) -> str:
    """junit.xml: what is missed is a failure, what is not settled an error, and so is a verdict without criteria."""
    return ILLEGAL.sub("\ufffd", render("junit.xml", {"verdict": verdict}).lstrip())


def render(template: str, values: Mapping[str, object]) -> str:
    """A template with values; in Markdown, what is not of the template goes through the filter `plain`."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=not template.endswith(".md"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"plain": plain, "title_of": title}
    made.globals |= {"counted": counted, "figure": figure, "reasons": reasons, "sentence": sentence, "span": span}
    made.globals |= {"HEADLINES": HEADLINES, "MEANINGS": MEANINGS, "ORDER": ORDER, "status": status}
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made.get_template(template).render(values)


def _summary(report: EvalReport, criteria: int, most: int, samples: int) -> str:
    findings = [each for says in ORDER for each in report.verdict.findings if each.says == says]
    tally = report.moved.items() if report.champion else sorted(report.release.statuses.items())
    shown = {"criteria": criteria, "most": most, "samples": samples, "text_of": _text}
    return render(
        "summary.md", {"report": report, "verdict": report.verdict, "findings": findings, "tally": tally, **shown}
    )


def _text(outcome: SampleOutcome | None) -> str:
    if outcome is None:
        return "it was not asked"
    return str(outcome.answer.get("text", "")) if outcome.answer else str(outcome.trouble or "")


def _source(text: str) -> str:
    """How a policy names what stands between two tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
