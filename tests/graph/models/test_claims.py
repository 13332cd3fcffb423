"""JSON as it comes is given as readable text, and what is no such JSON as it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.models.json_claims import RESPONSE_FORMAT, ClaimsReader, JsonClaim, JsonReply

TWO = {"claims": [{"text": "The fee is 5 EUR", "passages": [2]}, {"text": "It is due at once.", "passages": [1, 3]}]}
READ = "The fee is 5 EUR. [2] It is due at once. [1][3]"


def pieces(reply: str, size: int = 1) -> list[str]:
    reader = ClaimsReader()
    given = [reader.feed(reply[start : start + size]) for start in range(0, len(reply), size)]
    return [*given, reader.close()]


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_claims_are_read_as_cited_sentences(size: int) -> None:
    assert "".join(pieces(json.dumps(TWO), size)) == READ


def test_the_text_is_given_while_it_is_written() -> None:
    given = pieces(json.dumps(TWO))
    assert sum(bool(piece) for piece in given) > 20
    assert given[json.dumps(TWO).index("fee") + 2] == "e"


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```\n", "  {}  "])
def test_a_fence_around_it_is_taken_off(fence: str) -> None:
    assert "".join(pieces(fence.format(json.dumps(TWO)))) == READ


@pytest.mark.parametrize(
    "reply",
    ["The fee is 5 EUR. [2]", "`fee` is 5 EUR. [2]", '{"answer": "5 EUR"}', "{not json", "[1] says 5 EUR.", ""],
)
def test_what_is_not_the_schema_is_given_as_it_is(reply: str) -> None:
    assert "".join(pieces(reply)) == reply


def test_a_reply_that_breaks_off_keeps_what_was_given() -> None:
    whole = json.dumps(TWO)
    assert "".join(pieces(whole[: whole.index("at once")])) == "The fee is 5 EUR. [2] It is due"


def test_a_reply_without_claims_declines() -> None:
    reader = ClaimsReader()
    assert (reader.feed('{"claims": []}'), reader.close(), reader.declined) == ("", "", True)
    other = ClaimsReader()
    other.feed(json.dumps(TWO))
    other.close()
    assert not other.declined


CLAIM = st.fixed_dictionaries({"text": st.text(max_size=30), "passages": st.lists(st.integers(0, 20), max_size=3)})


@settings(deadline=None)
@given(st.lists(CLAIM, min_size=1, max_size=4), st.integers(1, 9), st.booleans())
def test_pieces_of_any_size_make_the_same_text(claims: list[object], size: int, ascii_only: bool) -> None:
    reply = json.dumps({"claims": claims}, ensure_ascii=ascii_only)
    assert "".join(pieces(reply, size)) == "".join(pieces(reply, len(reply)))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_that_a_model_says_breaks_the_reading(reply: str) -> None:
    assert isinstance("".join(pieces(reply)), str)


def test_the_schema_that_is_asked_for_is_the_one_that_is_read() -> None:
    asked: Any = RESPONSE_FORMAT["json_schema"]
    claims = asked["schema"]["properties"]["claims"]
    assert asked["schema"]["required"] == list(JsonReply.model_fields)
    assert claims["items"]["required"] == list(claims["items"]["properties"]) == list(JsonClaim.model_fields)
    kinds = {name: field["type"] for name, field in JsonClaim.model_json_schema()["properties"].items()}
    assert {name: field["type"] for name, field in claims["items"]["properties"].items()} == kinds
