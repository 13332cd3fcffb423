"""Published question sets as Datasets: a folder with queries.jsonl and qrels.tsv, each of which may be gzipped.

A query is `id` and `text`, and where the set has them answers, `type`, `history` and `metadata`; a judgement is
query, document and relevance. The folder's corpus.jsonl is what `warrant index` reads; documents are named by its ids.
"""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from evals.dataset import Dataset, Sample, shuffled
from evals.errors import DatasetInvalid, problems_of

QUERIES, JUDGEMENTS, CORPUS = "queries.jsonl", "qrels.tsv", "corpus.jsonl"
ANSWERS = ("answers", "answer", "references", "reference", "ground_truths", "ground_truth", "expected_answer")
"""Fields in which sets keep right answers."""
TEXTS = ("text", "answer", "value", "aliases", "id", "doc_id")
"""Fields of an object that holds an answer, or names a document."""
DOCUMENTS = ("documents", "document_ids", "doc_ids", "relevant_docs", "references")
"""Fields in which sets name documents beside their judgements; what is no id of the corpus is none."""
MARKERS = {"answerable": True, "is_answerable": True, "unanswerable": False, "is_impossible": False}
"""Fields that say whether the documents answer a question, and what `true` means there."""
UNANSWERABLE = {"unanswerable", "not answerable", "no answer", "null query", "impossible"}
"""Types of questions that the documents do not answer."""
NO_ANSWER = {*UNANSWERABLE, "cannotanswer", "cannot answer", "no answer present", "insufficient information"}
"""What stands for a right answer where there is none."""
COMPLEXITY, HOPS = ("complexity", "complexity_suggested"), ("hops", "num_hops", "n_hops")
LEFT_OUT = ("underspecified", "conversational")
"""Types of questions to which neither an answer nor declining is right."""
UNJUDGED, REPEATED = "unjudged", "repeated"
"""Why other questions are left out: nothing is known of them, and the set asks them twice."""
TURN = "<::>"
"""Between a conversation's id and the number of its turn, in MTRAG's ids."""


def adapt(folder: Path, most: int | None = None) -> tuple[Dataset, Counter[str]]:
    """A set's samples, and how many were left out by type or reason; raises DatasetInvalid.

    `most` takes a sample of that size by a hash of the ids: the same one every time, and part of every larger one.
    """
    judged, corpus = _judgements(folder), _ids(folder)
    queries = shuffled(_queries(folder), lambda query: str(query["id"]))
    has_answers = any(_answers(query, corpus) for query in queries)
    left: Counter[str] = Counter()
    samples: dict[str, Sample] = {}
    for query in queries:
        if why := _why_not(query, has_answers, judged, corpus):
            left[why] += 1
            continue
        sample = _sample(folder, query, judged.get(str(query["id"]), []), corpus)
        left[REPEATED] += sample.asked in samples
        samples.setdefault(sample.asked, sample)
    if not samples:
        raise DatasetInvalid(f"{folder} has neither answers nor judgements, so nothing is known of its questions.")
    return Dataset(folder.name, tuple(samples.values())[:most]), +left


def _why_not(
    query: Mapping[str, Any], has_answers: bool, judged: Mapping[str, list[str]], corpus: Collection[str]
) -> str:
    """Why a query is left out; empty when it is not."""
    kind = _words(query.get("type"))
    if kind in LEFT_OUT:
        return kind
    # Sets with judgements alone have more queries than judged ones: those of their other splits.
    known = has_answers or str(query["id"]) in judged or _marked(query) is not None or _documents(query, corpus)
    return "" if known else UNJUDGED


def _sample(folder: Path, query: Mapping[str, Any], judged: list[str], corpus: Collection[str]) -> Sample:
    answers, documents = _answers(query, corpus), list(dict.fromkeys([*judged, *_documents(query, corpus)]))
    marked = _marked(query)
    answerable = bool(answers or documents) if marked is None else marked
    fields = {
        "id": query["id"],
        "question": query["text"],
        "history": query.get("history") or [],
        "answerable": answerable,
        "reference": answers[0] if answers and answerable else None,
        "alternatives": answers[1:] if answerable else [],
        "documents": documents if answerable else [],
        "tags": list(dict.fromkeys([*_texts(query.get("type")), *_complexity(query)])),
        "cluster": _cluster(query),
        "origin": {"set": folder.name},
    }
    try:
        return Sample.model_validate(fields)
    except ValidationError as error:
        raise DatasetInvalid(f"The query {query['id']!r} in {folder} is no sample: {problems_of(error)[0]}.") from None


def _answers(query: Mapping[str, Any], corpus: Collection[str]) -> list[str]:
    """The right answers, each once; what is nested are other wordings. None where one of them says that there is none.

    Numbers are written out, and truth values are yes and no.
    """
    given = [text for name in ANSWERS for text in _texts(query.get(name)) if name != "references" or text not in corpus]
    return [] if any(_words(text) in NO_ANSWER for text in given) else list(dict.fromkeys(given))


def _documents(query: Mapping[str, Any], corpus: Collection[str]) -> list[str]:
    return [text for name in DOCUMENTS for text in _texts(query.get(name)) if text in corpus]


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


def _marked(query: Mapping[str, Any]) -> bool | None:
    """Whether the set says that the documents answer a question; None where it does not say."""
    for name in ("type", *MARKERS):
        if isinstance(value := query.get(name), bool) and name in MARKERS:
            return value is MARKERS[name]
        if (words := _words(value)) in {"answerable", *UNANSWERABLE}:
            return words == "answerable"
    given = [text for name in ANSWERS for text in _texts(query.get(name))]
    return False if any(_words(text) in NO_ANSWER for text in given) else None


def _complexity(query: Mapping[str, Any]) -> list[str]:
    """How complex the set calls a question, or by how many documents it needs: `simple` or `complex`, if known."""
    said = [words for name in COMPLEXITY if (words := _words(query.get(name))) in ("simple", "complex")]
    hops = [value for name in HOPS if isinstance(value := query.get(name), int)]
    return said[:1] or ["complex" if many > 1 else "simple" for many in hops[:1]]


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
