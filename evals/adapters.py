"""Published question sets as Datasets: a folder with queries.jsonl and qrels.tsv, each of which may be gzipped.

A query is `id` and `text`, and where the set has them answers, `type`, `history` and `metadata`; a judgement is
query, document and relevance. The folder's corpus.jsonl is what `warrant index` reads; documents are named by its ids.
"""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from evals.dataset import Dataset, Sample, shuffled
from evals.errors import DatasetInvalid, problems_of

QUERIES, JUDGEMENTS, CORPUS = "queries.jsonl", "qrels.tsv", "corpus.jsonl"
ANSWERS, TEXTS = ("answers", "answer", "reference", "references"), ("text", "value", "aliases")
"""Fields with right answers, and those of an object that holds one; `references` may be ids of the corpus instead."""
MARKERS = {"answerable": True, "is_answerable": True, "unanswerable": False, "is_impossible": False}
"""Fields that say whether the documents answer a question, and what `true` means there."""
UNANSWERABLE = {"unanswerable", "not answerable", "no answer", "cannotanswer", "null query", "insufficient information"}
"""Types of questions that the documents do not answer, and what stands for a right answer there."""
LEFT_OUT = ("underspecified", "conversational")
"""Types of questions to which neither an answer nor declining is right."""
UNJUDGED, REPEATED = "unjudged", "repeated"
"""Why other questions are left out: nothing is known of them, and the set asks them twice."""
TURN = "<::>"
"""Between a conversation's id and the number of its turn, in MTRAG's ids."""


@dataclass(frozen=True)
class KnownAnswer:
    """What a set knows of a question's answer; `marked` is whether it says that there is one, None where it does not.

    Numbers are written out, and truth values are yes and no. What is nested are other wordings.
    """

    marked: bool | None
    answers: tuple[str, ...]
    documents: tuple[str, ...]

    @classmethod
    def of_query(cls, query: Mapping[str, Any], judged: Collection[str], corpus: Collection[str]) -> "KnownAnswer":
        named = [text for text in _texts(query.get("references")) if text in corpus]
        given = [text for name in ANSWERS for text in _texts(query.get(name)) if text not in named]
        words = {_words(query.get("type")), *map(_words, given)}
        if flags := [query[name] is meaning for name, meaning in MARKERS.items() if isinstance(query.get(name), bool)]:
            marked: bool | None = flags[0]
        elif words & UNANSWERABLE:
            marked = False
        else:
            marked = True if "answerable" in words else None
        return cls(marked, tuple(dict.fromkeys(given)), tuple(dict.fromkeys([*judged, *named])))

    @property
    def answerable(self) -> bool:
        return bool(self.answers or self.documents) if self.marked is None else self.marked


def adapt(folder: Path, most: int | None = None) -> tuple[Dataset, Counter[str]]:
    """A set's samples, and how many were left out by type or reason; raises DatasetInvalid.

    `most` takes a sample of that size by a hash of the ids: the same one every time, and part of every larger one.
    """
    judged, corpus = _judgements(folder), _ids(folder)
    queries = shuffled(_queries(folder), lambda query: str(query["id"]))
    known = [KnownAnswer.of_query(query, judged.get(str(query["id"]), ()), corpus) for query in queries]
    has_answers = any(each.answers for each in known)
    left: Counter[str] = Counter()
    samples: dict[str, Sample] = {}
    for query, answer in zip(queries, known, strict=True):
        kind, is_judged = _words(query.get("type")), str(query["id"]) in judged
        if kind in LEFT_OUT:
            left[kind] += 1
        # Sets with judgements alone have more queries than judged ones: those of their other splits.
        elif not (has_answers or is_judged or answer.documents or answer.marked is not None):
            left[UNJUDGED] += 1
        else:
            sample = _sample(folder, query, answer)
            left[REPEATED] += sample.asked in samples
            samples.setdefault(sample.asked, sample)
    if not samples:
        raise DatasetInvalid(f"{folder} has neither answers nor judgements, so nothing is known of its questions.")
    return Dataset(folder.name, tuple(samples.values())[:most]), +left


def _sample(folder: Path, query: Mapping[str, Any], known: KnownAnswer) -> Sample:
    answers = known.answers if known.answerable else ()
    fields = {
        "id": query["id"],
        "question": query["text"],
        "history": query.get("history") or [],
        "answerable": known.answerable,
        "reference": answers[0] if answers else None,
        "alternatives": answers[1:],
        "documents": known.documents if known.answerable else [],
        "tags": list(dict.fromkeys([*_texts(query.get("type")), *_complexity(query)])),
        "cluster": _cluster(query),
        "origin": {"set": folder.name},
    }
    try:
        return Sample.model_validate(fields)
    except ValidationError as error:
        raise DatasetInvalid(f"The query {query['id']!r} in {folder} is no sample: {problems_of(error)[0]}.") from None


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, str | int | float):
        yield from [text] if (text := str(value).strip()) else []
    elif isinstance(value, Mapping):
        yield from (text for name in TEXTS for text in _texts(value.get(name)))
    else:
        yield from (text for each in value or () for text in _texts(each))


def _complexity(query: Mapping[str, Any]) -> list[str]:
    """How complex the set calls a question, or by how many documents it needs: `simple` or `complex`, if known."""
    said = _words(query.get("complexity", query.get("complexity_suggested")))
    if said in ("simple", "complex"):
        return [said]
    return ["complex" if query["hops"] > 1 else "simple"] if isinstance(query.get("hops"), int) else []


def _words(value: Any) -> str:
    """A text as markers are compared: its words in lower case."""
    return " ".join(re.findall(r"[a-z]+", " ".join(_texts(value)).lower()))


def _ids(folder: Path) -> Collection[str]:
    """The ids of the corpus; none where the folder has no corpus."""
    if not _place(folder, CORPUS):
        return ()
    with opened(folder, CORPUS) as lines:
        return {str(json.loads(line).get("id")) for line in lines if line.strip()}


def _cluster(query: Mapping[str, Any]) -> str:
    """The conversation, or the passage that the question was written for; empty where neither is known."""
    conversation, turn, _ = str(query["id"]).partition(TURN)
    return conversation if turn else str(query.get("passage_id", ""))


def _queries(folder: Path) -> Iterator[dict[str, Any]]:
    """The queries, with the fields of their metadata beside their own, all in lower case."""
    with opened(folder, QUERIES) as lines:
        for number, line in enumerate(lines, 1):
            try:
                found = json.loads(line)
                if not {"id", "text"} <= found.keys():
                    raise ValueError("id and text are needed")
            except (ValueError, AttributeError) as error:
                raise DatasetInvalid(f"Line {number} of {folder / QUERIES} is no query: {error}.") from None
            fields = {**(found.get("metadata") or {}), **found}
            yield {name.lower(): value for name, value in fields.items()}


def _judgements(folder: Path) -> dict[str, list[str]]:
    """The relevant documents of each query that was judged, the most relevant first; a set may have none."""
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    if not _place(folder, JUDGEMENTS):
        return {}
    with opened(folder, JUDGEMENTS) as lines:
        next(lines, None)
        for number, line in enumerate(lines, 2):
            try:
                query, document, relevance = line.rstrip("\n").split("\t")
                found[query] += [(-int(relevance), document)] if int(relevance) > 0 else []
            except ValueError:
                raise DatasetInvalid(
                    f"Line {number} of {folder / JUDGEMENTS} must be query, document and relevance, separated by tabs."
                ) from None
    return {query: [name for _, name in sorted(pairs)] for query, pairs in found.items()}


def _place(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def opened(folder: Path, name: str) -> IO[str]:
    """A file of a set, which may be gzipped; raises DatasetInvalid when it is not there."""
    if (path := _place(folder, name)) is None:
        raise DatasetInvalid(f"A set is a folder with {name} or {name}.gz; {folder} has neither.")
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
