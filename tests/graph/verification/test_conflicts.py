"""What other versions of a cited document say differently."""

from typing import Any, cast

import pytest
from support import passage_of

from graph.state import Citation, Conflict, Passage
from graph.verification.conflicts import conflicts, differs

OLD, NEW = "The warranty of the pump is two years.", "The warranty of the pump is five years."


def passage(text: str, effective_date: str | None, **changes: Any) -> Passage:
    found_conflicts = {"effective_date": effective_date} if effective_date else {}
    name = changes.setdefault("document", f"policy-{effective_date}.md")
    named = {"id": f"{name}#0", "file": name, "title": f"Warranty Policy {(effective_date or '')[:4]}"}
    return passage_of(text, **{**named, "metadata": found_conflicts, **changes})


def cites(found: Passage, quote: str, marker: int = 1) -> Citation:
    start = found["start"] + found["text"].index(quote)
    place = {"start": start, "end": start + len(quote), "quote": quote}
    return cast(Citation, {"marker": marker, "passage": found["id"], "document": found["document"], **place})


def found_conflicts(one: Passage, *others: Passage, quote: str | None = None) -> list[Conflict]:
    return conflicts([cites(one, quote or one["text"])], [one, *others])


def test_an_older_version_that_says_otherwise_is_told_with_its_exact_place() -> None:
    text = f"Read this first. {OLD}"
    old = passage(text, "2022-01-01", start=50)
    assert found_conflicts(passage(NEW, "2024-01-01"), old) == [
        Conflict(
            marker=1,
            version="older",
            document="policy-2022-01-01.md",
            file="policy-2022-01-01.md",
            title="Warranty Policy 2022",
            effective_date="2022-01-01",
            start=67,
            end=67 + len(OLD),
            quote=OLD,
        )
    ]


def test_a_newer_version_that_says_otherwise_is_told_as_newer() -> None:
    [conflict] = found_conflicts(passage(OLD, "2022-01-01"), passage(NEW, "2024-01-01"))
    assert (conflict["version"], conflict["quote"], conflict["effective_date"]) == ("newer", NEW, "2024-01-01")


def test_a_version_that_says_the_same_is_not_told() -> None:
    assert found_conflicts(passage(NEW, "2024-01-01"), passage(NEW, "2022-01-01")) == []


def test_a_version_that_says_the_same_in_another_form_is_not_told() -> None:
    assert (
        found_conflicts(passage(NEW, "2024-01-01"), passage("The warranty of a pump is 5 years.", "2022-01-01")) == []
    )


def test_a_version_that_speaks_of_something_else_is_not_told() -> None:
    assert (
        found_conflicts(passage(NEW, "2024-01-01"), passage("Two persons carry the crate of the drive.", "2022-01-01"))
        == []
    )


@pytest.mark.parametrize(
    "other",
    [
        passage(OLD, "2022-01-01", title="Holiday Rules 2022"),
        passage(OLD, None),
        passage(OLD, "2024-01-01", document="copy.md"),
        passage(OLD, "2022-01-01", document="policy-2024-01-01.md", id="elsewhere"),
    ],
    ids=["another title", "without a date", "of the same date", "the same document"],
)
def test_what_is_no_other_version_is_not_told(other: Passage) -> None:
    assert found_conflicts(passage(NEW, "2024-01-01"), other) == []


def test_what_an_undated_document_says_conflicts_with_nothing() -> None:
    assert found_conflicts(passage(NEW, None), passage(OLD, "2022-01-01")) == []


def test_of_a_document_the_first_passage_that_says_otherwise_is_told() -> None:
    old = [passage(OLD, "2022-01-01", id=f"{n}", start=100 * n) for n in range(3)]
    assert [conflict["start"] for conflict in found_conflicts(passage(NEW, "2024-01-01"), *old)] == [0]


def test_each_other_version_is_told() -> None:
    found = found_conflicts(passage(NEW, "2024-01-01"), passage(OLD, "2022-01-01"), passage(OLD, "2020-01-01"))
    assert [conflict["effective_date"] for conflict in found] == ["2022-01-01", "2020-01-01"]


def test_only_the_cited_rule_is_compared() -> None:
    cited = passage(f"{NEW} The crate is carried by three persons.", "2024-01-01")
    old = passage("The crate is carried by two persons.", "2022-01-01")
    assert found_conflicts(cited, old, quote=NEW) == []
    assert len(found_conflicts(cited, old, quote="The crate is carried by three persons.")) == 1


def test_a_row_of_a_table_is_compared_by_its_columns() -> None:
    table = "| Part | Interval |\n|---|---|\n| Seal | {} months |\n| Fan | 6 months |"
    cited, old = passage(table.format(12), "2024-01-01"), passage(table.format(24), "2022-01-01")
    assert [c["quote"] for c in found_conflicts(cited, old, quote="| Seal | 12 months |")] == ["| Seal | 24 months |"]
    assert found_conflicts(cited, old, quote="| Fan | 6 months |") == []


def test_a_citation_of_a_passage_that_is_not_there_conflicts_with_nothing() -> None:
    cited, old = passage(NEW, "2024-01-01"), passage(OLD, "2022-01-01")
    assert conflicts([cites(cited, NEW)], [old]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It lasts 5 years.", "It lasts 6 years."),
        ("It is allowed.", "It is not allowed."),
        ("Ask Mr Rossi for it.", "Ask Ms Bianchi for it."),
        ("It costs 5 EUR.", "It costs 5 EUR and 2 EUR more."),
        ("It lasts 3 months.", "It lasts 3 weeks."),
        ("Pay 5 EUR.", "Pay 5 USD."),
        ("Report weekly.", "Report monthly."),
        ("You must ask.", "You may ask."),
    ],
)
def test_another_number_name_denial_or_duty_is_something_else(one: str, other: str) -> None:
    assert differs(one, other)
    assert differs(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It lasts five years.", "It lasts 5 years."),
        ("It costs 1,200 EUR.", "It costs 1200 EUR."),
        ("It is not allowed.", "It isn't allowed."),
        ("Corrento pumps last.", "The pumps of Corrento last."),
        ("From 2024-06-01.", "From 1 June 2024."),
        ("It is so.", "It is quite so."),
    ],
)
def test_another_wording_is_not_something_else(one: str, other: str) -> None:
    assert not differs(one, other)


def test_what_changes_with_a_version_does_not_hide_a_conflict() -> None:
    old = {"effective_date": "2022-01-01", "status": "superseded", "version": "1"}
    new = {"effective_date": "2024-01-01", "status": "current", "version": "2"}
    cited = passage(NEW, "2024-01-01", metadata=new)
    assert len(found_conflicts(cited, passage(OLD, "2022-01-01", metadata=old))) == 1
