"""Splits a question with several parts into stand-alone questions; pure."""

import re

from ..text.splitting import sentences
from ..text.words import terms
from .conversation import REFERS_BACK, WORD
from .question import ASKS, AUXILIARY

MOST = 4
"""The most parts."""
MOST_CARRIED = 6
"""The most words of the first part that are added to a part that depends on it."""
LEAD = r"(?:(?:at|by|for|from|in|on|to|with|of|under|after|within|until|since) )?"
PRONOUN = r"(?:it|they|he|she|i|we|you|there)"
ASKED = (
    rf"(?:how|why|(?:what|when|where|who|whom) {AUXILIARY}|(?:what|whose|which) (?!{AUXILIARY}\b)[a-z]+|who [a-z]+s)\b"
)
AND = r",?\s+(?:and|but)\s+(?:also\s+|then\s+)?"
JOINT = re.compile(rf"{AND}(?=(?i:{LEAD}{ASKED}|{AUXILIARY} {PRONOUN}\b))")
OPENS = re.compile(rf"\W*{LEAD}{ASKS}\b|\W*{AUXILIARY}\b", re.IGNORECASE)
ASIDE = re.compile(r"\s*\([^()]*\)$")


def split(question: str) -> list[str]:
    """Two to four stand-alone questions, or none for a question with one part."""
    aside = ASIDE.search(question)
    body, aside_text = (question[: aside.start()], aside.group()) if aside else (question, "")
    statements, questions = _statements(body)
    clauses = [clause for sentence in questions for clause in _clauses(sentence)]
    if len(clauses) < 2:
        return []
    parts = [clauses[0], *(_standing(clause, clauses[0]) for clause in clauses[1:MOST])]
    return [f"{statements}{part}{aside_text}" for part in parts]


def _statements(text: str) -> tuple[str, list[str]]:
    """The statements before a question, and the sentences with questions."""
    found = [text[start:end] for start, end in sentences(text, 0, len(text))]
    questions = [sentence for sentence in found if sentence.endswith("?")] or [one for one in found if OPENS.match(one)]
    statements = " ".join(sentence for sentence in found if sentence not in questions)
    return (f"{statements} ", questions) if questions and statements else ("", questions or [text])


def _clauses(sentence: str) -> list[str]:
    """The questions that one sentence joins."""
    pieces = JOINT.split(sentence) if OPENS.match(sentence) else []
    if len(pieces) < 2:
        return [sentence]
    return [(piece[:1].upper() + piece[1:]).rstrip(" ?.,") + "?" for piece in pieces]


def _standing(clause: str, first: str) -> str:
    """A clause that leans on the first one, with the words of that one that say what it is about."""
    own = set(terms(clause))
    # `... and is the valve covered?` after `is the pump covered`: it asks the same of something else.
    if (len(own) > 2 or own & set(terms(first))) and not REFERS_BACK.search(clause):
        return clause
    words = [word for word in WORD.findall(first) if terms(word) and not own & set(terms(word))]
    return f"{clause} ({' '.join(dict.fromkeys(words[:MOST_CARRIED]))})" if words else clause
