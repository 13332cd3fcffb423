"""Answers as text in LangServe's playground."""

from typing import Any

import pytest

from server.routes.plain_text import answer_text

CITATION = {"marker": 1, "title": "Terms", "file": "terms.md", "page": 2, "quote": "It lasts 4 years."}
ANSWER: dict[str, Any] = {
    "text": "It lasts 4 years. [1]", "nearest": [], "conflicts": [], "warnings": [], "reason": "", "timings": {},
    "status": "answered", "confidence": 0.5, "route": "simple", "rung": "primary", "release": "r",
}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "line"),
    [("unverified", "[1] unverified: Terms (terms.md, page 2)"), ("supported", "[1] Terms (terms.md, page 2)")],
)
def test_a_citation_that_is_unverified_says_so(verdict: str, line: str) -> None:
    assert line in answer_text({**ANSWER, "citations": [{**CITATION, "verdict": verdict}]})
