"""Links and images leave answers, but for allowed hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.safety.links import LinkFilter, without_links

SAID = [
    ("See https://evil.example/?q=1.", "See [link removed]."),
    ("See [the form](https://evil.example/f) now.", "See the form now."),
    ("![a plan](http://evil.example/p.png?data=x)", "a plan"),
    ("[https://evil.example](https://evil.example)", "[link removed]"),
    ('An <img src="//evil.example/p.png"> image', "An  image"),
    ("[label](javascript:alert(1))", "label)"),
    ("Go to www.evil.example, please [1].", "Go to [link removed], please [1]."),
    ("See //evil.example/p and file:///etc/passwd", "See [link removed] and [link removed]"),
    ("See [r]\n\n[r]: //evil/x", "See [r]\n\n[r]:[link removed]"),
    ("[a[b]c](//evil/x)", "[a[b]c]([link removed])"),
    ("An <input type=image src=//evil/x> image", "An  image"),
    ("See https:\\\\evil.example\\x and \\\\evil.example\\x", "See [link removed] and [link removed]"),
    ("[1]: The fee; C:\\\\a\\\\b.txt or <b>x</b>", "[1]: The fee; C:\\\\a\\\\b.txt or <b>x</b>"),
    ("The fee is 5 EUR. [1][2] <5 EUR> a//b", "The fee is 5 EUR. [1][2] <5 EUR> a//b"),
]


@pytest.mark.parametrize(("text", "said"), SAID)
def test_links_and_images_are_taken_out(text: str, said: str) -> None:
    assert without_links(text) == said


def test_links_to_allowed_hosts_and_below_them_stay() -> None:
    kept = "[a](https://docs.good.example/x) https://good.example and www.good.example"
    assert without_links(kept, ["good.example"]) == kept
    for address in (
        "https://good.example.evil.example",
        "https://notgood.example",
        "https://good.example@evil.example",
        "http://evil.example\\@good.example/",
        "http://evil.example&bsol;@good.example/",
        "//evil.example\\.good.example",
    ):
        assert without_links(address, ["good.example"]) == "[link removed]"


@given(st.sampled_from([text for text, _ in SAID]), st.lists(st.integers(1, 12), min_size=1, max_size=60))
def test_a_stream_says_what_the_whole_answer_says(text: str, sizes: list[int]) -> None:
    pieces: list[str] = []
    links, start = LinkFilter([]), 0
    while start < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(links.add(text[start : start + size]))
        start += size
    assert "".join([*pieces, links.rest()]) == without_links(text)
