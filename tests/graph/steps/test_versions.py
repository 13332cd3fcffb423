"""Versions of one document, and which of them another one has replaced."""

from typing import Any, cast

import pytest

from graph.state import Passage
from graph.steps.versions import effective, family, outdated


def passage(title: str, since: str | None = None, **metadata: Any) -> Passage:
    told = {"effective_date": since} if since else {}
    return cast(Passage, {"title": title, "text": "It is so.", "metadata": {**told, **metadata}})


@pytest.mark.parametrize(
    ("metadata", "since"),
    [
        ({"effective_date": "2024-06-01"}, "2024-06-01"),
        ({"effective_date": "01.06.2024"}, "2024-06-01"),
        ({"effective_date": "June 1, 2024"}, "2024-06-01"),
        ({"effective_date": "2024-06-01T08:00:00Z"}, "2024-06-01"),
        ({"effective_date": 2024}, "2024"),
        ({"effective_date": "2024-06"}, "2024-06"),
        ({"effective_date": "6/1/2024"}, ""),
        ({"effective_date": "next summer"}, ""),
        ({"effective_date": None}, ""),
        ({"date": "2024"}, ""),
        ({}, ""),
    ],
)
def test_a_document_holds_from_the_date_that_its_metadata_say(metadata: dict[str, Any], since: str) -> None:
    assert effective(passage("Policy", **metadata)) == since


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Travel Policy 2022", "Travel Policy 2024"),
        ("Travel Policy v1", "Travel Policy v2.1"),
        ("Travel Policy, version 3", "Travel Policy, version 4"),
        ("Travel Policy", "Travel Policy v2"),
        ("travel policy 2022-06-01", "Travel Policy 2024-01-01"),
        ("Travel Policy", "Travel Policy (2024)"),
        ("Travel Policy", "Travel Policy - 2024"),
        ("Policy, May 2022", "Policy, June 2024"),
    ],
)
def test_titles_that_differ_by_what_counts_versions_are_one_family(one: str, other: str) -> None:
    assert family(passage(one)) == family(passage(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Travel Policy 2022", "Travel Rules 2022"),
        ("Travel Policy", "Travel Policy Annex"),
        ("ISO 9001 policy", "ISO 14001 policy"),
        ("Drive 300", "Drive 500"),
        ("Pump K5", "Pump K6"),
    ],
)
def test_other_titles_are_other_families(one: str, other: str) -> None:
    assert family(passage(one)) != family(passage(other))


def test_documents_of_two_regions_are_two_families() -> None:
    assert family(passage("Policy 1", region="EU")) != family(passage("Policy 2", region="US"))


def test_who_may_read_a_version_and_since_when_it_holds_make_no_other_family() -> None:
    one = passage("Policy v1", "2022-01-01", allowed_groups=["hr"])
    assert family(one) == family(passage("Policy v2", "2024-01-01", allowed_groups=[]))


VERSIONS = [
    passage("Policy 2020", "2020-01-01"),
    passage("Policy 2022", "2022-01-01"),
    passage("Policy 2024", "2024-01-01"),
]


def test_all_versions_but_the_newest_are_outdated() -> None:
    assert outdated("How long may I travel?", VERSIONS) == {0, 1}


def test_a_version_that_is_not_yet_in_force_is_not_the_one_that_holds() -> None:
    assert outdated("How long may I travel?", VERSIONS, today="2023-06-30") == {0, 2}
    assert outdated("How long may I travel in 2024?", VERSIONS, today="2023-06-30") == {0}
    undated = [passage("Policy", since) for since in ("2022-01-01", "2024-01-01")]
    assert outdated("How long may I travel from 2024 on?", undated, today="2023-06-30") == set()
    assert outdated("How long may I travel?", VERSIONS, today="2019-06-30") == {1, 2}


def test_a_question_that_names_a_number_of_a_title_wants_that_version_too() -> None:
    assert outdated("What does the policy 2020 say?", VERSIONS) == {1}


def test_a_question_for_how_things_were_at_no_told_time_wants_all() -> None:
    assert outdated("How long was the trip?", VERSIONS) == set()


def test_the_only_version_and_one_without_a_date_are_never_outdated() -> None:
    assert (
        outdated("How long?", [passage("Policy 2024", "2024-01-01"), passage("Policy"), passage("Rules", "2019-01-01")])
        == set()
    )
