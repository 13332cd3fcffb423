"""Reads what `warrant feedback export` wrote as drafts: an answer that was liked is a reference to be checked."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.drafting.proposals import DRAFT
from evals.drafting.texts import Document, Texts
from evals.errors import DatasetInvalid
from evals.samples import Sample
from graph.text.sentences import units

LIKED = "draft: the answer was liked; check that the reference is right and whole, and that the quotes hold it."
DISLIKED = (
    "draft: the answer was disliked; write the right one with its documents and quotes, or say that none answers."
)
MISSED = "draft: it was declined, and somebody minded; find the answer, or let it be unanswerable."


def read_feedback(path: Path, texts: Texts) -> list[Sample]:
    """The rated questions; raises DatasetInvalid with the line that cannot be read."""
    if path.is_dir():
        raise DatasetInvalid(
            f"{path} is a folder; write the ratings with `warrant feedback export --state {path} --out FILE` first."
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetInvalid(f"The feedback {path} cannot be read: {error}.") from None
    documents = {document.name: document for document in texts.documents}
    return [_sample(path, number, line, documents) for number, line in enumerate(lines, 1) if line.strip()]


def _sample(path: Path, number: int, line: str, documents: dict[str, Document]) -> Sample:
    try:
        fields: dict[str, Any] = json.loads(line)
        return Sample.model_validate(_drafted(fields, documents))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise DatasetInvalid(
            f"{path}:{number}: this is no line of `warrant feedback export`: {' '.join(str(error).split())[:200]}."
        ) from None


def _drafted(fields: dict[str, Any], documents: dict[str, Document]) -> dict[str, Any]:
    """A rating as a sample: the quotes are what of a liked answer stands in a document word for word."""
    liked = fields["answerable"] is not None
    declined = "declined" in fields["tags"] or not fields["origin"]["answer"]
    known = [name for name in fields["documents"] if name in documents] if fields["answerable"] else []
    quotes = _verbatim(fields["reference"] or "", [documents[name] for name in known])
    note = LIKED if liked else MISSED if declined else DISLIKED
    told = f"{note} {fields['note']}".strip()
    return {
        **fields,
        "answerable": bool(fields["answerable"]) if liked else not declined,
        "documents": known,
        "quotes": quotes,
        "tags": [DRAFT, *fields["tags"]],
        "note": told,
    }


def _verbatim(answer: str, documents: list[Document]) -> list[str]:
    said = [answer[unit.start : unit.end] for unit in units(answer)]
    return [quote for quote in said if any(quote in document.text for document in documents)]
