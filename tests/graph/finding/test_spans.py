"""The span of the best sentences that a question asks for."""

from math import log
from typing import Any, cast

import pytest

from graph.finding.spans import SENTENCES, Span, best_spans, log_odds, readable, weighable
from graph.state import Evidence
from graph.text.words import alike


def unit(text: str, score: float = 0.9) -> Evidence:
    return cast(Evidence, {"passage": 0, "start": 0, "end": len(text), "text": text, "score": score})


def best(question: str, *texts: str) -> str:
    span = best_spans(question, [unit(text) for text in texts], alike)[0]
    return span.unit["text"][span.start : span.end]


@pytest.mark.parametrize(
    ("question", "text", "span"),
    [
        ("When was the tower built?", "The tower was built in 1889 by the firm of Gustave Eiffel.", "1889"),
        ("Who built the tower?", "The tower was built in 1889 by Gustave Eiffel.", "Gustave Eiffel"),
        ("In what city was Marie Curie born?", "Marie Curie was born in Warsaw in 1867.", "Warsaw"),
        ("How many people live in the valley?", "In 1998, 2400 people lived in the valley.", "2400"),
    ],
)
def test_the_best_span_is_of_the_kind_that_is_asked_for(question: str, text: str, span: str) -> None:
    assert best(question, text) == span


def test_the_better_sentence_speaks_for_its_spans() -> None:
    spans = best_spans("Who built it?", [unit("Ada built it.", 0.9), unit("Ida built it.", 0.1)], alike)
    odds = {span.unit["text"][span.start : span.end]: span.odds for span in spans}
    assert odds["Ada"] > odds["Ida"]


def test_only_the_best_sentences_are_searched() -> None:
    texts = [f"Ada{number} built it." for number in range(SENTENCES + 1)]
    units = [span.unit["text"] for span in best_spans("Who built it?", [unit(text) for text in texts], alike)]
    assert set(units) == set(texts[:SENTENCES])


def test_a_span_of_no_form_that_the_kind_asks_for_is_unlike_it() -> None:
    spans = best_spans("When was it built?", [unit("It was built of stone in 1998.")], alike)
    unlike = {span.unit["text"][span.start : span.end]: span.unlike for span in spans}
    assert (unlike["1998"], unlike["stone"]) == (False, True)


def test_a_sentence_without_candidates_and_no_evidence_give_no_span() -> None:
    assert weighable("Who is it?", [unit("It is.")], alike) == []
    assert best_spans("Who is it?", [], alike) == []


def span_of(text: str, words: str) -> Span:
    return Span(cast(Evidence, {"text": text}), text.index(words), text.index(words) + len(words), 0.0, False)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("They are replaced every 4 years.", "4", "every 4 years"),
        ("The limit is EUR 145 per night.", "145", "EUR 145"),
        ("It takes at least 12 hours.", "12", "at least 12 hours"),
        ("It was built in 1998 by Ada.", "1998", "1998"),
        ("It was built by Ada.", "Ada", "Ada"),
        ("There are 12, she said.", "12", "12"),
    ],
)
def test_a_number_takes_along_the_words_that_it_needs(text: str, words: str, expected: str) -> None:
    assert readable(span_of(text, words)) == expected


def test_log_odds_are_bounded() -> None:
    rows: list[Any] = [log_odds(0.5), log_odds(0.75), log_odds(0.0), log_odds(1.0)]
    assert rows == pytest.approx([0.0, log(3), log(1e-5), -log(1e-5)], abs=1e-4)
