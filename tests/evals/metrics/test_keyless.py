"""The keyless metrics against values that were worked out by hand, and when each applies."""

from math import log2
from typing import Any

import numpy as np
import pytest

from evals.dataset import Sample
from evals.metrics import keyless
from evals.metrics.catalog import COUNTED, JUDGED, KEYLESS, METRICS
from evals.metrics.from_ragas import RagasMetric, RagasMetrics
from evals.metrics.metric import Unscored, Untested
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome, Timing
from evals.scores import keyless_values

pytestmark = pytest.mark.anyio
ASKED: dict[str, Any] = {"id": "a", "question": "Who?", "answerable": True}


def sample(**told: Any) -> Sample:
    return Sample.model_validate({**ASKED, **told})


def outcome(text: str = "", files: tuple[str, ...] | None = (), **answer: Any) -> SampleOutcome:
    status = "answered" if text else "declined"
    usage = {"calls": 0, "model": "", "input_tokens": 0, "output_tokens": 0}
    passages = (
        None if files is None else [{"document": name, "text": f"The text of **{name}**\nis here."} for name in files]
    )
    whole = {"text": text, "status": status, "route": "simple", "usage": usage, **answer}
    return SampleOutcome(sample="a", answer=whole, passages=None if files is None else passages, seconds=0.25)


def embed(texts: Any) -> Any:
    """Unit vectors by hand: texts with the same first letter are the same."""
    return np.array([np.eye(26)[ord(text[0].lower()) - 97] for text in texts])


VECTORS = Vectors(embed)
RAGAS = RagasMetrics(VECTORS)


@pytest.mark.parametrize(
    ("files", "ndcg", "recall", "precision"),
    [
        (("x", "y"), 1.0, 1.0, 1.0),
        (("n", "x"), (1 / log2(3)) / (1 + 1 / log2(3)), 0.5, 0.5),
        (("x", "n", "n", "y"), (1 + 1 / log2(4)) / (1 + 1 / log2(3)), 1.0, 2 / 3),
        (("n",), 0.0, 0.0, 0.0),
        ((), 0.0, 0.0, 0.0),
    ],
)
async def test_retrieval_is_measured_over_documents_each_once(
    files: tuple[str, ...], ndcg: float, recall: float, precision: float
) -> None:
    told, found = sample(documents=["x", "y"]), outcome("yes", files)
    assert keyless.ndcg(told, found) == pytest.approx(ndcg)
    assert await RAGAS.context_recall(told, found) == pytest.approx(recall)
    assert await RAGAS.context_precision(told, found) == pytest.approx(precision)


def test_a_quote_is_found_whatever_its_white_space_and_markdown() -> None:
    told = sample(documents=["x", "y"], quotes=["text of x is", "nowhere"])
    assert keyless.quote_recall(told, outcome("yes", ("n", "x"))) == 0.5


async def test_without_passages_retrieval_has_no_score() -> None:
    told, found = sample(documents=["x"], quotes=["x"]), outcome("yes", None)
    for metric in (keyless.ndcg, keyless.quote_recall):
        with pytest.raises(Unscored, match="does not say"):
            metric(told, found)
    with pytest.raises(Unscored, match="does not say"):
        await RAGAS.context_recall(told, found)


@pytest.mark.parametrize(
    ("text", "exact", "f1"),
    [
        ("The red house. [1]", 1.0, 1.0),
        ("house red", 0.0, 1.0),
        ("a red house in town [1][2]", 0.0, 2 / 3),
        ("nothing of it", 0.0, 0.0),
        ("blue barn", 1.0, 1.0),
        ("", 0.0, 0.0),
    ],
)
async def test_words_are_compared_with_the_nearest_right_answer(text: str, exact: float, f1: float) -> None:
    told, found = sample(reference="Red house", alternatives=["A blue barn"]), outcome(text)
    assert await RAGAS.exact_match(told, found) == exact
    assert keyless.token_f1(told, found) == pytest.approx(f1)


async def test_similarity_is_to_the_nearest_right_answer_and_nothing_said_is_like_nothing() -> None:
    told = sample(reference="red", alternatives=["blue"])
    assert await RAGAS.semantic_similarity(told, outcome("barn [1]")) == 1.0
    assert await RAGAS.semantic_similarity(told, outcome("tree")) == 0.0
    assert await RAGAS.semantic_similarity(told, outcome("")) == 0.0


@pytest.mark.parametrize(
    ("answerable", "text", "answered", "declined", "wrongly"),
    [
        (True, "Ann", 1.0, None, 0.0),
        (True, "Bob", 1.0, None, 1.0),
        (True, "", 0.0, None, 0.0),
        (False, "Bob", None, 0.0, 1.0),
        (False, "", None, 1.0, 0.0),
    ],
)
def test_declining_is_right_where_there_is_no_answer_and_never_an_answer_that_is_wrong(
    answerable: bool, text: str, answered: float | None, declined: float | None, wrongly: float
) -> None:
    told = sample(answerable=answerable, **({"reference": "Ann"} if answerable else {}))
    assert keyless.answered(told, outcome(text)) == answered
    assert keyless.answered_wrongly(told, outcome(text)) == wrongly
    assert keyless.answered_wrongly(sample(), outcome(text)) is None
    assert keyless.declined_rightly(told, outcome(text)) == declined


FEE = {"question": "What does a permit cost in 2025?", "reference": "EUR 20, or EUR 5 with code KD-44 from Ann Lee."}


@pytest.mark.parametrize(
    ("text", "recall", "precision"),
    [
        ("In 2025 it is EUR 20, and EUR 5 by KD-44 of Ann Lee. [1]", 1.0, 1.0),
        ("It is 20 euros. [1]", 0.25, 1.0),
        ("It is EUR 30 and EUR 5. [1]", 0.25, 0.5),
        ("It is EUR 20, paid until 3 May 2031. [1]", 0.25, 0.5),
        ("It is EUR 20; the office has 7 counters. [1]", 0.25, 1.0),
    ],
)
def test_values_of_the_right_answer_are_stated_and_no_other_in_their_place(
    text: str, recall: float, precision: float
) -> None:
    """What a passage says beside it, the 7 counters, is neither wrong nor invented."""
    told, found = sample(**FEE), outcome(text, ("x",))
    assert found.passages
    found.passages[0]["text"] = "The office has 7 counters. A permit costs EUR 30."
    assert keyless.value_recall(told, found) == pytest.approx(recall)
    assert keyless.value_precision(told, found) == pytest.approx(precision)


def test_what_the_question_says_is_no_value_of_the_answer() -> None:
    assert keyless.value_recall(sample(question="Is it 5 days?", reference="Yes, 5 days."), outcome("No.")) is None


def test_any_right_answer_will_do() -> None:
    assert keyless.value_recall(sample(reference="A 20 A fuse of Ann.", alternatives=["20 A"]), outcome("20 A")) == 1.0


@pytest.mark.parametrize("metric", [keyless.value_recall, keyless.value_precision])
def test_what_was_declined_states_no_values_to_test(metric: Any) -> None:
    with pytest.raises(Untested, match="declined"):
        metric(sample(**FEE), outcome(""))


def test_time_and_money() -> None:
    assert keyless.latency_ms(sample(), outcome()) == 250.0
    alone = outcome().model_copy(update={"timing": Timing(cpu=0.2, waiting=0.04)})
    assert (keyless.cpu_ms(sample(), alone), keyless.waiting_ms(sample(), alone)) == (200.0, 40.0)
    assert keyless.cpu_ms(sample(), outcome()) is None


def test_the_context_is_counted_and_not_taken_for_nothing_where_it_is_unknown() -> None:
    [none, one, two] = [keyless.context_tokens(sample(), outcome(files=files)) for files in ((), ("a",), ("a", "a"))]
    assert (none, one, two) == (0.0, 10.0, 20.0)
    with pytest.raises(Unscored, match="does not say which passages"):
        keyless.context_tokens(sample(), outcome(files=None))


async def test_what_is_not_known_of_a_sample_is_not_measured() -> None:
    bare, found = sample(), outcome("yes", ("x",))
    of_words = (keyless.ndcg, keyless.quote_recall, keyless.token_f1, keyless.value_recall, keyless.declined_rightly)
    assert [metric(bare, found) for metric in of_words] == [None] * 5
    for metric in (RAGAS.context_recall, RAGAS.context_precision, RAGAS.exact_match, RAGAS.semantic_similarity):
        assert await metric(bare, found) is None


def test_every_metric_is_named_as_what_computes_it() -> None:
    computed = keyless_values([], [], {}, VECTORS)
    assert list(computed) == [metric.name for metric in KEYLESS]
    assert all(getattr(compute, "func", compute).__name__ == name for name, compute in computed.items())
    assert all(RagasMetric(metric, VECTORS).metric.judged for metric in JUDGED)
    assert len(METRICS) == len(KEYLESS) + len(JUDGED) + len(COUNTED)


def cited(text: str, *quotes: str, status: str = "answered") -> SampleOutcome:
    citations = [{"quote": quote, "document": "travel.md"} for quote in quotes]
    return SampleOutcome(
        sample="s", answer={"text": text, "status": status, "citations": citations}, passages=[], seconds=1
    )


LIMIT = Sample(
    id="s",
    question="What is the hotel limit?",
    answerable=True,
    reference="At most EUR 145 per night.",
    alternatives=("EUR 145", "No"),
    documents=("travel.md",),
    quotes=("Hotel | **EUR 145**", "per night"),
)
PENSION = Sample(id="s", question="What is my pension?", answerable=False)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (cited("It is EUR 145. [1]"), True),
        (cited("EUR 1,145"), False),
        (cited("the night costs at most 145 EUR"), True),
        (cited("See the table. [1]", "Hotel |  EUR 145", "limits are per night"), True),
        (cited("See the table. [1]", "Hotel | EUR 145"), False),
        (cited("No, it has none."), True),
        (cited("There is no limit."), False),
        (cited("EUR 145", status="declined"), False),
    ],
)
def test_an_answer_is_right_by_its_words_or_by_its_quotes(answer: SampleOutcome, right: bool) -> None:
    assert keyless.is_right(LIMIT, answer) is right


def test_an_unanswerable_question_is_right_when_it_is_declined() -> None:
    assert keyless.is_right(PENSION, cited("None.", status="declined"))
    assert keyless.is_right(PENSION, cited("EUR 20.")) is False


def test_documents_alone_are_the_last_resort_and_nothing_is_no_judgement() -> None:
    bare = LIMIT.model_copy(update={"reference": None, "alternatives": (), "quotes": ()})
    assert keyless.is_right(bare, cited("Something. [1]", "any"))
    assert keyless.is_right(bare, cited("Something.")) is False
    assert keyless.is_right(bare.model_copy(update={"documents": ()}), cited("Something.")) is None
