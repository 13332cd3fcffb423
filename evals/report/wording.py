"""What a report says in words and figures; pure."""

from evals.gating.verdict import Finding, Says, Verdict
from evals.metrics.known import METRICS

HEADLINES: dict[Says, str] = {"pass": "Pass", "fail": "Fail", "cannot tell": "Cannot tell"}
MEANINGS: dict[Says, str] = {
    "pass": "Every criterion is shown to be met: the release may be promoted.",
    "fail": "At least one criterion is shown to be missed: the release must not be promoted.",
    "cannot tell": "Nothing is shown to be missed, but not everything to be met: the release is not promoted on this.",
}
SPELT = {"f1": "F1", "ndcg": "nDCG", "mrr": "MRR", "rouge": "ROUGE", "l": "L"}
ORDER: tuple[Says, ...] = ("fail", "cannot tell", "pass")


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


def bound(finding: Finding) -> str:
    """What is asked, in a few words."""
    told = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.kind == "margin":
        return f"at most {told} worse"
    return f"at {'least' if finding.kind == 'floor' else 'most'} {told}"


def sentence(finding: Finding, alpha: float) -> str:
    """What became of a criterion."""
    name = f"{title(finding.metric)}{f' on {finding.slice}' if finding.slice else ''}"
    if finding.value is None:
        return f"It cannot be told whether {name} {_aim(finding)}: {finding.why}."
    spread = f" ({1 - 2 * alpha:.0%} interval {_span(finding)})" if finding.low is not None else ""
    begun = name if name.startswith("nDCG") else f"{name[0].upper()}{name[1:]}"
    return f"{begun} is {_found(finding)}{spread}, {_settled(finding)}."


def reasons(verdict: Verdict) -> list[tuple[Says, str]]:
    """Why the verdict is what it is: what was missed, what cannot be told, and what was noted beside."""
    told = {f"{each.name}: {each.why}" for each in verdict.findings}
    open_ = [each for says in ("fail", "cannot tell") for each in verdict.findings if each.says == says]
    notes = [(verdict.says, why) for why in verdict.why if why not in told]
    return [*((each.says, sentence(each, verdict.alpha)) for each in open_), *notes]


def counted(verdict: Verdict) -> dict[Says, int]:
    """How many criteria were missed, cannot be told and were met."""
    return {says: sum(each.says == says for each in verdict.findings) for says in ORDER}


def _aim(finding: Finding) -> str:
    limit = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.kind == "margin":
        return f"is at most {limit} worse than the champion's"
    return f"reaches its floor of {limit}" if finding.kind == "floor" else f"stays under its ceiling of {limit}"


def _span(finding: Finding) -> str:
    sign = finding.kind == "margin"
    return " to ".join(figure(end, finding.metric, sign=sign) for end in (finding.low, finding.high))


def _found(finding: Finding) -> str:
    if finding.kind != "margin" or finding.value is None:
        return figure(finding.value, finding.metric)
    if not finding.value:
        return "the same as the champion's"
    way = "lower" if finding.value < 0 else "higher"
    return f"{figure(abs(finding.value), finding.metric)} {way} than the champion's"


def _settled(finding: Finding) -> str:
    limit = f"{finding.bound:,g} {METRICS[finding.metric].unit}".strip()
    if finding.says == "cannot tell":
        return f"and it cannot be told whether it {_aim(finding)}: {_rest(finding)}"
    if finding.kind == "margin":
        ok = finding.says == "pass"
        return f"shown to be at most {limit} worse" if ok else f"shown to be worse; up to {limit} would be let pass"
    reached = "reach" if finding.says == "pass" else "miss"
    return f"shown to {reached} its {finding.kind} of {limit}"


def _rest(finding: Finding) -> str:
    """What the gate says beside the figures."""
    form = "+.3g" if finding.kind == "margin" else ".3g"
    return finding.why.removeprefix(f"{finding.value:{form}}, {finding.kind} {finding.bound:g}").lstrip(":; ")
