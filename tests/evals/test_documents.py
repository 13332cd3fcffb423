"""Access: what an answer shows is held against rules that its release did not make."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evals.dataset import Dataset, Sample
from evals.documents import read_documents
from evals.drafts import probes
from evals.gate.counted import access_of, changes, count, kept_access, leaks, notes, withheld_from
from evals.gate.thresholds import Threshold, Thresholds
from evals.gate.verdict import CriterionResult
from evals.runs import EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run

ANSWER: dict[str, Any] = {"text": "Yes. [1]", "status": "answered", "citations": [], "conflicts": [], "nearest": []}
NO_TEXTS: Mapping[str, str] = {}
PUBLIC, SECRET = {"document": "open.md"}, {"document": "hr/pay.md"}


def outcome(passages: tuple[dict[str, str], ...] = (PUBLIC,), sample: str = "s0", **answer: Any) -> SampleOutcome:
    return SampleOutcome(sample=sample, answer={**ANSWER, **answer}, passages=list(passages), seconds=1)


def sample(name: str = "s0", **told: Any) -> Sample:
    return Sample(id=name, question=f"{name}?", answerable=False, **told)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (outcome(), []),
        (outcome((PUBLIC, SECRET)), ["retrieves hr/pay.md"]),
        (outcome(citations=[SECRET]), ["cites hr/pay.md"]),
        (outcome(conflicts=[SECRET]), ["compares hr/pay.md"]),
        (outcome(nearest=["hr/pay.md"]), ["names hr/pay.md"]),
        (outcome(nearest=["open.md (Pay)", "hr/pay.md, page 2 (Bands (2025))"]), ["names hr/pay.md"]),
        (outcome(nearest=["hr/pay.md (Bands)"]), ["names hr/pay.md"]),
        (outcome(nearest=["hr/pay.md.txt"]), []),
    ],
)
def test_whatever_an_answer_shows_is_seen(shown: SampleOutcome, told: list[str]) -> None:
    assert list(leaks(shown, {"hr/pay.md"})) == told


def test_a_caller_may_read_what_is_public_and_what_the_own_groups_may() -> None:
    groups = {"open.md": [], "hr/pay.md": ["hr", "finance"], "it/keys.md": ["it"]}
    assert withheld_from(["hr"], groups) == {"it/keys.md"}
    assert withheld_from([], groups) == {"hr/pay.md", "it/keys.md"}
    assert withheld_from(["hr"], groups, opened=["it/keys.md"]) == set()


def test_what_is_withheld_from_a_caller_is_so_from_those_with_fewer_groups() -> None:
    samples = [sample(groups=("it", "hr"), withheld=("a.md",))]
    assert [withheld_from(own, {}, samples) for own in ([], ["hr"], ["hr", "sales"])] == [{"a.md"}, {"a.md"}, set()]
    assert withheld_from([], {}, samples, opened=["a.md"]) == {"a.md"}


def test_changed_groups_are_told() -> None:
    before = {"a": ["hr"], "b": ["hr"], "c": [], "d": ["it"], "e": []}
    after = {"a": ["hr"], "b": [], "c": ["it", "hr"], "f": ["hr"], "g": []}
    told = ["b: hr -> everybody", "c: everybody -> it, hr", "d: it -> not there", "f: not there -> hr"]
    assert list(changes(before, after)) == told


def run(
    home: Path, label: str, groups: str, *outcomes: SampleOutcome, texts: Mapping[str, str] = NO_TEXTS, **told: Any
) -> EvalRun:
    samples = Dataset("d", (sample("s0", **told), *(sample(f"s{n}") for n in range(1, 40))))
    made = open_run(home, samples, PackagedRelease(root=home, label=label, release=label * 8, snapshot="s"), 1)
    access_of(json.loads(groups), texts).write(made.path / "access.json")
    for each in outcomes:
        made.keep(each)
    return made


def held(made: EvalRun, champion: EvalRun | None, **told: Any) -> tuple[CriterionResult, ...]:
    return count(made, champion, Thresholds(threshold=(Threshold(metric="answered", floor=0.5),), **told))


def test_a_release_that_opened_a_document_leaks_by_the_rules_of_its_champion(tmp_path: Path) -> None:
    champion = run(tmp_path, "old", '{"hr/pay.md": ["hr"]}', outcome())
    release = run(tmp_path, "new", '{"hr/pay.md": []}', outcome((SECRET,)))
    leaked, failed = held(release, champion)
    assert (leaked.says, leaked.value, failed.says) == ("fail", 1 / 40, "pass")
    assert leaked.why == "1 of 40 answers show what their caller may not read: retrieves hr/pay.md (s0)"
    assert notes(release, champion, ()) == ("The groups of 1 documents changed: hr/pay.md: hr -> everybody.",)
    assert held(champion, champion)[0].says == "pass"


def test_it_may_where_the_thresholds_say_so_unless_the_dataset_does_not(tmp_path: Path) -> None:
    champion = run(tmp_path, "old", '{"hr/pay.md": ["hr"]}', outcome())
    release = run(tmp_path, "new", '{"hr/pay.md": []}', outcome((SECRET,)))
    assert held(release, champion, opened=["hr/pay.md"])[0].says == "pass"
    assert "The thresholds open hr/pay.md." in notes(release, champion, ["hr/pay.md"])
    probed = run(tmp_path / "probed", "new", "{}", outcome((SECRET,)), withheld=("hr/pay.md",))
    assert held(probed, None, opened=["hr/pay.md"])[0].says == "fail"


PAY = "The severance of the director Ottokar Lindqvist is EUR 913,000.\nIt is due in May 2027 at the very latest."
TRAVEL = "The hotel limit in Zurich is EUR 190 a night, and meals are reimbursed up to EUR 45 a day."
REFLOWED = "THE SEVERANCE of the\ndirector Ottokar Lind\u00adqvist\nis EUR 913,000"


@pytest.mark.parametrize(
    ("groups", "texts", "says", "told"),
    [
        ({"pay.md": ["hr"]}, {"pay.md": PAY}, "pass", ""),
        ({"pay.md": []}, {"pay.md": PAY}, "fail", "can be read by others in: pay.md"),
        ({"pay.md": ["hr", "it"]}, {"pay.md": PAY}, "fail", "can be read by others in: pay.md"),
        ({"notes.md": []}, {"notes.md": PAY}, "fail", "can be read by others in: notes.md (of pay.md)"),
        ({"notes.md": ["it"]}, {"notes.md": PAY}, "fail", "can be read by others in: notes.md (of pay.md)"),
        ({"notes.md": ["hr"]}, {"notes.md": PAY}, "pass", ""),
        ({"open.md": [], "pay.md": ["hr"]}, {"open.md": f"{TRAVEL} {REFLOWED}", "pay.md": PAY}, "fail", "open.md (of"),
        ({"open.md": []}, {"open.md": f"{TRAVEL} The severance is due."}, "cannot tell", "gone with their text"),
        ({"open.md": [], "pay.md": ["hr"]}, {"open.md": TRAVEL, "pay.md": f"{PAY} {TRAVEL}"}, "pass", ""),
    ],
)
def test_text_that_was_restricted_is_leaked_under_any_name(
    tmp_path: Path, groups: Any, texts: Mapping[str, str], says: str, told: str
) -> None:
    before = json.dumps({"open.md": [], "pay.md": ["hr"]})
    champion = run(tmp_path, "old", before, outcome(), texts={"open.md": TRAVEL, "pay.md": PAY})
    release = run(tmp_path, "new", json.dumps(groups), outcome(), texts=texts)
    found = held(release, champion)[0]
    assert (found.says, told in found.why) == (says, True), found.why
    assert held(release, champion, opened=["pay.md"])[0].says == "pass"
    assert held(release, champion, opened=[*groups, "pay.md"])[0].says == "pass"


def test_text_that_the_dataset_withholds_is_leaked_under_another_name(tmp_path: Path) -> None:
    champion = run(tmp_path, "old", '{"plan.md": []}', outcome(), texts={"plan.md": TRAVEL}, withheld=("plan.md",))
    release = run(tmp_path, "new", '{"other.md": []}', outcome(), texts={"other.md": TRAVEL}, withheld=("plan.md",))
    for opened in ([], ["plan.md"]):
        assert held(release, champion, opened=opened)[0].why.endswith("in: other.md (of plan.md)")


def test_rules_that_are_not_there_or_were_altered_let_nothing_pass(tmp_path: Path) -> None:
    for label, change in (("old", ('["hr"]', "[]")), ("none", ("{", ""))):
        champion = run(tmp_path, label, '{"hr/pay.md": ["hr"]}', outcome())
        path = champion.path / "access.json"
        assert held(champion, None)[0].says == "pass"
        path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
        assert kept_access(champion) is None
        assert held(run(tmp_path, "new", "{}", outcome()), champion)[0].says == "cannot tell"


@pytest.mark.parametrize(("many", "says"), [(0, "pass"), (1, "cannot tell"), (2, "fail")])
def test_few_samples_may_fail_and_none_is_overlooked(tmp_path: Path, many: int, says: str) -> None:
    lost = [
        SampleOutcome(sample=f"s{n}", trouble=SampleFailure(kind="X", message="no column"), seconds=1)
        for n in range(many)
    ]
    failed = held(run(tmp_path, "new", "{}", *lost), None, failed=0.04)[1]
    assert failed.says == says
    assert failed.why.startswith(
        f"{many} of 40 samples failed{('', ': X: no column (s0)', ': X: no column (s0 and 1 more)')[many]}"
    )


def test_every_restricted_document_is_probed_by_who_may_not_read_it(quick_handbook: Path) -> None:
    found = {each.withheld[0]: each for each in probes(asyncio.run(read_documents(quick_handbook)).values())}
    assert len(found) == 5
    pay = found["handbook/hr/salary-bands.docx"]
    assert (pay.question, pay.groups) == (
        "What does Salary Bands 2025 say?",
        ("security", "service-managers", "service-partners"),
    )
    assert all(each.is_draft and not each.answerable for each in found.values())
