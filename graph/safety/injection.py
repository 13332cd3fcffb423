"""Finds text that instructs the assistant or tampers with its prompt, and takes it out of passages; pure.

A sentence is scored by what it speaks of: the assistant, its instructions, the reply to come, the absence of limits,
and by the markers of chat templates. What procedures say counts for nothing: `Press the button` and `Answer within 3
days` speak of none of these. Text in disguise (encoded, reversed, in digits or invisible letters) is scored as it reads
without the disguise.
"""

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ..learned import logistic
from ..state import Passage
from ..text.sentences import units
from ..text.words import terms
from .injection_signs import SIGNS, WORD

FLAGGED = 0.5
"""The score from which on a sentence is taken out."""
BIAS = -2.75
LONGEST = 2000
"""Characters of a sentence that are scored."""


# Words of English, German, French, Spanish and Italian, in lower case and without accents.
MARKER = re.compile(
    r"<\|\w+\|>|\[/?(?:inst|system|sys)\]|<</?sys>>|</?(?:system|assistant|instructions?|prompt|passages?"
    r"|question)(?:\s[^>]*)?>"
    r"|[-=#*_]{3,}\s*(?:end|begin|start) of [a-z ]+|^\W*###\s*(?:system|instruction|assistant|user)\b"
)


MARKER_WEIGHT = 3.5
BRACKETS = (
    "<|",
    "[inst",
    "[/inst",
    "[sys",
    "<<",
    "</",
    "<s",
    "<a",
    "<i",
    "<p",
    "<q",
    "###",
    "---",
    "===",
    "***",
    "___",
)
INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]+"
)
COMMON = ("ignor", "instruc", "prompt", "your ", "previous")
"""Words that show which way round a text is to be read."""
BACKWARDS = tuple(word[::-1] for word in COMMON)
ROTATED = tuple(codecs.encode(word, "rot13") for word in COMMON)
DISGUISE = re.compile(r"[A-Za-z0-9+/_-]{24}|(?:[01]{8} ){4}|[A-Za-z][013457$@][A-Za-z]|\b\w \w \w \w\b")
SPACED = re.compile(r"\b(?:\w ){3,}\w\b")
RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,6}|(?:[01]{8}\s?){6,}")
LEET = str.maketrans("013457$@", "oieastsa")
LEET_WORD = re.compile(r"\b(?:[a-z]+[013457$@]|[013457$@]+[a-z])[\w$@]+")
REQUEST = re.compile(
    r"^\W*(?:(?:please|kindly|can you|could you|would you|bitte|remember to|don['’]t (?:forget|hesitate) to"
    r"|consider) )*(?:write|provide|explain"
    r"|describ|summari[sz]|translat|compos|develop|suggest|analy[sz]|list|generat|creat|classif|determin|compar"
    r"|break down|help me|show me|tell me|give me|identif|outlin|draft|recommend|discuss|replac|convert|encod"
    r"|rephras|use)\w*\b"
)
CODE = re.compile(
    r"```|\b(?:following|below|subsequent) code\b|\bcode (?:snippet|block|excerpt|section)|\w\(.*\)|^import \w"
    r"|[{};]\s*$|\w = \S"
)


def score(text: str) -> float:
    """How likely a text is to instruct the assistant, 0 to 1."""
    return logistic(BIAS + max(map(_points, _readings(text[:LONGEST]))))


def is_injection(text: str) -> bool:
    """Whether a text instructs the assistant."""
    return score(text) >= FLAGGED


def is_request(text: str) -> bool:
    """Whether a text asks for something or is code: no statement, and no support unless it is about the question."""
    plain = _plain(text)
    return plain.rstrip("\"'”’) ").endswith("?") or bool(REQUEST.search(plain) or CODE.search(text))


def _points(text: str) -> float:
    words = frozenset(WORD.findall(text))
    possible = [(weight, sign) for weight, needed, sign in SIGNS if not any(words.isdisjoint(each) for each in needed)]
    marked = MARKER_WEIGHT if any(each in text for each in BRACKETS) and MARKER.search(text) else 0.0
    if marked + sum(weight for weight, _ in possible) < -BIAS:
        return 0.0
    return marked + sum(weight for weight, sign in possible if sign(text))


def _readings(text: str) -> Iterator[str]:
    """The text as it reads in plain letters, and as it reads without a disguise."""
    plain = _plain(text)
    yield plain
    if any(each in plain for each in BACKWARDS):
        yield plain[::-1]
    if any(each in plain for each in ROTATED):
        yield codecs.encode(plain, "rot13")
    if not text.isascii():
        yield _plain("".join(chr(ord(each) - 0xE0000) for each in text if 0xE0020 <= ord(each) < 0xE007F))
    if not DISGUISE.search(text):
        return
    plain = SPACED.sub(lambda found: found.group().replace(" ", ""), plain)
    yield plain
    if len(LEET_WORD.findall(plain)) >= 3:
        yield plain.translate(LEET)
        yield plain.translate(LEET).replace("i", "l")
    for run in RUN.findall(text):
        yield from map(_plain, _decoded(run))


def _plain(text: str) -> str:
    """In lower case, without accents and invisible letters."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", INVISIBLE.sub("", text))
        text = "".join(each for each in text if not unicodedata.combining(each)).replace("ß", "ss")
    return " ".join(text.lower().split())


def _decoded(run: str) -> Iterator[str]:
    """What a run of letters says in binary, hexadecimal, base 32 and base 64, where that is text."""
    bits = run.split() if set(run) <= set("01 ") else []
    decoders: tuple[Callable[[], bytes], ...] = (
        lambda: bytes(int(each, 2) for each in bits),
        lambda: bytes.fromhex(run),
        lambda: base64.b32decode(run),
        lambda: base64.b64decode(run + "=" * (-len(run) % 4), altchars=b"-_" if {"-", "_"} & set(run) else None),
    )
    for decode in decoders:
        try:
            text = decode().decode("ascii")
        except (ValueError, binascii.Error):
            continue
        if len(text) > 3 and text.isprintable():
            yield text


STATEMENT = re.compile(
    r"^\W*(?:[\w'’-]+\W+){1,8}?(?:is|are|was|were|has|have|had|will|can|may|must|shall|should|does|do|did|costs?"
    r"|takes?)\b"
)
SECOND_PERSON = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)


def quarantine(passages: Sequence[Passage]) -> list[Passage]:
    """The passages with blanks where they instruct the assistant, so that offsets stay; without those of which
    nothing is left."""
    cleaned = [_without_instructions(passage) for passage in passages]
    return [passage for passage in cleaned if passage["text"].strip()]


def _without_instructions(passage: Passage) -> Passage:
    spans = planted(passage["text"], passage["header"])
    if not spans:
        return passage
    text = passage["text"]
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    own = units(passage["text"], passage["header"])
    kept = [number for number, unit in enumerate(own) if text[unit.start : unit.end].strip()]
    similar = [passage["similar"][number] for number in kept] if len(passage["similar"]) == len(own) else []
    return Passage(**{**passage, "text": text, "similar": similar})


def without_orders(question: str) -> str:
    """A question without the sentences that instruct the assistant; as it is where nothing else is left."""
    rest, last = "", 0
    for start, end in planted(question):
        rest, last = rest + question[last:start], end
    rest = " ".join((rest + question[last:]).split()) if last else question
    return rest if any(map(str.isalnum, rest)) else question


@lru_cache(maxsize=16384)
def planted(text: str, header: str = "") -> tuple[tuple[int, int], ...]:
    """The stretches of a text that instruct the assistant, with what they refer to and the orders that follow them."""
    pieces = [line for piece in _pieces(text, header) for line in _lines(text, *piece)]
    flagged = {number for number, (start, end) in enumerate(pieces) if is_injection(text[start:end])}
    for number in sorted(flagged):
        said = text[slice(*pieces[number])].lower()
        if number and "above" in said:
            flagged.add(number - 1)
        after = number + 1
        if said.rstrip().endswith(":") or "below" in said or "following" in said:
            flagged.add(after)
            flagged |= set(_fenced(text, pieces, after))
        while after < len(pieces) and _goes_on(text, pieces[after - 1], pieces[after]):
            flagged.add(after)
            after += 1
    return tuple(pieces[number] for number in sorted(flagged) if number < len(pieces))


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The lines of a unit that instructs where single lines of it do; else the unit."""
    if "\n" not in text[start:end] or not is_injection(text[start:end]):
        return [(start, end)]
    lines = [(start + line.start(), start + line.end()) for line in re.finditer(r"[^\n]+", text[start:end])]
    return lines if any(is_injection(text[first:last]) for first, last in lines) else [(start, end)]


def _pieces(text: str, header: str) -> Iterator[tuple[int, int]]:
    """The units of a text, and the lines between them, such as headings."""
    end = 0
    for unit in (*units(text, header), None):
        start = unit.start if unit else len(text)
        for line in re.finditer(r"[^\n]+", text[end:start]):
            if any(map(str.isalnum, line.group())):
                yield end + line.start(), end + line.end()
        if unit:
            yield unit.start, unit.end
            end = unit.end


def _fenced(text: str, pieces: Sequence[tuple[int, int]], first: int) -> Iterator[int]:
    """The pieces of the code block that begins before a piece, if one does."""
    begin = text.rfind("```", 0, pieces[first][0] + 3) if first < len(pieces) else -1
    if begin >= pieces[first - 1][1]:
        end = text.find("```", begin + 3)
        yield from (n for n in range(first, len(pieces)) if end < 0 or pieces[n][0] <= end)


def _goes_on(text: str, before: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether an order follows in the same paragraph, and no statement."""
    said = text[slice(*after)]
    return "\n\n" not in text[before[1] : after[0]] and (
        not STATEMENT.search(said) or bool(SECOND_PERSON.search(said)) or said.rstrip().endswith("?")
    )


def is_planted(claim: str, question: str) -> bool:
    """Whether a claim instructs the assistant, or asks for something that has no term of the question."""
    if is_injection(claim):
        return True
    return bool(question) and is_request(claim) and set(terms(claim)).isdisjoint(terms(question))
