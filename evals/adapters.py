"""Published question sets as Datasets: a folder with queries.jsonl and qrels.tsv, each of which may be gzipped.

A query is `id` and `text`, and where the set has them `answers`, `type`, `history` and `metadata`; a judgement is
query, document and relevance. The folder's corpus.jsonl is what `warrant index` reads; documents are named by its ids.
"""

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from evals.dataset import Dataset, Sample
from evals.errors import DatasetInvalid

QUERIES, JUDGEMENTS = "queries.jsonl", "qrels.tsv"
UNANSWERABLE = "unanswerable"
LEFT_OUT = ("underspecified", "conversational")
"""Types of questions to which neither an answer nor declining is right."""
TURN = "<::>"
"""Between a conversation's id and the number of its turn, in MTRAG's ids."""


def adapt(folder: Path, most: int | None = None) -> tuple[Dataset, Counter[str]]:
    """A set's samples, and how many of each type were left out; raises DatasetInvalid.

    `most` takes a sample of that size by a hash of the ids: the same one every time, and part of every larger one.
    """
    judged = _judgements(folder)
    queries = sorted(_queries(folder), key=lambda query: hashlib.sha256(str(query["id"]).encode()).digest())
    left = Counter(str(query.get("type")) for query in queries if query.get("type") in LEFT_OUT)
    kept = [query for query in queries if query.get("type") not in LEFT_OUT][:most]
    return Dataset(folder.name, tuple(_sample(folder, query, judged[str(query["id"])]) for query in kept)), left


def _sample(folder: Path, query: Mapping[str, Any], documents: list[str]) -> Sample:
    answerable = query.get("type") != UNANSWERABLE
    answers = list(dict.fromkeys(text for each in query.get("answers") or () if (text := str(each).strip())))
    fields = {
        "id": query["id"],
        "question": query["text"],
        "history": query.get("history") or [],
        "answerable": answerable,
        "reference": answers[0] if answers and answerable else None,
        "alternatives": answers[1:] if answerable else [],
        "documents": documents if answerable else [],
        "tags": [query["type"]] if query.get("type") else [],
        "cluster": _cluster(query),
        "origin": {"set": folder.name},
    }
    try:
        return Sample.model_validate(fields)
    except ValidationError as error:
        raise DatasetInvalid(
            f"The query {query['id']!r} in {folder} is no sample: {error.errors()[0]['msg']}."
        ) from None


def _cluster(query: Mapping[str, Any]) -> str:
    """The conversation, or the passage that the question was written for; empty where neither is known."""
    conversation, turn, _ = str(query["id"]).partition(TURN)
    return conversation if turn else str((query.get("metadata") or {}).get("passage_id", ""))


def _queries(folder: Path) -> Iterator[dict[str, Any]]:
    with opened(folder, QUERIES) as lines:
        for number, line in enumerate(lines, 1):
            try:
                found = json.loads(line)
                if not {"id", "text"} <= found.keys():
                    raise ValueError("id and text are needed")
            except (ValueError, AttributeError) as error:
                raise DatasetInvalid(f"Line {number} of {folder / QUERIES} is no query: {error}.") from None
            yield found


def _judgements(folder: Path) -> dict[str, list[str]]:
    """The relevant documents of each query, the most relevant first; a set may have none."""
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    if not any((folder / name).is_file() for name in (JUDGEMENTS, f"{JUDGEMENTS}.gz")):
        return defaultdict(list)
    with opened(folder, JUDGEMENTS) as lines:
        next(lines, None)
        for number, line in enumerate(lines, 2):
            try:
                query, document, relevance = line.rstrip("\n").split("\t")
                if int(relevance) > 0:
                    found[query].append((-int(relevance), document))
            except ValueError:
                raise DatasetInvalid(
                    f"Line {number} of {folder / JUDGEMENTS} must be query, document and relevance, separated by tabs."
                ) from None
    return defaultdict(list, {query: [name for _, name in sorted(pairs)] for query, pairs in found.items()})


def opened(folder: Path, name: str) -> IO[str]:
    """A file of a set, which may be gzipped; raises DatasetInvalid when it is not there."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    raise DatasetInvalid(f"A set is a folder with {name} or {name}.gz; {folder} has neither.")
