"""A judge on loopback that replies as a good one would, by the words of what it is asked, or as a test tells it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from graph.settings import Settings, load_settings
from samples.endpoint import Endpoint, serving

WORDS = re.compile(r"\w+")
Reply = str | Callable[[dict[str, Any]], str]


@dataclass
class Script:
    """`instead` gives replies by the kind of question (the name of ragas' output), `faults` how to fail, in turn."""

    instead: Mapping[str, Reply] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    always: str = "good"

    def pick(self, _: dict[str, Any]) -> str:
        return self.faults.pop(0) if self.faults else self.always

    def reply(self, body: dict[str, Any]) -> str:
        kind, told = asked(body)
        found = self.instead.get(kind) or json.dumps(GOOD[kind](told))
        return found if isinstance(found, str) else found(told)


@contextmanager
def judging_at(script: Script) -> Iterator[Endpoint]:
    """Serve a script."""
    with serving(Endpoint(script.reply, script.pick, retry_after="0")) as endpoint:
        yield endpoint


def settings_for(endpoint: Endpoint, **told: Any) -> Settings:
    return load_settings(judge_model="wise", judge_url=endpoint.url, **{"judge_seconds": 20.0, **told})


def asked(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind of question, and what it is about."""
    prompt = str(body["messages"][-1]["content"])
    kind = re.findall(r'"title": "(\w+Output)"', prompt)[-1]
    return kind, json.loads(prompt.rpartition("input: ")[2].rpartition("Output:")[0])


def held(statement: str, context: str) -> int:
    """1 when all words of a statement stand in a context."""
    return int(set(WORDS.findall(statement.lower())) <= set(WORDS.findall(context.lower())))


def sentences(text: str) -> list[str]:
    return [part.strip() for part in text.split(".") if part.strip()]


def verdicts(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "statements": [
            {"statement": each, "reason": "its words", "verdict": held(each, told["context"])}
            for each in told["statements"]
        ]
    }


def attributed(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "classifications": [
            {"statement": each, "reason": "its words", "attributed": held(each, told["context"])}
            for each in sentences(told["answer"])
        ]
    }


GOOD: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "StatementGeneratorOutput": lambda told: {"statements": sentences(told["answer"])},
    "NLIStatementOutput": verdicts,
    "ClaimDecompositionOutput": lambda told: {"claims": sentences(told["response"])},
    "AnswerRelevanceOutput": lambda told: {"question": told["response"], "noncommittal": 0},
    "ContextPrecisionOutput": lambda told: {"reason": "its words", "verdict": held(told["answer"], told["context"])},
    "ContextRecallOutput": attributed,
    "AnswerAccuracyOutput": lambda told: {"rating": 4 if told["user_answer"] == told["reference_answer"] else 0},
}
