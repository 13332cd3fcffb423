"""What CI shows of a report: summary.md for a pull request, junit.xml for test reports; pure."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import evals.report.templates as words
from evals.gate.verdict import CriterionResult, Verdict
from evals.report.contents import EvalReport
from evals.report.pairs import ORDER, status
from evals.runs import SampleOutcome

LIMIT = 65_000
"""Bytes: GitHub takes comments of 65,536 characters."""
WORST = 5
SIZES = ((500, 400, WORST), (60, 250, WORST), (25, 120, WORST), (10, 80, 2))
"""Criteria, letters of a text, and samples that are shown; the first that fits."""

ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
NAME = "warrant eval gate"


def summary(report: EvalReport, limit: int = LIMIT) -> str:
    """The Markdown."""
    written = (_written(report, *size) for size in SIZES)
    return next((text for text in written if len(text.encode()) <= limit), _written(report, 3, 40, 0))


def _written(report: EvalReport, criteria: int, most: int, samples: int) -> str:
    verdict, reasons = report.verdict, words.reasons(report.verdict)
    order = [each for says in words.ORDER for each in verdict.findings if each.says == says]
    return words.summary(
        {
            "verdict": verdict,
            "notes": report.notes,
            "reasons": reasons[:criteria],
            "reasons_left": len(reasons[criteria:]),
            "findings": order[:criteria],
            "findings_left": len(order[criteria:]),
            "champions": dict(_champions(report, order)),
            "pairs": report.regressions[:samples],
            "regressions": len(report.regressions),
            "tally": _tally(report),
            "most": most,
            "said": _said,
            "status": status,
            "words": words,
        }
    )


def _champions(report: EvalReport, findings: list[CriterionResult]) -> Iterator[tuple[tuple[str, str], str]]:
    """What the champion has, by metric and slice."""
    means = {(each.metric, each.slice): each.champion for each in report.verdict.measures}
    for each in findings:
        yield (each.metric, each.slice), words.figure(means.get((each.metric, each.slice)), each.metric)


def _tally(report: EvalReport) -> str:
    if report.champion:
        return ", ".join(f"{report.moved[each]} {each}" for each in ORDER if report.moved[each])
    return ", ".join(f"{many} {each}" for each, many in sorted(report.statuses(report.release).items()))


def _said(outcome: SampleOutcome | None) -> str:
    if outcome is None:
        return "it was not asked"
    return str(outcome.answer.get("text", "")) if outcome.answer else str(outcome.trouble or "")


def junit(verdict: Verdict) -> bytes:
    """The XML: what is missed is a failure, what is not settled an error, and so is a verdict without criteria."""
    missed, unsure = (sum(each.says == says for each in verdict.findings) for says in ("fail", "cannot tell"))
    counts = {
        "tests": str(len(verdict.findings) or 1),
        "failures": str(missed),
        "errors": str(unsure if verdict.findings else 1),
        "skipped": "0",
        "time": "0",
    }
    root = ElementTree.Element("testsuites", {"name": NAME, **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(f"{NAME}: {verdict.dataset_name}"), **counts})
    if verdict.made:
        suite.set("timestamp", verdict.made.removesuffix("+00:00"))
    _add_properties(suite, verdict)
    for finding in verdict.findings:
        _add_case(suite, finding, verdict)
    if not verdict.findings:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": _class_name(verdict), "name": "verdict", "time": "0"}
        )
        _add_problem(case, "error", verdict.says, " ".join(verdict.why))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _add_properties(suite: ElementTree.Element, verdict: Verdict) -> None:
    """What was judged, by what."""
    properties = {
        "verdict": verdict.says,
        "release": f"{verdict.release.label} {verdict.release.release}",
        "champion": f"{verdict.champion.label} {verdict.champion.release}" if verdict.champion else "none",
        "dataset": verdict.dataset,
        "judge": verdict.judge,
    }
    element = ElementTree.SubElement(suite, "properties")
    for name, value in properties.items():
        ElementTree.SubElement(element, "property", {"name": name, "value": _clean(value)})


def _add_case(suite: ElementTree.Element, finding: CriterionResult, verdict: Verdict) -> None:
    where = f"{finding.metric} on {finding.slice}" if finding.slice else finding.metric
    name = _clean(f"{where}: {finding.kind}, {words.bound(finding)}")
    case = ElementTree.SubElement(suite, "testcase", {"classname": _class_name(verdict), "name": name, "time": "0"})
    message = words.sentence(finding)
    if finding.says == "pass":
        ElementTree.SubElement(case, "system-out").text = _clean(message)
    else:
        _add_problem(case, "failure" if finding.says == "fail" else "error", finding.says, message)


def _add_problem(case: ElementTree.Element, kind: str, says: str, message: str) -> None:
    ElementTree.SubElement(case, kind, {"message": _clean(message), "type": says}).text = _clean(message)


def _class_name(verdict: Verdict) -> str:
    return _clean(f"warrant.{verdict.dataset_name}")


def _clean(text: str) -> str:
    """Text that XML can hold."""
    return ILLEGAL.sub("�", text)
