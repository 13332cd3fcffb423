"""Finds text that instructs the assistant or tampers with its prompt, and takes it out of passages; pure.

`injection_signs` says what such text looks like: it speaks to or of the assistant, of its instructions or of the reply
to come. What procedures say has none of these signs: `Press the button`, `Answer within 3 days`. Text in disguise
(encoded, reversed, in digits, in invisible or foreign letters) is read without the disguise.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from ..state import Passage
from ..text.language import likeliest_language
from ..text.sentences import units
from ..text.words import has_term, terms
from .injection_signs import BACKWARDS, DOUBT, LETTER, PAYLOAD, ROTATED, has_sign, plain, row

MARKER = re.compile(
    r"[<\[#:=*_-](?:(?<=<)(?:\|\w+\|>|</?sys>>|/?(?:system|assistant|instructions?|prompt)(?:\s[^>]{0,200})?>"
    r"|/(?:passages?|context|documents?|question)>)|(?<=\[)/?(?:inst|system|sys)\]"
    r"|[-=#*_\[<]{1,20} ?(?:end|begin|start) of [a-z]|##\s*(?:system|instruction|assistant|user)\b"
    r"|(?:(?<=human:)|(?<=user:)|(?<=system:))[^\n]{0,300}\bassistant:)"
)
"""What a chat template or a prompt has, and a document has not."""
LONG = 24
"""Letters without a space that may be encoded text."""
RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,6}")
BASE32 = re.compile(r"[A-Z2-7]+=*")
OCTETS = re.compile(r"[01][01]{7}(?:\s?[01]{8}){5,}")
TAGS = re.compile("[\U000e0020-\U000e007e]")
SPACED = re.compile(r"\b(?:\w ){3,}\w\b")
REQUEST = re.compile(
    r"^\W*(?:(?:please|kindly|can you|could you|would you|bitte|remember to|don['’]t (?:forget|hesitate) to"
    r"|consider) )*(?:write|provide|explain"
    r"|describ|summari[sz]|translat|compos|develop|suggest|analy[sz]|list|generat|creat|classif|determin|compar"
    r"|break down|help me|show me|tell me|give me|identif|outlin|draft|recommend|discuss|replac|convert|encod"
    r"|rephras|use)\w*\b"
)
NOTATION = re.compile(
    r"<!--|\brole\W{1,4}(?:system|developer|assistant)"
    r"|(?<![\w,]\s)\b(?:system|assistant|bot)[:>\]]"
)
NOTED = ("<!--", "role", *(f"{who}{mark}" for who in ("system", "assistant", "bot") for mark in ":>]"))
"""Comments, and messages to a model in JSON and the like, and what all of them have one of."""
CODE = re.compile(
    r"```|\b(?:following|below|subsequent) code\b|\bcode (?:snippet|block|excerpt|section)|\w{3}\(.*\)|^import \w"
    r"|[{};]\s*$|\w = \S"
)


def is_injection(text: str) -> bool:
    """Whether a text instructs the assistant."""
    return any(has_sign(classes) or MARKER.search(said) for said, classes in readings(text))


def is_request(text: str) -> bool:
    """Whether a text asks for something or is code: no statement, and no support unless it is about the question."""
    said = plain(text)
    return said.rstrip("\"'”’) \n").endswith("?") or bool(REQUEST.search(said) or CODE.search(text))


def readings(text: str) -> Iterator[tuple[str, str]]:
    """The text as it reads in plain letters, and as it reads without a disguise, each with the classes of its words."""
    said, classes = _read(text)
    yield said, classes
    for reading in _undisguised(text, said, classes):
        yield reading, row(reading)


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[str, str]:
    """A text in plain letters, and the classes of its words."""
    said = plain(text)
    return said, row(said)


def _undisguised(text: str, said: str, classes: str) -> Iterator[str]:
    if BACKWARDS in classes:
        yield said[::-1]
    if ROTATED in classes:
        yield codecs.encode(said, "rot13")
    if LETTER * 4 in classes:
        yield SPACED.sub(lambda found: found.group().replace(" ", ""), said)
    if not text.isascii() and TAGS.search(text):
        yield plain("".join(chr(ord(each) - 0xE0000) for each in text if 0xE0020 <= ord(each) < 0xE007F))
    words = text.split()
    runs: list[str] = []
    if max(map(len, words), default=0) >= LONG:
        runs = [run for word in words if len(word) >= LONG and "://" not in word for run in RUN.findall(word)]
    if "010" in text or "011" in text:  # What octets of letters begin with.
        runs += OCTETS.findall(text)
    for run in runs:
        yield from map(plain, _decoded(run))


def _decoded(run: str) -> Iterator[str]:
    """What a run of letters says in binary, hexadecimal, base 32 and base 64, where that is text."""
    bits = run.split() if set(run) <= set("01 ") else []
    decoders: tuple[Callable[[], bytes], ...] = (
        lambda: bytes(int(each, 2) for each in bits),
        lambda: bytes.fromhex(run),
        # It takes ten times as long as the others to see that a run is none.
        lambda: base64.b32decode(run) if BASE32.fullmatch(run) else b"",
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
LABEL = re.compile(r"\W*[^\W\d_][\w ]{2,40}: ")
"""What begins a line that is one field of a record, and goes as a whole."""
LEADS_IN = re.compile(r"(?i):\s*$|\bnext\b")
SECOND_PERSON = re.compile(r"\b(?:you|your)\b", re.IGNORECASE)


def quarantine(passages: Sequence[Passage], question: str) -> list[Passage]:
    """The passages with blanks where they instruct the assistant, or may and have nothing to do with the question, so
    that offsets stay; without those of which nothing is left."""
    cleaned = [_without_instructions(passage, question) for passage in passages]
    return [passage for passage in cleaned if passage["text"].strip()]


def _without_instructions(passage: Passage, question: str) -> Passage:
    doubts = _doubtful(passage["text"], passage["header"])
    doubtful = [(start, end) for start, end in doubts if _is_unasked(passage["text"][start:end], question)]
    spans = [*planted(passage["text"], passage["header"]), *doubtful]
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
    if not is_injection(text):
        return ()
    pieces = [line for piece in _pieces(text, header) for line in _lines(text, *piece)]
    signed = [number for number, (start, end) in enumerate(pieces) if is_injection(text[start:end])]
    flagged = set(signed)
    for last, number, following in zip([-1, *signed], signed, [*signed[1:], len(pieces)], strict=False):
        said = text[slice(*pieces[number])].lower()
        if number and ("above" in said or LEADS_IN.search(text[slice(*pieces[number - 1])])):
            flagged.add(number - 1)
        begins, before = text.rfind("\n", 0, pieces[number][0]) + 1, number - 1
        if LABEL.match(text, begins):
            while before > last and pieces[before][0] >= begins:
                flagged.add(before)
                before -= 1
        after = number + 1
        if said.rstrip().endswith(":") or "below" in said or "following" in said:
            flagged.add(after)
            flagged |= set(_fenced(text, pieces, after))
        while after < following and _goes_on(text, pieces[after - 1], pieces[after]):
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


@lru_cache(maxsize=16384)
def _doubtful(text: str, header: str) -> tuple[tuple[int, int], ...]:
    """The stretches of a text that may instruct the assistant."""
    if not is_doubtful(text):
        return ()
    return tuple((start, end) for start, end in _pieces(text, header) if is_doubtful(text[start:end]))


def is_doubtful(text: str) -> bool:
    """Whether a text may instruct the assistant: it is left out where the question is not about it."""
    said, classes = _read(text)
    return bool(DOUBT.search(classes) or (any(map(said.__contains__, NOTED)) and NOTATION.search(said)))


@lru_cache(maxsize=1024)
def _asked(question: str) -> tuple[str, frozenset[str]]:
    """The language of a question, and its terms."""
    language = likeliest_language(question, "")
    return language, frozenset(terms(question, language))


def _is_unasked(text: str, question: str) -> bool:
    """Whether a doubtful text has no term of the question, or what to say where the question is about no answer."""
    language, asked = _asked(question)
    if not has_term(text, asked, language):
        return True
    said, classes = _read(text)
    return bool(PAYLOAD.search(classes) or NOTATION.search(said)) and not is_doubtful(question)


def is_planted(claim: str, question: str) -> bool:
    """Whether a claim instructs the assistant, or may, or asks for something, and is not about the question."""
    if is_injection(claim):
        return True
    return bool(question) and (is_request(claim) or is_doubtful(claim)) and _is_unasked(claim, question)
