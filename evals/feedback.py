"""Reads what `warrant feedback export` wrote as drafts: an answer that was liked is a reference to be checked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.dataset import DRAFT, Sample
from evals.errors import DatasetInvalid
from graph.text.sentences import units

LIKED = "draft: the answer was liked; check that the reference is right and whole, and that the quotes hold it."
DISLIKED = (
    "draft: the answer was disliked; write the right one with its documents and quotes, or say that none answers."
)
DECLINED = "draft: it was declined, and somebody minded; find the answer, or let it be unanswerable."


def read_feedback(path: Path, documents: Mapping[str, str]) -> list[Sample]:
    """The rated questions as drafts; `documents` are texts by name. Raises DatasetInvalid that names the line."""
    if path.is_dir():
        raise DatasetInvalid(
            f"{path} is a folder; write the ratings with `warrant feedback export --state {path} --out FILE` first."
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetInvalid(f"The feedback {path} cannot be read: {error}.") from None
    return [_sample(path, number, line, documents) for number, line in enumerate(lines, 1) if line.strip()]


def verbatim(answer: str, texts: list[str]) -> list[str]:
    """The sentences of an answer that stand in one of the texts word for word."""
    sentences = [answer[unit.start : unit.end] for unit in units(answer)]
    return [sentence for sentence in sentences if any(sentence in text for text in texts)]


def _sample(path: Path, number: int, line: str, documents: Mapping[str, str]) -> Sample:
    try:
        return Sample.model_validate(_drafted(json.loads(line), documents))
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise DatasetInvalid(
            f"{path}:{number}: this is no line of `warrant feedback export`: {' '.join(str(error).split())[:200]}."
        ) from None


def _drafted(fields: dict[str, Any], documents: Mapping[str, str]) -> dict[str, Any]:
    """A rating as a sample: the quotes are what of a liked answer stands in a document word for word."""
    liked = fields["answerable"] is not None
    declined = "declined" in fields["tags"] or not fields["origin"]["answer"]
    known = [name for name in fields["documents"] if name in documents] if fields["answerable"] else []
    note = LIKED if liked else DECLINED if declined else DISLIKED
    return {
        **fields,
        "answerable": bool(fields["answerable"]) if liked else not declined,
        "documents": known,
        "quotes": verbatim(fields["reference"] or "", [documents[name] for name in known]),
        "tags": [DRAFT, *fields["tags"]],
        "note": f"{note} {fields['note']}".strip(),
    }
