"""Fits passages into a model's context window, by an upper estimate of tokens.

Passages are dropped from the end, as the best come first; the last one that is sent may be cut after a sentence. No
passage changes its number.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

from ..safety.injection import is_injection
from ..state import Passage
from ..text.sentences import units
from .model_files import load_tokenizer

Count = Callable[[str], int]
NON_ASCII = re.compile(r"[^\x00-\x7f]+")
MARK_TOKENS = 12
"""Tokens of a line between two passages."""
TOKENS_PER_NON_ASCII_BYTE = 0.65
"""SmolLM2, with an English vocabulary, has 0.42 (Russian) to 0.62 (Thai) tokens for each non-ASCII byte."""
SAFETY_FACTOR = 1.35
"""For German SmolLM2 has 1.31 times as many tokens as Llama 2."""


@dataclass(frozen=True)
class FittedPassages:
    """The numbered passages that are sent, and how many were left out and shortened."""

    texts: list[str]
    left_out: int = 0
    shortened: int = 0


def numbered_passage(number: int, passage: Passage) -> str:
    """A passage with its number, title, section and date, without those that instruct the assistant."""
    title_parts = [passage["title"], passage["section"], str(passage["metadata"].get("effective_date", ""))]
    title = ", ".join(part for part in title_parts if part and not is_injection(part))
    header = f"{passage['header']}\n" if passage["header"] and not is_injection(passage["header"]) else ""
    return f"[{number}] {title}\n{header}{passage['text']}"


def marked_off(passages: Sequence[str]) -> str:
    """The passages between lines with a code; as it is the digest of them all, none of them can hold it."""
    code = sha256("\n\n".join(passages).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    line = f"--- {code} ---"
    return "\n\n".join([line, *(f"{each}\n\n{line}" for each in passages)])


def shorten_question(question: str, budget: int, count: Count) -> str:
    """The question, or as much of its beginning and end as fits the budget."""
    if len(question.encode()) <= budget or count(question) <= budget:
        return question
    halves = range(len(question) // 2)
    included = bisect_right(halves, budget, key=lambda half: count(_ends(question, half))) - 1
    return _ends(question, max(0, included))


def _ends(text: str, half: int) -> str:
    return f"{text[:half]} […] {text[len(text) - half :]}"


def fit_passages(passages: Sequence[Passage], budget: int, count: Count, share: float = 1.0) -> FittedPassages:
    """As many passages as fit the budget, and at most a share of all tokens."""
    texts = [numbered_passage(number, passage) for number, passage in enumerate(passages, 1)]
    if share == 1 and sum(len(text.encode()) for text in texts) <= budget:
        # A text never has more tokens than bytes.
        return FittedPassages(texts)
    sizes = [count(text) for text in texts]
    remaining = min(budget, sum(sizes)) * share
    included: list[str] = []
    for text, size in zip(texts, sizes, strict=True):
        if size > remaining:
            break
        included.append(text)
        remaining -= size
    rest = (
        _cut_passage(passages[len(included)], len(included) + 1, remaining, count)
        if len(included) < len(texts)
        else None
    )
    sent = [*included, rest] if rest else included
    return FittedPassages(sent, len(texts) - len(sent), int(rest is not None))


def _cut_passage(passage: Passage, number: int, remaining: float, count: Count) -> str | None:
    """The passage up to the last unit that fits; None when the first one does not."""
    ends = [unit.end for unit in units(passage["text"], passage["header"])]
    shorter = [numbered_passage(number, Passage(**{**passage, "text": passage["text"][:end]})) for end in ends]
    count_that_fits = bisect_right(shorter, remaining, key=count)
    return shorter[count_that_fits - 1] if count_that_fits else None


def estimate(text: str) -> int:
    """An upper estimate of the tokens of a text for a model whose tokenizer we do not have.

    It is based on Llama 2. Larger vocabularies than its 32,000 need fewer tokens; English ones need more for other
    alphabets, which are therefore also counted by their bytes.
    """
    llama = llama_2()
    non_ascii_tokens = TOKENS_PER_NON_ASCII_BYTE * sum(len(part.encode()) for part in NON_ASCII.findall(text))
    ascii_tokens = llama(NON_ASCII.sub("", text)) if non_ascii_tokens else 0
    return math.ceil(SAFETY_FACTOR * max(llama(text), ascii_tokens + non_ascii_tokens))


@cache
def llama_2() -> Callable[[str], int]:
    """Llama 2's token counter."""
    tokenizer = load_tokenizer(("wordllama", "tokenizers/l2_supercat_tokenizer_config.json"))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
