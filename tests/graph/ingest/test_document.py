import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from graph.ingest.document import canonical, digest_of

values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(st.characters(exclude_categories=["Cs"])))


def test_a_digest_is_sha256_over_the_parts_with_their_lengths() -> None:
    assert digest_of(b"ab") == hashlib.sha256(bytes(7) + b"\x02ab").hexdigest()


def test_where_one_part_ends_and_the_next_begins_changes_the_digest() -> None:
    splits = [(b"abc",), (b"ab", b"c"), (b"a", b"bc"), (b"abc", b""), (b"", b"abc")]
    assert len({digest_of(*parts) for parts in splits}) == len(splits)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values))
def test_the_order_of_fields_does_not_change_their_bytes(fields: dict[str, object]) -> None:
    assert canonical(dict(reversed(fields.items()))) == canonical(fields)


def test_canonical_bytes_are_json_in_utf8_in_which_each_type_has_its_own() -> None:
    assert canonical({"b": [1, None], "a": "é"}) == '{"a": "é", "b": [1, null]}'.encode()
    assert len({canonical({"a": value}) for value in (1, "1", True, None, [1])}) == 5
