"""Rewrites the last turn of a conversation as a stand-alone question, and lists the searches for it; pure.

A turn that depends on earlier ones gets their most specific words: `How do I create one?` after turns about an
IBM Cloud account becomes `How do I create one? (IBM Cloud account)`. Both are searched and their scores added, so a
wrong topic cannot outweigh the turn itself. `And in Rome?` repeats the last question for Rome.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ..state import Search, Turn
from ..text.words import TermWeight, equal_weight, is_number, terms
from .question import ASKS, AUXILIARY

REFERS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|this|that|these|those|he|she|him|her|his|hers|ones?|there|here|such|same"
    r"|others?|another|else|more|also|still|too|again|instead|as well|anything|something|then|any)\b",
    re.IGNORECASE,
)
"""Words that refer to earlier turns."""
GOES_ON = re.compile(
    r"^\W*(?:and|but|so|or|oops|no|yes|well|ok(?:ay)?|what about|how about|i mean|why|btw)\b\s*", re.IGNORECASE
)
"""The beginning of a turn that continues the one before."""
LINKS = "in|for|at|on|of|from|to|with|during|since|before|after|under"
CAPITALS = r"[A-Z0-9][\w’'&./-]*(?:\s+[A-Z0-9][\w’'&./-]*){0,3}"
NAME = rf"(?:(?i:the)\s+)?{CAPITALS}"
THING = rf"(?:(?i:the|an?)\s+)?[\w'’-]+(?:\s+(?!(?i:{LINKS}|{AUXILIARY})\b)[\w'’-]+){{0,2}}"
ELSE = re.compile(
    r"\W*(?i:(?:thanks|thank you|ok(?:ay)?|great|no|sorry|oops|actually|well)\b\W*)*"
    r"(?i:(?:and|but|or|so|what about|how about|i meant?|rather|(?:the )?same)\b\W*)+"
    rf"(?:(?P<link>(?i:{LINKS}))\s+)?"
    rf"(?P<other>(?:(?i:the)\s+)?(?:(?P<kind>[a-z][a-z-]+)\s+)?(?P<name>{CAPITALS})(?:\s+(?P<noun>[a-z][a-z-]+))?"
    rf"|(?(link){THING}|(?!)))\W*\Z"
)
"""A turn that says no more than another place, time, name or thing: `And in zone C?`, `And for guests?`"""
FULL = 4
"""Content words from which on a turn without such words can stand alone; a question that names something always can."""
NAMING = re.compile(rf"\W*(?i:{ASKS}|{AUXILIARY})\b.*(?<=\w )(?:(?!I\b)[A-Z]|\d)")
TOPIC = 4
"""How many words of the talk a question takes along."""
DECAY = 0.7
"""What a word is worth for each turn of the user that lies between; `ASSISTANT` of it when the assistant said it."""
ASSISTANT = 0.6
OPENING = 60
"""The words at the start of a turn that are used: an answer states its topic there."""
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
COURTESY = frozenset(
    """thanks thank thankyou thx cheers hello hi hey greetings bye goodbye ok okay great cool nice perfect awesome
    wonderful excellent super fine good brilliant amazing lovely welcome danke merci gracias grazie bedankt dank tak
    tack obrigado hallo bonjour hola ciao""".split()
)
ASKING = re.compile(rf"\W*(?:{ASKS}|{AUXILIARY})\b", re.IGNORECASE)
"""What a question begins with."""
AROUND = frozenset(
    """a again all alright and appreciate appreciated are day do doing everyone evening for going got have help helped
    helpful helps how i i'm is it it's lot me morning much no now really see so that that's the then there this to
    understand understood very was well will with work works yes you your yours sehr schön vielen beaucoup muchas
    mille je mange""".split()
)


@dataclass(frozen=True)
class Folded:
    """A question that stands alone, and the searches for it: none when it asks for nothing.

    A turn of a talk is searched and ranked by what it says with its topic, and by what it says alone.
    """

    question: str
    searches: list[Search]


def fold(question: str, history: Sequence[Turn], weigh: TermWeight = equal_weight, declined: str = "") -> Folded:
    """The question with the words that it refers to; unchanged without history.

    `weigh`: how telling a term is in the index that is searched. `declined`: what an answer says that declines, which
    is no topic.
    """
    if is_courtesy(question, history):
        return Folded(question, [])
    turns = spoken_turns(history, declined)
    if other := replace_name(question, turns):
        return _alone(other)
    words = Talk.of(turns).topic(question, TOPIC, weigh)
    if not words or not needs_context(question):
        return _alone(question)
    whole = f"{question} ({words})"
    return Folded(whole, [Search(text=whole, weight=1.0), Search(text=question, weight=1.0)])


def _alone(question: str) -> Folded:
    return Folded(question, [Search(text=question, weight=1.0)])


def spoken_turns(history: Sequence[Turn], declined: str) -> list[Turn]:
    """The turns with a topic: without courtesies and declined answers."""
    opening = declined.strip()
    kept = []
    for turn in history:
        if turn["role"] == "user":
            kept += [] if is_courtesy(turn["content"], ()) else [turn]
        elif not opening or not turn["content"].strip().startswith(opening):
            kept.append(turn)
    return kept


def replace_name(question: str, history: Sequence[Turn]) -> str:
    """The user's last question with the part replaced that this turn changes.

    `And in the US?` says where else. Empty when the turn is no such remark, or no question has a part of that kind.
    """
    match = ELSE.match(question)
    if not match or (not match["name"] and REFERS_BACK.search(match["other"])):
        return ""
    earlier_questions = [turn["content"] for turn in reversed(history) if turn["role"] == "user"]
    for part, other in _replacements(match):
        for question_before in earlier_questions:
            if found := list(re.finditer(part, question_before)):
                start, end = found[-1].span()
                return f"{question_before[:start]}{other}{question_before[end:]}"
    return ""


def _replacements(match: re.Match[str]) -> Iterator[tuple[str, str]]:
    """Patterns for the part of an earlier question that a turn may replace, with the replacement."""
    link, kind, name, noun = match["link"], match["kind"], (match["name"] or "").rstrip(".,"), match["noun"]
    if not name:
        yield rf"\b(?i:{link})\s+{THING}", f"{link.lower()} {match['other']}"
    elif kind:
        yield rf"\b(?i:{kind})\s+{CAPITALS}", f"{kind} {name}"
    elif noun:
        yield rf"\b{CAPITALS}\s+(?i:{noun})\b", f"{name} {noun}"
    else:
        if link:
            yield rf"\b(?i:{link})\s+{NAME}", f"{link.lower()} {match['other'].rstrip('.,')}"
        yield rf"(?<=\w ){NAME}", match["other"].rstrip(".,")


def needs_context(question: str) -> bool:
    """Whether a turn refers to earlier turns, or is too short to stand alone."""
    if REFERS_BACK.search(question):
        return True
    rest = GOES_ON.sub("", question)
    return not NAMING.match(rest) and (rest != question or len(set(terms(question))) < FULL)


@dataclass(frozen=True)
class Talk:
    """The terms of the earlier turns: what each is worth, when it was said last, and by which word."""

    worth: Mapping[str, float]
    last: Mapping[str, tuple[int, int, str]]

    @classmethod
    def of(cls, history: Sequence[Turn]) -> "Talk":
        """What was said: more is worth what the user said, and what was said lately."""
        worth: dict[str, float] = {}
        last: dict[str, tuple[int, int, str]] = {}
        for age, turn in enumerate(reversed(history)):
            share = DECAY ** (age // 2) * (1.0 if turn["role"] == "user" else ASSISTANT)
            for place, (term, word) in enumerate(_telling(turn["content"])):
                worth[term] = worth.get(term, 0.0) + share
                last.setdefault(term, (-age, place, word))
        return cls(worth, last)

    def topic(self, question: str, most: int, weigh: TermWeight = equal_weight) -> str:
        """The words that say best what the talk is about, in the order in which they came, without the turn's own.

        Those that were said often and not long ago, and that are telling in the index.
        """
        own = set(terms(question))
        new = [term for term in self.worth if term not in own]
        best = sorted(new, key=lambda term: -self.worth[term] * weigh(term))[:most]
        return " ".join(self.last[term][2] for term in sorted(best, key=lambda term: self.last[term]))


def _telling(text: str) -> Iterator[tuple[str, str]]:
    """The first words of a turn that carry a meaning, each term once, with the word as it was written."""
    seen: set[str] = set()
    for match in islice(WORD.finditer(text), OPENING):
        for term in terms(match.group()):
            if term not in seen and "'" not in term and not is_number(term):
                seen.add(term)
                yield term, match.group()


def is_courtesy(question: str, history: Sequence[Turn]) -> bool:
    """Whether a turn only greets, thanks or agrees: nothing is asked, and there is nothing to search for.

    After a question of the assistant's, a word of agreement is an answer, and what it agrees to can be searched for.
    """
    if history and history[-1]["role"] == "assistant" and history[-1]["content"].rstrip().endswith("?"):
        return False
    if ASKING.match(question):
        return False
    words = [match.group().lower().replace("’", "'") for match in WORD.finditer(question)]
    return any(word in COURTESY for word in words) and all(word in COURTESY | AROUND for word in words)
