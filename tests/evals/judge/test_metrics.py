"""ragas' metrics over a judge: what was offered is a value, and everything else is a reason."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judge_under_test import Script, judging_at, settings_for

from evals.dataset import Sample
from evals.errors import JudgeInvalid
from evals.judge.client import IN_A_ROW, CachedJudge, JudgeUnavailable
from evals.judge.config import judge_config
from evals.judge.metrics import judged_values
from evals.metrics.catalog import JUDGED, PROMPTS
from evals.metrics.from_ragas import RagasMetric, conversation_of
from evals.metrics.metric import Unscored, Untested
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome

pytestmark = pytest.mark.anyio
SAMPLE = Sample(
    id="a", question="How often?", answerable=True, reference="Every 4 years", alternatives=("Ann pays. Bob pays",)
)
PASSAGES = [{"document": "x", "text": "Laptops come every 4 years."}, {"document": "y", "text": "Hotels cost money."}]
NAMES = [metric.name for metric in JUDGED]
VECTORS = Vectors(lambda texts: np.array([np.eye(26)[ord(text[0].lower()) - 97] for text in texts]))
NLI = '{"statements": [{"statement": "s", "reason": "r", "verdict": %s}]}'
PRECISION = '{"reason": "r", "verdict": %s}'
RECALL = '{"classifications": [{"statement": "s", "reason": "r", "attributed": %s}]}'


def outcome(text: str, status: str = "answered", passages: Any = PASSAGES) -> SampleOutcome:
    return SampleOutcome(sample="a", answer={"text": text, "status": status}, passages=passages, seconds=1)


class Asking:
    """A judge at an endpoint, and what it is asked."""

    def __init__(self, folder: Path, script: Script, again: bool = False, **told: Any) -> None:
        self.script, self._serving = script, judging_at(script)
        self.endpoint = self._serving.__enter__()
        judging = judge_config(settings_for(self.endpoint, **told), again=again)
        assert judging
        self.judge = CachedJudge(judging, folder / "replies.db")
        self.values = judged_values(self.judge, VECTORS)

    async def value(self, name: str, found: SampleOutcome, repeat: int = 0, sample: Sample = SAMPLE) -> float:
        value: Any = self.values[name](sample, found.model_copy(update={"repeat": repeat}))
        return float(await value)

    def close(self) -> None:
        self.judge.close()
        self._serving.__exit__(None, None, None)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Any]:
    """Opens judges by their scripts."""
    opened: list[Asking] = []

    def ask(script: Script, **told: Any) -> Asking:
        opened.append(Asking(tmp_path, script, **told))
        return opened[-1]

    yield ask
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    ("name", "text", "value", "calls"),
    [
        ("faithfulness", "Every 4 years. [1] Never on Mondays. [1]", 0.5, 2),
        ("answer_relevancy", "Hourly. [1]", 1.0, 3),
        ("answer_relevancy", "Weekly. [1]", 0.0, 3),
        ("judged_context_precision", "Weekly.", 1.0, 2),
        ("judged_context_recall", "Weekly.", 1.0, 1),
        ("factual_correctness", "Every 4 years. In May", 0.67, 4),
        ("factual_correctness", "Ann pays. Bob pays. Carl pays", 0.8, 4),
        ("answer_accuracy", "Every 4 years [1]", 1.0, 2),
        ("answer_accuracy", "Every 5 years [1]", 0.0, 2),
    ],
)
async def test_a_good_judge_gives_the_metrics_of_ragas(at: Any, name: str, text: str, value: float, calls: int) -> None:
    asking = at(Script())
    assert await asking.value(name, outcome(text)) == pytest.approx(value, abs=1e-6)
    assert len(asking.endpoint.served) == calls == asking.judge.usage.calls
    assert (asking.judge.usage.input_tokens, asking.judge.usage.output_tokens) == (40 * calls, 5 * calls)


@pytest.mark.parametrize(
    ("name", "kind", "reply", "reason"),
    [
        *[("faithfulness", "NLIStatementOutput", NLI % v, "verdict .*; 0, 1 were") for v in ("2", "-14", "1e15")],
        ("faithfulness", "NLIStatementOutput", NLI % "NaN", "not what was asked for: statements.0.verdict"),
        ("faithfulness", "NLIStatementOutput", NLI % "0.5", "statements.0.verdict"),
        ("faithfulness", "NLIStatementOutput", NLI % "null", "statements.0.verdict"),
        ("faithfulness", "NLIStatementOutput", "I would say yes.", "not what was asked for"),
        ("faithfulness", "NLIStatementOutput", '{"statements": []}', "has no statements"),
        ("faithfulness", "NLIStatementOutput", (NLI % "1").replace("]", ', {"x": 1}]'), "statements.1"),
        ("faithfulness", "StatementGeneratorOutput", '{"statements": ["a", "b"]}', "1 verdicts on 2 statements"),
        ("faithfulness", "StatementGeneratorOutput", '{"statements": []}', "has no statements"),
        ("faithfulness", "StatementGeneratorOutput", '{"statements": [" "]}', "blank one among its statements"),
        ("faithfulness", "StatementGeneratorOutput", '{"statements": "none"}', "statements must be a list"),
        ("answer_relevancy", "AnswerRelevanceOutput", '{"question": "x", "noncommittal": 7}', "noncommittal 7"),
        ("answer_relevancy", "AnswerRelevanceOutput", '{"question": " ", "noncommittal": 0}', "has no question"),
        *[("judged_context_precision", "ContextPrecisionOutput", PRECISION % v, "verdict") for v in ("2", "-1", "NaN")],
        ("judged_context_recall", "ContextRecallOutput", RECALL % "2", "attributed 2; 0, 1 were offered"),
        ("judged_context_recall", "ContextRecallOutput", '{"classifications": []}', "has no classifications"),
        ("factual_correctness", "ClaimDecompositionOutput", '{"claims": []}', "has no claims"),
        ("factual_correctness", "NLIStatementOutput", NLI % "1e15", r"verdict 1e\+15"),
        ("answer_accuracy", "AnswerAccuracyOutput", '{"rating": 3}', "rating 3; 0, 2, 4 were offered"),
        ("answer_accuracy", "AnswerAccuracyOutput", '{"rating": NaN}', "rating"),
    ],
)
async def test_what_was_not_offered_is_a_reason(at: Any, name: str, kind: str, reply: str, reason: str) -> None:
    asking = at(Script({kind: reply, **_one_verdict(kind)}))
    with pytest.raises(Unscored, match=reason):
        await asking.value(name, outcome("Every 4 years. [1]"))
    asked = len(asking.endpoint.served)
    with pytest.raises(Unscored, match=reason):
        await asking.value(name, outcome("Every 4 years. [1]"))
    assert len(asking.endpoint.served) == asked <= 3, "what a judge said is kept, and not asked for until it fits"


def _one_verdict(kind: str) -> dict[str, Any]:
    return {"NLIStatementOutput": NLI % "1"} if kind == "StatementGeneratorOutput" else {}


async def test_half_of_two_verdicts_is_no_average(at: Any) -> None:
    """ragas itself would give the rating of the prompt that went well."""
    asking = at(
        Script({"AnswerAccuracyOutput": lambda told: f'{{"rating": {4 if told["user_answer"] == "No" else 9}}}'})
    )
    with pytest.raises(Unscored, match="rating 9"):
        await asking.value("answer_accuracy", outcome("No"))


async def test_json_in_a_fence_is_read(at: Any) -> None:
    asking = at(Script({"NLIStatementOutput": f"Sure:\n```json\n{NLI % 1}\n```"}))
    assert await asking.value("faithfulness", outcome("Every 4 years. [1]")) == 1.0


@pytest.mark.parametrize("name", ["answer_relevancy", "factual_correctness", "answer_accuracy"])
async def test_an_answer_that_was_declined_has_its_value_without_a_judge(at: Any, name: str) -> None:
    asking = at(Script())
    assert await asking.value(name, outcome("Nothing found.", "declined")) == 0.0
    assert asking.endpoint.served == []


async def test_an_answer_that_says_nothing_has_no_faithfulness_to_test(at: Any) -> None:
    asking = at(Script())
    with pytest.raises(Untested, match="it says nothing"):
        await asking.value("faithfulness", outcome("Nothing found.", "declined"))
    assert asking.endpoint.served == []


async def test_without_passages_nothing_is_held_and_what_is_not_told_has_no_score(at: Any) -> None:
    asking = at(Script())
    for name in ("faithfulness", "judged_context_precision", "judged_context_recall"):
        assert await asking.value(name, outcome("Yes.", passages=[])) == 0.0
        with pytest.raises(Unscored, match="does not say which passages"):
            await asking.value(name, outcome("Yes.", passages=None))
    assert asking.endpoint.served == []


def test_the_sample_alone_says_whether_a_metric_applies() -> None:
    found = [RagasMetric(metric, VECTORS) for metric in JUDGED]
    bare, none = Sample(id="b", question="?", answerable=True), Sample(id="c", question="?", answerable=False)
    assert [metric.applies(SAMPLE) for metric in found] == [True] * 6
    assert [metric.applies(bare) for metric in found] == [True, True, False, False, False, False]
    assert [metric.applies(none) for metric in found] == [True, False, False, False, False, False]


def test_a_question_is_judged_in_its_conversation() -> None:
    told = {**SAMPLE.model_dump(), "history": [{"role": "user", "content": "Laptops?"}]}
    assert conversation_of(Sample.model_validate(told)) == "user: Laptops?\nuser: How often?"


async def test_each_repeat_and_each_turn_is_asked_and_paid_once(at: Any) -> None:
    asking = at(Script())
    for _ in range(2):
        for repeat in range(3):
            await asking.value("answer_relevancy", outcome("Hourly."), repeat)
    assert len(asking.endpoint.served) == 9 == asking.judge.calls
    assert asking.judge.usage.calls == 9


async def test_a_reply_of_no_use_is_asked_for_again_when_told_so(at: Any) -> None:
    bad = at(Script({"NLIStatementOutput": "junk"}))
    with pytest.raises(Unscored):
        await bad.value("faithfulness", outcome("Every 4 years."))
    bad.script.instead = {}
    bad.judge.config = judge_config(settings_for(bad.endpoint), again=True)
    assert await bad.value("faithfulness", outcome("Every 4 years.")) == 1.0
    assert len(bad.endpoint.served) == 3


@pytest.mark.parametrize("fault", ["busy", "broken", "cut", "cut_clean", "error_in_stream", "html"])
async def test_what_passes_is_asked_again(at: Any, fault: str) -> None:
    asking = at(Script(faults=[fault]))
    assert await asking.value("judged_context_recall", outcome("Yes.")) == 1.0
    assert len(asking.endpoint.served) == 2


async def test_a_judge_that_refuses_two_calls_of_three_judges_all_in_the_end(at: Any) -> None:
    """More refusals for one call than other errors are borne, and more of them in a row than end the judging."""
    asking = at(Script(faults=["busy"] * 8 + ["busy", "busy", "good"] * 20))
    found = await asyncio.gather(
        *(asking.value("judged_context_recall", outcome("Yes."), repeat) for repeat in range(20))
    )
    assert found == [1.0] * 20
    assert len([served for served in asking.endpoint.served if served.fault == "busy"]) >= 40


async def test_a_judge_is_asked_again_when_it_said_it_may_be(at: Any) -> None:
    asking = at(Script(faults=["busy"]), judge_seconds=0.5)
    asking.endpoint.retry_after = "1"
    begun = time.monotonic()
    assert await asking.value("judged_context_recall", outcome("Yes.")) == 1.0
    assert time.monotonic() - begun >= 1, "longer than a reply may take, but not longer than it was told to wait"


async def test_a_quota_that_is_spent_is_not_waited_for(at: Any) -> None:
    asking = at(Script(always="spent"))
    with pytest.raises(JudgeUnavailable, match="quota"):
        await asking.value("judged_context_recall", outcome("Yes."))
    assert len(asking.endpoint.served) == 1


@pytest.mark.parametrize(
    ("fault", "reason", "asked"),
    [("broken", "Error code: 500", 3), ("no_key", "Error code: 401", 1), ("forbidden", "Error code: 400", 1)],
)
async def test_what_does_not_pass_is_a_reason_after_bounded_retries(
    at: Any, fault: str, reason: str, asked: int
) -> None:
    asking = at(Script(always=fault))
    with pytest.raises(JudgeUnavailable, match=reason):
        await asking.value("judged_context_recall", outcome("Yes."))
    assert len(asking.endpoint.served) == asked
    asking.script.always = "good"
    assert await asking.value("judged_context_recall", outcome("Yes.")) == 1.0


async def test_a_judge_that_hangs_is_given_up_at_the_deadline(at: Any) -> None:
    asking = at(Script(always="hang"), judge_seconds=0.3)
    with pytest.raises(JudgeUnavailable, match=r"within 0.3 s"):
        await asking.value("judged_context_recall", outcome("Yes."))


async def test_a_judge_that_always_fails_is_left_alone(at: Any) -> None:
    asking = at(Script(always="no_key"))
    for repeat in range(IN_A_ROW + 5):
        with pytest.raises(JudgeUnavailable):
            await asking.value("judged_context_recall", outcome("Yes."), repeat)
    assert len(asking.endpoint.served) == IN_A_ROW


async def test_a_prompt_is_a_file_and_another_one_may_stand_in_its_place(at: Any, tmp_path: Path) -> None:
    for name in ("StatementGeneratorPrompt", "NLIStatementPrompt"):
        assert (PROMPTS / f"{name}.md").read_text("utf-8").count("\n") >= 1
    own = tmp_path / "prompts"
    own.mkdir()
    (own / "NLIStatementPrompt.md").write_text("Weigh every word.\n", "utf-8")
    plain, other = at(Script()), at(Script(), evals=tmp_path)
    for asking in (plain, other):
        assert await asking.value("faithfulness", outcome("Every 4 years.")) == 1.0
    asked = [
        [str(served.body["messages"][-1]["content"]) for served in each.endpoint.served] for each in (plain, other)
    ]
    assert asked[0][1].startswith((PROMPTS / "NLIStatementPrompt.md").read_text("utf-8").strip())
    assert [text.startswith("Weigh every word.") for text in asked[1]] == [False, True]
    assert plain.judge.config.identity.prompts != other.judge.config.identity.prompts
    (own / "Faithfulnes.md").write_text("?", "utf-8")
    with pytest.raises(JudgeInvalid, match=r"has Faithfulnes\.md, but ragas' prompts are"):
        at(Script(), evals=tmp_path)
