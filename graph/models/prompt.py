"""Fits the passages into what a model's context window leaves for them, by an upper estimate of tokens.

Passages go from the end, as they come best first; the last one that is sent may be cut, at a sentence's end and never
inside one. No passage changes its number.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from ..state import Passage
from ..text.sentences import units
from .tokenizers import load_tokenizer

Count = Callable[[str], int]
FOREIGN = re.compile(r"[^\x00-\x7f]+")
TOKENS_PER_FOREIGN_BYTE = 0.65
"""SmolLM2, whose vocabulary is English, makes 0.42 (Russian) to 0.62 tokens (Thai) of a byte beyond ASCII."""
SAFETY = 1.35
"""German: SmolLM2 makes 1.31 times as many tokens as Llama 2."""


@dataclass(frozen=True)
class Shaped:
    """The numbered passages as they are sent; how many were left out and how many cut short."""

    texts: list[str]
    left_out: int = 0
    shortened: int = 0


def numbered(number: int, passage: Passage) -> str:
    """A passage under its number, title, section and date."""
    about = [passage["title"], passage["section"], str(passage["metadata"].get("effective_date", ""))]
    header = f"{passage['header']}\n" if passage["header"] else ""
    return f"[{number}] {', '.join(part for part in about if part)}\n{header}{passage['text']}"


def shorten(question: str, room: int, count: Count) -> str:
    """The question, or as much of its beginning and its end as `room` tokens hold."""
    if len(question.encode()) <= room or count(question) <= room:
        return question
    halves = range(len(question) // 2)
    kept = bisect_right(halves, room, key=lambda half: count(_ends(question, half))) - 1
    return _ends(question, max(0, kept))


def _ends(text: str, half: int) -> str:
    return f"{text[:half]} […] {text[len(text) - half :]}"


def fit(passages: Sequence[Passage], room: int, count: Count, share: float = 1.0) -> Shaped:
    """As many passages as `room` tokens hold, and no more than a share of them all."""
    texts = [numbered(number, passage) for number, passage in enumerate(passages, 1)]
    if share == 1 and sum(len(text.encode()) for text in texts) <= room:
        # No tokenizer makes more tokens of a text than it has bytes.
        return Shaped(texts)
    sizes = [count(text) for text in texts]
    left = min(room, sum(sizes)) * share
    kept: list[str] = []
    for text, size in zip(texts, sizes, strict=True):
        if size > left:
            break
        kept.append(text)
        left -= size
    rest = _cut(passages[len(kept)], len(kept) + 1, left, count) if len(kept) < len(texts) else None
    sent = [*kept, rest] if rest else kept
    return Shaped(sent, len(texts) - len(sent), int(rest is not None))


def _cut(passage: Passage, number: int, left: float, count: Count) -> str | None:
    """The passage up to the last sentence, list item or row that still fits; None when the first does not."""
    ends = [unit.end for unit in units(passage["text"], passage["header"])]
    shorter = [numbered(number, Passage(**{**passage, "text": passage["text"][:end]})) for end in ends]
    fitting = bisect_right(shorter, left, key=count)
    return shorter[fitting - 1] if fitting else None


def estimate(text: str) -> int:
    """More tokens than a model's tokenizer makes of a text, whose vocabulary we do not have: Llama 2's count and more.

    Larger vocabularies than Llama 2's 32,000 make fewer tokens; English ones make more of other alphabets, which are
    therefore counted by their bytes too.
    """
    llama = llama_2()
    foreign = TOKENS_PER_FOREIGN_BYTE * sum(len(part.encode()) for part in FOREIGN.findall(text))
    plain = llama(FOREIGN.sub("", text)) if foreign else 0
    return math.ceil(SAFETY * max(llama(text), plain + foreign))


@cache
def llama_2() -> Callable[[str], int]:
    """Counts tokens as Llama 2 does."""
    tokenizer = load_tokenizer(("wordllama", "tokenizers/l2_supercat_tokenizer_config.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
