"""The samples as the page's script reads them: texts once, passages by their place in one list; pure."""

import json
from collections.abc import Mapping
from typing import Any

from evals.metrics.known import METRICS
from evals.report.contents import Report
from evals.report.pairs import Pair
from evals.report.record import change_record, side_record
from evals.report.wording import title
from evals.runs import Outcome
from evals.samples import Sample

PASSAGE = ("id", "document", "file", "title", "section", "page", "start", "end", "text")
CITATION = ("marker", "passage", "file", "title", "page", "start", "end", "quote", "support")
ANSWER = ("text", "reason", "detail", "asked", "repairs", "conflicts", "nearest")

Json = dict[str, Any]


class Passages:
    """Passages, each once."""

    def __init__(self) -> None:
        self.all: list[Json] = []
        self._places: dict[str, int] = {}

    def place(self, passage: Mapping[str, Any]) -> int:
        """Where a passage is."""
        told = _picked(passage, PASSAGE)
        key = json.dumps(told, sort_keys=True, default=str)
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(told)
        return self._places[key]


def browsing(report: Report) -> Json:
    """What the page's list of samples needs."""
    passages = Passages()
    paired = report.champion is not None
    samples = [_pair(pair, passages, paired=paired) for pair in report.pairs]
    return {
        "paired": paired,
        "titles": {name: title(name) for name in METRICS},
        "units": {name: metric.unit for name, metric in METRICS.items()},
        "order": [sample.id for sample in report.dataset.samples],
        "samples": samples,
        "passages": passages.all,
    }


def _pair(pair: Pair, passages: Passages, *, paired: bool) -> Json:
    return {
        **_sample(pair.sample),
        "moved": pair.moved,
        "gain": pair.gain,
        "own": pair.own,
        "release": _side(pair.release, passages),
        "champion": _side(pair.champion, passages) if paired else None,
        "scores": [
            {"metric": change.metric, **change_record(change).model_dump(exclude_defaults=True)}
            for change in pair.changes
        ],
    }


def _sample(sample: Sample) -> Json:
    told = sample.model_dump(mode="json", exclude_defaults=True, exclude={"origin", "cluster"})
    filters = {"filters": json.dumps(sample.filters, ensure_ascii=False)} if sample.filters else {}
    return {**told, **filters}


def _side(outcome: Outcome | None, passages: Passages) -> Json:
    answer = (outcome.answer if outcome else None) or {}
    there = outcome.passages if outcome else None
    return {
        **side_record(outcome).model_dump(exclude_defaults=True),
        **_picked(answer, ANSWER),
        "citations": [_picked(each, CITATION) for each in answer.get("citations") or []],
        "passages": None if there is None else [passages.place(each) for each in there],
    }


def _picked(told: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    """What is there under the names; what is empty is left out."""
    return {name: told[name] for name in names if told.get(name) not in (None, "", [], {})}
