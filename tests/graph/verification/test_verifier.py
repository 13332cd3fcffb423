"""The check of a draft: moved, added, dropped and removed claims, and when the judge is asked."""

import asyncio
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import passage_of

from graph.errors import ModelFailed
from graph.release import Checking
from graph.state import Passage, Usage, no_usage
from graph.text.words import equal_weight, terms
from graph.verification.claims import claims_of
from graph.verification.repair import CheckedAnswer
from graph.verification.verifier import GRACE_SECONDS, MAX_CHARACTERS, MAX_CLAIMS, Verifier

PUMP = "The warranty of the Corrento pump is five years. It begins with the date of installation."
DRIVE = "The Montara drive weighs 80 kg when it is empty. Two persons carry it to the cellar."
TABLE = "| Part | Days |\n|---|---|\n| Seal | 5 |\n| Fan | 9 |"


def passage(text: str, name: str, **changes: Any) -> Passage:
    named = {"id": f"{name}#0", "document": name, "file": name, "title": "Manual"}
    return passage_of(text, **{**named, **changes})


@dataclass
class Overlap:
    """Texts are as similar as the share of words that both have; remembers what it was asked."""

    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        self.asked.append((text, list(others)))
        await asyncio.sleep(0)
        own = set(terms(text))
        return [len(own & set(terms(other))) / max(1, len(own | set(terms(other)))) for other in others]


@dataclass
class Opinion:
    """A judge of one verdict about each claim that it is asked about, or a broken one; remembers what it was asked."""

    verdict: str | ModelFailed
    quote: str = "The warranty of the Corrento pump is five years."
    asked: list[str] = field(default_factory=list)

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        self.asked.append(request)
        usage["calls"] += 1
        if isinstance(self.verdict, ModelFailed):
            raise self.verdict
        checking = {"verdict": self.verdict, "passage": 1, "quote": self.quote}
        return json.dumps(
            {"claims": [{"claim": number, **checking} for number in range(1, 1 + request.count("\n") - 2)]}
        )


PASSAGES = [passage(PUMP, "pump.md"), passage(DRIVE, "drive.md")]
NEVER, ALWAYS = Checking(unsure_from=0.0, unsure_to=0.0), Checking(unsure_from=0.0, unsure_to=1.0)


def check(
    draft: str,
    *passages: Passage,
    judge: Opinion | None = None,
    checking: Checking = NEVER,
    usage: Usage | None = None,
    question: str = "",
) -> CheckedAnswer:
    verifier, used_passages = Verifier(Overlap(), equal_weight, checking, judge), list(passages or PASSAGES)
    return asyncio.run(
        verifier.check(draft, used_passages, usage if usage is not None else no_usage(), question=question)
    )


def actions(checked: CheckedAnswer) -> list[str]:
    return [repair["action"] for repair in checked.repairs]


def test_a_claim_that_its_passage_says_stands() -> None:
    checked = check("The warranty of the Corrento pump is five years. [1]")
    assert (checked.text, checked.cited, checked.uncited) == (
        "The warranty of the Corrento pump is five years. [1]",
        1,
        0,
    )
    assert (checked.repairs, checked.trouble) == ([], [])
    assert [(c["document"], c["quote"], c["support"]) for c in checked.citations] == [
        ("pump.md", "The warranty of the Corrento pump is five years.", 1.0)
    ]


def test_a_step_that_is_quoted_is_no_order_to_the_reader_and_one_that_a_model_writes_may_be() -> None:
    steps = passage("1. Rinse the skin for 15 minutes.\n2. Write an entry in the red book.", "acid.md")
    verifier, draft = Verifier(Overlap(), equal_weight, NEVER), "Write an entry in the red book. [1]"
    told = [
        asyncio.run(verifier.check(draft, [steps], no_usage(), question="What to do about acid?", quotes=quotes)).cited
        for quotes in (True, False)
    ]
    assert told == [1, 0]


def test_a_claim_that_cites_the_wrong_passage_is_moved_to_the_right_one() -> None:
    checked = check("The warranty of the Corrento pump is five years. [2]")
    assert [(c["marker"], c["document"]) for c in checked.citations] == [(1, "pump.md")]
    assert (actions(checked), checked.cited, checked.uncited) == (["moved"], 1, 0)


@pytest.mark.parametrize("draft", ["Two persons carry it to the cellar.", "Two persons carry it to the cellar. [7]"])
def test_a_claim_that_cites_nothing_is_given_the_passage_that_says_it(draft: str) -> None:
    checked = check(draft)
    assert (checked.text, [c["document"] for c in checked.citations]) == (
        "Two persons carry it to the cellar. [1]",
        ["drive.md"],
    )
    assert actions(checked) == ["moved" if "[7]" in draft else "added"]


def test_a_claim_under_words_that_tell_where_it_is_from_stands_with_them_and_is_held_without_them() -> None:
    checked = check("Based on the provided documents, two persons carry it to the cellar. [2]")
    assert checked.text == "Based on the provided documents, two persons carry it to the cellar. [1]"
    assert [c["support"] for c in checked.citations] == [1.0]


def test_a_claim_with_an_invented_number_is_removed_and_the_number_is_named() -> None:
    checked = check("It begins with the date of installation. [1] The warranty of the Corrento pump is 9 years. [1]")
    assert checked.text == "It begins with the date of installation. [1]"
    assert (checked.cited, checked.uncited, actions(checked)) == (1, 1, ["removed"])
    assert checked.repairs[0]["because"] == "9 years is not there: it says 5 years"


def test_a_claim_of_two_clauses_from_two_sources_keeps_both() -> None:
    checked = check(
        "The warranty of the Corrento pump is five years; the Montara drive weighs 80 kg when it is empty. [1][2]"
    )
    assert {c["document"] for c in checked.citations} == {"pump.md", "drive.md"}
    assert (checked.cited, checked.uncited) == (1, 0)
    assert checked.text.endswith("when it is empty. [1] [2]")


def test_a_claim_of_two_clauses_one_of_which_is_invented_is_removed() -> None:
    checked = check("The warranty of the Corrento pump is five years; bananas from Peru cost 3 EUR a kilo. [1][2]")
    assert (checked.text, actions(checked)) == ("", ["removed"])


def test_a_row_of_a_table_is_a_source() -> None:
    checked = check("Part: Fan; Days: 9. [1]", passage(TABLE, "table.md"))
    assert [c["quote"] for c in checked.citations] == ["| Fan | 9 |"]


def test_telling_that_something_is_not_there_stays_without_a_citation() -> None:
    checked = check("It begins with the date of installation. [1] The documents do not mention a price.")
    assert checked.text == "It begins with the date of installation. [1] The documents do not mention a price."
    assert (checked.cited, checked.uncited, checked.repairs) == (1, 1, [])


def test_what_is_told_beside_an_absence_is_held_against_the_passages() -> None:
    absent = "The documents do not mention a price"
    checked = check(f"{absent}, but two persons carry it to the cellar. [2]")
    assert ([c["document"] for c in checked.citations], checked.cited) == (["drive.md"], 1)
    assert check(f"{absent}, but apples from Rome are red. [2]").text == ""


def test_a_yes_before_a_claim_is_not_looked_for() -> None:
    checked = check("Yes, the warranty of the Corrento pump is five years. [1]")
    assert checked.text == "Yes, the warranty of the Corrento pump is five years. [1]"
    assert checked.citations[0]["support"] == 1.0


def test_a_claim_is_compared_and_told_without_its_markdown_and_stays_as_it_was_written() -> None:
    checked = check("**Two persons** carry it to the `cellar`. [2]\n\n**Bananas** are `yellow`. [1]")
    assert (checked.text, checked.citations[0]["support"]) == ("**Two persons** carry it to the `cellar`. [1]", 1.0)
    assert [repair["claim"] for repair in checked.repairs] == ["Bananas are yellow."]


@pytest.mark.parametrize("draft", ["", "   ", "[1]", "...", "😀", "---", "So it is.", "The parts are:"])
def test_a_draft_that_claims_nothing_has_nothing_cited(draft: str) -> None:
    checked = check(draft)
    assert (checked.citations, checked.cited, checked.repairs) == ([], 0, [])


@pytest.mark.parametrize(
    "draft", ["# Bananas of Peru", "# Bananas\n\n## Peru", "```\nsudo rm -r /\n```", "BANANAS OF PERU"]
)
def test_headings_and_code_that_no_passage_says_do_not_stay(draft: str) -> None:
    checked = check(draft)
    assert (checked.text, checked.cited) == ("", 0)


REWORDED = "Five years is how long the Corrento warranty runs. [1]"


@pytest.mark.parametrize(("verdict", "cited"), [("supported", 1), ("contradicted", 0), ("not_found", 0)])
def test_the_model_decides_where_the_rules_are_unsure(verdict: str, cited: int) -> None:
    model = Opinion(verdict)
    checked = check(REWORDED, judge=model, checking=ALWAYS)
    assert (checked.cited, len(model.asked)) == (cited, 1)
    assert [r["verdict"] for r in checked.repairs if r["action"] == "removed"] == [verdict] * (1 - cited)


def test_all_unsure_claims_cost_one_call() -> None:
    model, usage = Opinion("supported"), no_usage()
    checked = check(
        f"{REWORDED} The Corrento warranty runs for five whole years. [1]", judge=model, checking=ALWAYS, usage=usage
    )
    assert (checked.cited, len(model.asked), usage["calls"]) == (2, 1, 1)
    assert "1. Five years" in model.asked[0]
    assert "2. The Corrento" in model.asked[0]


def test_a_decision_whose_quote_is_not_in_the_passage_does_not_count() -> None:
    model = Opinion("supported", quote="The warranty is for life.")
    checked, alone = check(REWORDED, judge=model, checking=ALWAYS), check(REWORDED)
    assert (checked.text, checked.citations) == (alone.text, alone.citations)
    assert checked.trouble == ["the model did not decide about 1 of 1 claims"]


def test_when_the_model_fails_the_rules_stand_and_it_is_told() -> None:
    model = Opinion(ModelFailed("error", "503 from the model", transient=True))
    checked, alone = check(REWORDED, judge=model, checking=ALWAYS), check(REWORDED)
    assert (checked.text, checked.citations, checked.repairs) == (alone.text, alone.citations, alone.repairs)
    assert checked.trouble == ["the model did not decide about the claims: 503 from the model"]


def test_the_model_is_not_waited_for_when_the_time_of_the_question_is_over() -> None:
    class Slow(Opinion):
        async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
            await asyncio.sleep(60)
            return "{}"

    verifier = Verifier(Overlap(), equal_weight, ALWAYS, Slow("supported"))
    checked = asyncio.run(verifier.check(REWORDED, PASSAGES, no_usage(), seconds=0.3))
    assert checked.text == check(REWORDED).text
    assert checked.trouble == ["the model did not decide about the claims: the time of the question was over"]


def test_the_model_is_not_asked_about_what_stands_there_word_by_word() -> None:
    model = Opinion("not_found")
    checked = check("The warranty of the Corrento pump is five years. [1]", judge=model, checking=Checking())
    assert (checked.cited, model.asked) == (1, [])


UNSURE = "Two persons carry the drive down to the cellar. [2]"


def test_what_nobody_decides_is_kept_and_marked_unless_the_release_is_strict() -> None:
    kept, strict = check(UNSURE, checking=Checking()), check(UNSURE, checking=Checking(strict=True))
    assert [(c["document"], c.get("verdict")) for c in kept.citations] == [("drive.md", "unverified")]
    assert (actions(kept), kept.repairs[0].get("verdict")) == (["unverified"], "unverified")
    assert kept.doubt > 0
    assert strict.text == ""


def test_a_reply_of_markers_alone_is_met_by_the_sentence_that_it_points_to() -> None:
    verifier = Verifier(Overlap(), equal_weight, Checking())
    question = "How long is the warranty of the Corrento pump?"
    checked = asyncio.run(verifier.check("[1][2]", PASSAGES, no_usage(), question=question))
    assert checked.text == "The warranty of the Corrento pump is five years. [1]"


def test_what_only_a_replaced_version_says_stands_unverified() -> None:
    old = passage("The hotel limit is EUR 110.", "old", title="Travel 2022", metadata={"effective_date": "2022-01-01"})
    new = passage("The hotel limit is EUR 145.", "new", title="Travel 2024", metadata={"effective_date": "2024-01-01"})
    checked = check("The hotel limit is EUR 110. [1]", old, new, question="What is the hotel limit?")
    assert [each.get("verdict") for each in checked.citations] == ["unverified"]
    assert checked.repairs[0]["because"] == "a newer version of the document replaces this one"
    checked = check("The hotel limit is EUR 110. [1]", old, new, question="What was the hotel limit in 2022?")
    assert [each.get("verdict") for each in checked.citations] == ["supported"]


def test_a_claim_is_compared_with_all_passages_in_one_call() -> None:
    near = Overlap()
    passages = [*PASSAGES, *(passage(DRIVE.replace("80", str(n)), f"{n}.md") for n in range(4))]
    asyncio.run(Verifier(near, equal_weight, NEVER).check("Bananas are yellow. [1]", passages, no_usage()))
    assert [text for text, _ in near.asked] == ["Bananas are yellow."]


def test_what_stands_word_by_word_is_not_compared_by_meaning() -> None:
    near = Overlap()
    asyncio.run(
        Verifier(near, equal_weight, NEVER).check("Two persons carry it to the cellar. [2]", PASSAGES, no_usage())
    )
    assert near.asked == []


def test_the_work_for_a_long_draft_grows_with_its_claims_and_no_faster() -> None:
    async def compared(claims: int) -> int:
        near = Overlap()
        draft = " ".join(f"Banana number {n} of Peru is yellow. [1]" for n in range(claims))
        await Verifier(near, equal_weight, NEVER).check(draft, PASSAGES, no_usage())
        return sum(len(others) for _, others in near.asked)

    assert asyncio.run(compared(40)) <= 5 * asyncio.run(compared(10)) > 0


def test_the_support_of_each_passage_is_given_in_order_and_the_judge_is_not_asked() -> None:
    judge = Opinion("supported")
    verifier = Verifier(Overlap(), equal_weight, ALWAYS, judge)
    scores = asyncio.run(verifier.support("Two persons carry it to the cellar.", PASSAGES))
    assert (scores[1], judge.asked) == (1.0, [])
    assert scores[0] < scores[1]


def test_no_passages_give_no_support() -> None:
    assert asyncio.run(Verifier(Overlap(), equal_weight, NEVER).support("It is so.", [])) == []


PIECES = [
    "The warranty of the Corrento pump is five years.",
    "It begins with the date of installation [1].",
    "Two persons carry it [2]",
    "It weighs 80 kg and it is nine years old.",
    "- a fan of 9 days [3]",
    "| Seal | 5 | [3]",
    "# The pump",
    "[1]",
    "[9]",
    "\n",
    "\n\n",
    "価格は5円です。",
    "`code`",
    "The documents do not mention it.",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8), st.booleans())
def test_every_quote_is_an_exact_slice_and_every_marker_has_its_citation(pieces: list[str], believed: bool) -> None:
    document = "\n\n".join([PUMP, DRIVE, TABLE])
    starts = [document.index(text) for text in (PUMP, DRIVE, TABLE)]
    passages = [passage(text, text[:9], start=at) for text, at in zip((PUMP, DRIVE, TABLE), starts, strict=True)]
    draft = " ".join(pieces)
    checked = check(draft, *passages, judge=Opinion("supported" if believed else "not_found"), checking=ALWAYS)
    assert [c["quote"] for c in checked.citations] == [document[c["start"] : c["end"]] for c in checked.citations]
    assert [c["marker"] for c in checked.citations] == list(range(1, len(checked.citations) + 1))
    assert {int(n) for n in re.findall(r"\[(\d+)\]", checked.text)} == {c["marker"] for c in checked.citations}
    assert set(re.findall(r"[^\W\d]+", checked.text)) <= set(re.findall(r"[^\W\d]+", draft))
    assert all(0 <= c["support"] <= 1 for c in checked.citations)
    assert bool(checked.cited) == bool(checked.citations)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
def test_any_draft_can_be_checked(draft: str) -> None:
    checked = check(draft)
    assert checked.cited + checked.uncited <= len(claims_of(draft))


def test_a_long_draft_is_cut_at_a_bound_and_says_so() -> None:
    checked = check("Two persons carry it to the cellar. [2] " * (MAX_CLAIMS + 10))
    assert (checked.cited, checked.uncited) == (MAX_CLAIMS, 10)
    assert checked.trouble == [f"the reply was cut after {MAX_CLAIMS} claims"]
    checked = check("Two persons carry it to the cellar. [2] " + "a" * MAX_CHARACTERS)
    assert len(checked.text) < 100 + MAX_CHARACTERS
    assert checked.uncited


def test_claims_that_are_left_when_the_time_is_over_are_removed() -> None:
    late = -GRACE_SECONDS - 1
    checked = asyncio.run(Verifier(Overlap(), equal_weight, NEVER).check(REWORDED, PASSAGES, no_usage(), seconds=late))
    assert (checked.text, checked.cited) == ("", 0)
    assert {repair["because"] for repair in checked.repairs} == {
        "the time of the question was over before it was checked"
    }


def test_claims_are_compared_in_another_thread_than_the_event_loop() -> None:
    threads: set[str] = set()

    def weigh(term: str) -> float:
        threads.add(threading.current_thread().name)
        return 1.0

    asyncio.run(Verifier(Overlap(), weigh, NEVER).check(REWORDED, PASSAGES, no_usage()))
    assert threads
    assert all(name.startswith("warrant-cpu") for name in threads)


def test_a_number_of_thousands_of_digits_is_checked_like_any_other() -> None:
    assert check(f"The drive weighs {'9' * 5000} kg. [2]").cited == 0
