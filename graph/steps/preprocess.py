"""Makes a caller's words into a question that can be asked; pure."""

import re
import unicodedata
from typing import Any

from ..callers import MOST_GROUPS
from ..errors import QuestionInvalid
from ..release import Limits
from ..state import Turn

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad]")
ANSWERS_PER_QUESTION = 10
"""How much longer than a question a turn of the history may be: it may be an answer."""
SOUGHT = 2000
"""Characters of a question that are searched for and compared; a model is given all of it."""


def sought(question: str) -> str:
    """What is searched for: the question, or of a long one its beginning and its end, where people ask."""
    if len(question) <= SOUGHT:
        return question
    first, last = question[: SOUGHT // 2], question[-SOUGHT // 2 :]
    return f"{first.rpartition(' ')[0] or first} {last.partition(' ')[2] or last}"


def normalise_question(question: Any, limits: Limits) -> str:
    """The question in composed letters on one line; raises QuestionInvalid with what was wanted."""
    if not isinstance(question, str):
        raise QuestionInvalid(f"A question is text; this one is of type {type(question).__name__}.")
    if len(question) > limits.question_characters:
        most = limits.question_characters
        raise QuestionInvalid(f"A question may have {most} characters; this one has {len(question)}. Shorten it.")
    found = CONTROL.search(question)
    if found:
        code = f"U+{ord(found.group()):04X}"
        raise QuestionInvalid(f"A question is printable text; this one has the control character {code}. Remove it.")
    text = " ".join(unicodedata.normalize("NFC", INVISIBLE.sub("", _whole(question))).split())
    if not any(character.isalnum() for character in text):
        raise QuestionInvalid("A question needs at least one letter or digit; this one has none.")
    return text


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QuestionInvalid("A question is Unicode text; this one has half a surrogate pair. Remove it.") from error
    return text


def check_history(history: Any, limits: Limits) -> list[Turn]:
    """The turns as given; raises QuestionInvalid when they are not turns or are too many."""
    turns = [] if history is None else history
    if not isinstance(turns, list) or not all(_is_turn(turn) for turn in turns):
        raise QuestionInvalid('The history is a list of {"role": "user" or "assistant", "content": text}.')
    if len(turns) > limits.history_turns:
        raise QuestionInvalid(f"The history may have {limits.history_turns} turns; this one has {len(turns)}.")
    most = ANSWERS_PER_QUESTION * limits.question_characters
    if any(len(turn["content"]) > most for turn in turns):
        raise QuestionInvalid(f"A turn of the history may have {most} characters; one has more. Shorten it.")
    return [Turn(role=turn["role"], content=CONTROL.sub(" ", _whole(turn["content"]))) for turn in turns]


def _is_turn(turn: Any) -> bool:
    if not isinstance(turn, dict) or turn.get("role") not in ("user", "assistant"):
        return False
    return isinstance(turn.get("content"), str)


def check_groups(groups: Any) -> list[str]:
    """The caller's groups as given; raises QuestionInvalid when they are not names."""
    names = [] if groups is None else groups
    named = isinstance(names, list) and all(isinstance(name, str) and _is_name(name) for name in names)
    if not named or len(names) > MOST_GROUPS:
        raise QuestionInvalid(f"The groups are a list of at most {MOST_GROUPS} names; {names!r:.60} is not.")
    return names


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable()
