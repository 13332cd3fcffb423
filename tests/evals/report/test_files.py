"""What is written: for people, for a pull request, for a CI server and for programs."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hatchling.builders.wheel import WheelBuilder
from report_under_test import NASTY, good, report, reported_run, run_of, samples, verdict_of, worse
from support import ROOT

from evals.dataset import Dataset
from evals.errors import VerdictInvalid
from evals.gate.thresholds import Threshold, Thresholds
from evals.gate.verdict import read_verdict
from evals.metrics.catalog import PROMPTS
from evals.report import FILES, write_files
from evals.report.contents import EvalReport, report_of
from evals.report.page import browser_data
from evals.report.words import TEMPLATES, junit, plain, policy, summary


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> EvalReport:
    return report(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> EvalReport:
    return report(tmp_path_factory.mktemp("runs"), alone=True)


def test_the_same_verdict_and_runs_give_the_same_files(told: EvalReport, tmp_path: Path) -> None:
    page = write_files(told, tmp_path / "out")
    first = {name: (page.parent / name).read_bytes() for name in FILES}
    assert sorted(path.name for path in page.parent.iterdir()) == sorted(FILES)
    write_files(told, tmp_path / "out")
    assert {name: (page.parent / name).read_bytes() for name in FILES} == first


def test_the_report_counts_every_sample(told: EvalReport, tmp_path: Path) -> None:
    assert read_verdict(write_files(told, tmp_path).with_name("verdict.json")) == told.verdict
    assert told.moved == {"failed": 1, "worse": 18, "same": 21}
    assert [run.statuses for run in told.runs] == [{"answered": 21, "declined": 18, "failed": 1}, {"answered": 40}]
    assert [each.sample.id for each in told.regressions] == ["s3", *(f"s{n}" for n in range(20) if n not in (2, 3))]


def test_what_has_no_score_says_why_on_the_page(told: EvalReport) -> None:
    [lost] = [each for each in browser_data(told)["samples"] if each["id"] == "s3"]
    assert (lost["release"]["status"], lost["release"]["trouble"]) == ("failed", f"TimeoutError: late {NASTY}")
    assert lost["scores"]["token_f1"] == {"why": "it failed: TimeoutError", "champion": 0.8}


def test_every_criterion_is_a_test_case(told: EvalReport) -> None:
    root = ElementTree.fromstring(junit(told.verdict))
    suite = root[0]
    assert (root.tag, suite.tag, suite.get("timestamp")) == ("testsuites", "testsuite", "2026-11-28T12:00:00")
    says = [each.says for each in told.verdict.findings]
    counts = tuple(suite.get(name) for name in ("tests", "failures", "errors", "skipped"))
    assert counts == ("4", str(says.count("fail")), str(says.count("cannot tell")), "0")
    kinds = [[child.tag for child in case] for case in suite.iter("testcase")]
    assert kinds == [[{"fail": "failure", "cannot tell": "error", "pass": "system-out"}[each]] for each in says]
    assert suite.findall("testcase")[1].get("name") == "answered: margin, at most 0.1 worse"
    assert "s3: release@1 it failed: TimeoutError" in "".join(
        str(error.get("message")) for error in suite.iter("error")
    )


def test_a_verdict_without_criteria_is_no_empty_suite(tmp_path: Path) -> None:
    margin = Thresholds(threshold=(Threshold(metric="answered", margin=0.1),))
    found = ElementTree.fromstring(junit(report(tmp_path, alone=True, limits=margin).verdict))
    assert [(case.get("name"), case[0].tag) for case in found.iter("testcase")] == [("verdict", "error")]


def test_letters_that_xml_cannot_hold_are_replaced(told: EvalReport) -> None:
    odd = told.verdict.model_copy(update={"dataset_name": "a\x00b\x1b\ufffe<&>"})
    assert ElementTree.fromstring(junit(odd))[0].get("name") == "warrant eval gate: a�b��<&>"


def test_the_summary_says_the_verdict_the_criteria_and_the_worst(told: EvalReport) -> None:
    text = summary(told)
    assert text.startswith("## ❌ Fail: release@\u20601 against champion@\u20601\n")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    assert len(rows) == 1 + len(told.verdict.findings)
    assert "<details><summary>The worst 5 of 19 that failed or got worse</summary>\n\n**s3** Question 3" in text
    assert "- release, failed: TimeoutError: late &lt;" not in text
    assert text.rstrip().endswith("</details>")


def test_nothing_of_a_text_is_markdown_html_a_mention_or_a_link(told: EvalReport) -> None:
    text = summary(told)
    assert set(re.findall(r"<[^>]*>", text)) == {"<details>", "<summary>", "</summary>", "</details>"}
    assert not re.search(r"@\w|`|\*\*bold|https?://", text)
    assert plain("a\n| b") == "a &#124; b"
    assert plain("abcdef", 4) == "abc…"


@pytest.mark.parametrize(("criteria", "letters"), [(4, 70_000), (900, 10)])
def test_the_summary_fits_a_comment(tmp_path: Path, criteria: int, letters: int) -> None:
    asked = [each.model_copy(update={"question": f"{each.question} {'|' * letters}"}) for each in samples()]
    dataset = Dataset("d", tuple(asked))
    release = reported_run(run_of(tmp_path, dataset, "release@1", worse()))
    champion = reported_run(run_of(tmp_path, dataset, "champion@1", good()))
    verdict = verdict_of(release, champion)
    many = tuple(verdict.findings[n % 4].model_copy(update={"slice": f"slice|{n}"}) for n in range(criteria))
    text = summary(report_of(verdict.model_copy(update={"findings": many}), release, champion))
    assert len(text.encode()) < 65_536
    assert "missed" in text
    assert ("more criteria, in report.html" in text) == (criteria > 4)


def test_without_a_champion_there_is_a_report_too(alone: EvalReport, tmp_path: Path) -> None:
    page = write_files(alone, tmp_path).read_text("utf-8")
    assert "hampion" not in summary(alone).replace("There is no champion", "")
    assert "Champion's status" not in page
    assert [each.sample.id for each in alone.regressions] == ["s3"]


def test_a_verdict_about_something_else_is_refused(told: EvalReport, alone: EvalReport, tmp_path: Path) -> None:
    assert told.champion
    other = reported_run(run_of(tmp_path, Dataset("e", samples(30)), "release@1", worse(30)))
    for release, champion, match in (
        (told.champion, told.champion, "about release@1 .*, the run about champion@1"),
        (told.release, told.release, "about champion@1 .*, the run about release@1"),
        (other, told.champion, "on d .*, the run of release@1 on e"),
        (told.release, None, "compares with champion@1"),
    ):
        with pytest.raises(VerdictInvalid, match=match):
            report_of(told.verdict, release, champion)
    with pytest.raises(VerdictInvalid, match="has no champion"):
        report_of(alone.verdict, told.release, told.champion)


def test_a_verdict_that_was_made_from_other_scores_is_refused(told: EvalReport, tmp_path: Path) -> None:
    changed = reported_run(run_of(tmp_path, told.dataset, "release@1", worse(lost=10)))
    with pytest.raises(VerdictInvalid, match=r"other scores than the runs have now: token_f1 was 0.43\d*, and is 0.63"):
        report_of(told.verdict, changed, told.champion)


def test_the_policy_names_what_may_run_by_its_digest() -> None:
    found = policy("", "alert(1)")
    assert "script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in found
    assert found.startswith("default-src 'none'; ")
    assert "unsafe" not in found


def test_the_templates_and_prompts_are_in_the_wheel() -> None:
    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    assert {path.relative_to(ROOT).as_posix() for home in (TEMPLATES, PROMPTS) for path in home.iterdir()} <= packed
