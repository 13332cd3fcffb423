"""Splits a question into sub-questions by its form, and asks on from what was found; pure.

Each part stands alone: what is said once for all of them goes along with each. A question that cannot be answered
before another one is (who made the film in which X played?) has no parts; it is followed up by a search for the names
that the best passage gives it.
"""

import re
from collections.abc import Iterator, Sequence

from ..state import Evidence, Passage
from ..text.splitting import sentences
from ..text.words import terms
from .coordination import ASKS, AUXILIARY, sides

MOST = 4
"""Parts that are worth a search of their own."""
NAMED = 12
"""Names of a passage that a follow-up asks for."""
CARRIED = 6
"""Words of the first part that go along with one that leans on it."""
LEAD = r"(?:(?:at|by|for|from|in|on|to|with|of|under|after|within|until|since) )?"
PRONOUN = r"(?:it|they|he|she|i|we|you|there)"
ASKED = (
    rf"(?:how|why|(?:what|when|where|who|whom) {AUXILIARY}|(?:what|whose|which) (?!{AUXILIARY}\b)[a-z]+|who [a-z]+s)\b"
)
AND = r",?\s+(?:and|but)\s+(?:also\s+|then\s+)?"
JOINT = re.compile(rf"{AND}(?=(?i:{LEAD}{ASKED}|{AUXILIARY} {PRONOUN}\b))")
JOINT_YES_NO = re.compile(
    rf"{AND}(?=(?i:{AUXILIARY}) (?:(?i:{PRONOUN}|the|a|an|this|that|my|our|your|its|his|her|their)\b|[A-Z]))"
)
YES_NO = re.compile(rf"\W*{AUXILIARY}\b", re.IGNORECASE)
OPENS = re.compile(rf"\W*{LEAD}{ASKS}\b|{YES_NO.pattern}", re.IGNORECASE)
NOTED = re.compile(rf"[^?]*?,\s+(?={LEAD}(?:{ASKS}|{AUXILIARY})\b)", re.IGNORECASE)
"""What stands before the question, such as `In the United States, ` or `After a fall, `."""
RELATIVE = re.compile(r"\w,? (?:who|which|that|whose)\b(?! (?:and|or)\b)", re.IGNORECASE)
LEANS = re.compile(
    r"\b(?:it|its|they|them|their|this|these|those|he|she|him|her|his|hers|ones?|such|same)\b|\bthat\W*$", re.IGNORECASE
)
ASIDE = re.compile(r"\s*\([^()]*\)$")
CAPITAL = re.compile(r"(?<=\w )(?!I\b)[A-Z]|\d")
NAME = re.compile(
    r"(?<![\w’'-])[A-Z\d][\w’'&-]*(?:\.(?=\w)[\w’'&-]*|(?<=\b[A-Z])\.)*"
    r"(?: (?:(?:of|the|de|van|von|la|for|in) )*[A-Z][\w’'&-]*(?:\.(?=\w)[\w’'&-]*|(?<=\b[A-Z])\.)*)*"
)
SPOKEN = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")


def split(question: str, passages: Sequence[Passage] = ()) -> list[str]:
    """Two to four sub-questions that each stand alone, or none; `passages` are what was found for the question."""
    aside = ASIDE.search(question)
    body, aside_text = (question[: aside.start()], aside.group()) if aside else (question, "")
    said, asked = _statements(body)
    clauses = [clause for sentence in asked for clause in _clauses(sentence)]
    if len(clauses) == 1:
        clauses = sides(clauses[0], [passage["text"] for passage in passages])
        return [f"{said}{clause}{aside_text}" for clause in clauses[:MOST]]
    parts = [clauses[0], *(_standing(clause, clauses[0]) for clause in clauses[1:MOST])] if clauses else []
    return [f"{said}{part}{aside_text}" for part in parts]


def _statements(text: str) -> tuple[str, list[str]]:
    """What a question tells before it asks, and the sentences that ask."""
    found = [text[start:end] for start, end in sentences(text, 0, len(text))]
    asked = [sentence for sentence in found if sentence.endswith("?")] or [one for one in found if OPENS.match(one)]
    said = " ".join(sentence for sentence in found if sentence not in asked)
    return (f"{said} ", asked) if asked and said else ("", asked or [text])


def _clauses(sentence: str) -> list[str]:
    """The questions that one sentence joins; what stands before the first of them holds for all."""
    noted = NOTED.match(sentence)
    note, rest = (noted.group(), sentence[noted.end() :]) if noted else ("", sentence)
    if not OPENS.match(rest):
        return [sentence]
    pieces = _pieces(rest)
    if len(pieces) == 1:
        return [sentence]
    return [note + (piece if note else _capital(piece)).rstrip(" ?.,") + "?" for piece in pieces]


def _pieces(asked: str) -> list[str]:
    joint = JOINT_YES_NO if YES_NO.match(asked) else JOINT
    for found in [*JOINT.finditer(asked), *joint.finditer(asked)]:
        left, right = asked[: found.start()], asked[found.end() :]
        # `a man who lies and who steals` is one thing described twice.
        if not (RELATIVE.search(left) and re.match(r"(?:who|which|whose|that)\b", right, re.IGNORECASE)):
            return [left, *_pieces(right)]
    return [asked]


def _standing(clause: str, first: str) -> str:
    """A clause that leans on the first one, with the words of that one that say what it is about."""
    own = set(terms(clause))
    # `... and is the valve covered?` after `is the pump covered`: it asks the same of something else.
    alone = CAPITAL.search(clause) or len(own) > 2 or own & set(terms(first))
    if alone and not LEANS.search(clause):
        return clause
    words = [word for word in SPOKEN.findall(first) if terms(word) and not own & set(terms(word))]
    return f"{clause} ({' '.join(dict.fromkeys(words[:CARRIED]))})" if words else clause


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def follow_up(question: str, passage: Passage) -> str:
    """What is to be searched for next: the question's words that a passage does not have, and the passage's names.

    Empty when the passage has every word of the question, or names nothing that the question does not.
    """
    text = f"{passage['title']}. {passage['text']}"
    held, asked = set(terms(text)), set(terms(question))
    missing = [word for word in SPOKEN.findall(question) if set(terms(word)) - held]
    named = [name for name in dict.fromkeys(_names(text)) if set(terms(name)) - asked][:NAMED]
    return " ".join([*missing, *named]) if missing and named else ""


def _names(text: str) -> Iterator[str]:
    """What a text writes with a capital, but for words that open a sentence, lines in capitals and plain numbers."""
    for start, end in sentences(text, 0, len(text)):
        for found in NAME.finditer(text, start, end):
            name = found.group()
            is_code = any(map(str.isdigit, name))
            shouted = name.isupper() and (" " in name or len(name) == 1)
            opens = found.start() == start and " " not in name
            if any(map(str.isalpha, name)) and (is_code or not (shouted or opens)):
                yield name


def turns(parts: int, searches: int) -> list[int]:
    """How many passages in a round the question itself may keep, and then each of the further searches for it.

    Parts say all that their question says: then it keeps no more than each of them.
    """
    return [1 if parts else 2, *([1] * searches)]


def best_of(scored: Sequence[Sequence[Evidence]]) -> list[Evidence]:
    """Evidence scored for the question and then for each part: every unit with its best score, best first.

    `part` is the part that a unit answers best, counted from 1; 0 when there are no parts.
    """
    best: dict[tuple[int, int, int], Evidence] = {}
    closest: dict[tuple[int, int, int], tuple[float, int]] = {}
    for number, units in enumerate(scored):
        for unit in units:
            place = (unit["passage"], unit["start"], unit["end"])
            if place not in best or unit["score"] > best[place]["score"]:
                best[place] = unit
            if number and unit["score"] > closest.get(place, (float("-inf"), 0))[0]:
                closest[place] = (unit["score"], number)
    found = [Evidence(**{**unit, "part": closest.get(place, (0.0, 0))[1]}) for place, unit in best.items()]
    return sorted(found, key=lambda unit: -unit["score"])
