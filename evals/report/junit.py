"""junit.xml: a test case for each criterion, as the test reports of GitHub, GitLab and Jenkins read them; pure."""

import re
from xml.etree import ElementTree

from evals.gating.verdict import Finding, Verdict
from evals.report.wording import bound, sentence

ILLEGAL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
NAME = "warrant eval gate"


def junit(verdict: Verdict) -> bytes:
    """The XML: what is missed is a failure, what cannot be told an error, and so is a verdict without criteria."""
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
    _properties(suite, verdict)
    for finding in verdict.findings:
        _case(suite, finding, verdict)
    if not verdict.findings:
        case = ElementTree.SubElement(suite, "testcase", {"classname": _place(verdict), "name": "verdict", "time": "0"})
        _trouble(case, "error", verdict.says, " ".join(verdict.why))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _properties(suite: ElementTree.Element, verdict: Verdict) -> None:
    """What was judged, by what."""
    told = {
        "verdict": verdict.says,
        "release": f"{verdict.release.label} {verdict.release.release}",
        "champion": f"{verdict.champion.label} {verdict.champion.release}" if verdict.champion else "none",
        "dataset": verdict.dataset,
        "judge": verdict.judge,
    }
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", {"name": name, "value": _clean(value)})


def _case(suite: ElementTree.Element, finding: Finding, verdict: Verdict) -> None:
    where = f"{finding.metric} on {finding.slice}" if finding.slice else finding.metric
    name = _clean(f"{where}: {finding.kind}, {bound(finding)}")
    case = ElementTree.SubElement(suite, "testcase", {"classname": _place(verdict), "name": name, "time": "0"})
    told = sentence(finding, verdict.alpha)
    if finding.says == "pass":
        ElementTree.SubElement(case, "system-out").text = _clean(told)
    else:
        _trouble(case, "failure" if finding.says == "fail" else "error", finding.says, told)


def _trouble(case: ElementTree.Element, kind: str, says: str, told: str) -> None:
    ElementTree.SubElement(case, kind, {"message": _clean(told), "type": says}).text = _clean(told)


def _place(verdict: Verdict) -> str:
    return _clean(f"warrant.{verdict.dataset_name}")


def _clean(text: str) -> str:
    """Text that XML can hold."""
    return ILLEGAL.sub("�", text)
