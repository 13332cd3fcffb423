"""Pairs the questions of a text with their answers: a question is what its answer is read with, and no answer; pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .markdown import ITEM, plain
from .splitting import trim

TAG = r"</?(?:details|summary|dl|dt|dd)\b[^>\n]{0,200}>"
TAGS = re.compile(TAG, re.IGNORECASE)
MARKUP = re.compile(rf"\s*(?:{TAG}\s*)+", re.IGNORECASE)
"""A line of nothing but the tags that hold a question and its answer."""
SUMMARY = re.compile(r"\s*(?:<details\b[^>\n]{0,200}>\s*)?<summary\b[^>\n]{0,200}>[^<]*</summary>", re.IGNORECASE)
LABEL = r"\s*(?:\*\*|__)?(?:{})[ \t]?\d{{0,3}}(?:\*\*|__)?[:\uff1a.](?:\*\*|__)?[ \t]*"
ASKED = re.compile(
    LABEL.format(
        "Q|Questions?|F|Fragen?|Spørgsmål|Spm|Fråga|P|Pregunta|Pergunta|D|Domanda|V|Vraag|Pytanie|问|問|質問|질문"
    ),
    re.IGNORECASE,
)
ANSWERED = re.compile(
    LABEL.format("A|Answer|Antwort|S|Svar|R|Réponse|Respuesta|Resposta|Risposta|Antwoord|O|Odpowiedź|答|回答|답변|답"),
    re.IGNORECASE,
)
BOLD = re.compile(r"(?:\*\*|__)[^\n]*[?？؟][^\n\w]*(?:\*\*|__)[ \t]*$")
"""A line that asks and is bold to its end."""
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+[^\n]*$", re.MULTILINE)
CELL = re.compile(r"(?:\\.|[^|\\])+")
SIGNS = ("?", "？", "؟")
CLOSING = re.compile(rf"\s*(?:{TAG}\s*)+\Z", re.IGNORECASE)
BLANK_LINE = re.compile(r"\n\s*\n")
NUMBER = re.compile(r"(?:\d+[.)]?)?")
UNMISTAKABLE = re.compile(r"\W*(?:Q|\w{3,}|[^\W\dA-Za-z])", re.IGNORECASE)
"""A label that marks a question without a question mark too: `F:` may be many a thing."""
BRIEF = 12
"""Characters of an answer of one word."""
LONGEST = 300
"""Characters of a question that a single answer follows."""


@dataclass(frozen=True)
class Unit:
    """text[start:end] of a passage; `reading` is what it says, a table row with the names of its columns.

    An answer's reading begins with the `question` that it answers; `begins` is where that stands, if just before it.
    """

    start: int
    end: int
    reading: str
    question: str = ""
    begins: int | None = None

    @property
    def said(self) -> str:
        """What it says by itself."""
        return self.reading[len(self.question) :].lstrip()


def breaks(line: str) -> bool:
    """Whether a line begins a question or an answer, so that the line before it ends what it says."""
    label = (ASKED.match(line) or ANSWERED.match(line)) if ":" in line or "\uff1a" in line else None
    return bool(label and "." not in label.group()) or closes(line) or ("<" in line and bool(SUMMARY.match(line)))


def closes(line: str) -> bool:
    """Whether a line is a question whose answer stands in the next one."""
    marked = "**" in line or "__" in line
    return (marked and bool(BOLD.fullmatch(line.strip()))) or ("<" in line and bool(SUMMARY.fullmatch(line.rstrip())))


def leads(stretch: str) -> bool:
    """Whether a paragraph or line is a question alone, which belongs to what follows it."""
    bare = stretch.strip()
    one = "\n" not in bare or bool(ASKED.match(bare) or MARKUP.match(bare))
    return one and len(bare) <= LONGEST and (_asks(_asked(bare)) or bool(SUMMARY.fullmatch(bare)))


def paired(text: str, found: Iterable[Unit]) -> list[Unit]:
    """The units of a text, each answer read with its question, which is then no unit of its own."""
    pairing = _Pairing(text)
    for unit in found:
        pairing.take(unit)
    pairing.release()
    return pairing.found


class _Pairing:
    """Takes the units of a text one by one and keeps the question that is to be answered.

    `held` are its units, none where a heading asks; `begins` is where it stands until its first answer has come.
    """

    def __init__(self, text: str) -> None:
        self.text, self.last = text, 0
        self.found: list[Unit] = []
        self.held: list[Unit] = []
        self.question, self.brief = "", False
        self.begins: int | None = None

    def take(self, unit: Unit) -> None:
        gap = self.text[self.last : unit.start]
        item = ITEM.fullmatch(gap.rpartition("\n")[2]) is not None
        self._pass_headings(gap)
        if self.text.startswith("|", unit.start):
            self._take_row(unit)
        elif self.brief and not item and not BLANK_LINE.search(gap):
            self._lengthen(unit)
        else:
            self._take_text(unit, item, begins_line=item or "\n" in gap or not self.last)
        self.last = unit.end

    def release(self) -> None:
        """What asked and was not answered is a unit after all."""
        self.found += self.held
        self._forget()

    def _forget(self) -> None:
        self.held, self.question, self.begins, self.brief = [], "", None, False

    def _pass_headings(self, gap: str) -> None:
        for match in HEADING.finditer(gap):
            self.release()
            heading = plain(match.group().strip().strip("#"))
            if _asks(heading):
                self.question, self.begins = heading, self.last + match.start()

    def _take_row(self, unit: Unit) -> None:
        self._forget()
        self.found.append(_answer_in_row(self.text, unit))

    def _take_text(self, unit: Unit, item: bool, *, begins_line: bool) -> None:
        summary = SUMMARY.match(self.text, unit.start, unit.end)
        if summary or (begins_line and _is_question(self.text, unit)):
            self.release()
            self._ask(unit, summary.end() if summary else unit.end)
        elif self.held and not begins_line and not _asks(self.question) and not self._answer_label(unit):
            self._ask(unit, unit.end)
        elif self.question and (self.begins is not None or item):
            self._answer(unit, item)
        else:
            self.release()
            self.found.append(unit)

    def _ask(self, unit: Unit, end: int) -> None:
        """Take a unit for a question, or for more of it; what stands behind a summary is its answer."""
        self.held.append(unit)
        self.begins = self.held[0].start
        self.question = _asked(self.text[self.begins : end])
        if end < unit.end:
            self._answer(replace(unit, start=end), item=False)

    def _answer_label(self, unit: Unit) -> re.Match[str] | None:
        return ANSWERED.match(self.text, unit.start, unit.end)

    def _answer(self, unit: Unit, item: bool) -> None:
        label, closing = self._answer_label(unit), CLOSING.search(self.text, unit.start, unit.end)
        start, end = label.end() if label else unit.start, closing.start() if closing else unit.end
        said = plain(self.text[start:end])
        self.found.append(Unit(start, end, f"{self.question} {said}", self.question, self.begins))
        self.held, self.begins = [], None
        self.brief = not item and " " not in said and len(said) <= BRIEF
        self.question = self.question if item else ""

    def _lengthen(self, unit: Unit) -> None:
        """`No.` alone says little: what is said after it goes along."""
        answer = self.found[-1]
        self.found[-1] = replace(answer, end=unit.end, reading=f"{answer.reading} {unit.reading}")
        self.brief = False


def _asked(stretch: str) -> str:
    """A question as it is asked, without label, tags and emphasis."""
    label = ASKED.match(stretch)
    return plain(TAGS.sub("", stretch[label.end() if label else 0 :]))


def _asks(said: str) -> bool:
    return said.endswith(SIGNS)


def _is_question(text: str, unit: Unit) -> bool:
    label = ASKED.match(text, unit.start, unit.end)
    return (_asks(unit.reading) and unit.end - unit.start <= LONGEST) or bool(
        label and UNMISTAKABLE.match(label.group())
    )


def _answer_in_row(text: str, unit: Unit) -> Unit:
    """Of a row that holds a question and its answer, the answer; else the row."""
    filled = [match.span() for match in CELL.finditer(text, unit.start, unit.end)]
    filled = [
        (start, end)
        for start, end in (trim(text, *span) for span in filled)
        if NUMBER.fullmatch(text[start:end]) is None
    ]
    if len(filled) != 2:
        return unit
    question, said = (plain(text[start:end]) for start, end in filled)
    if not said or not (_asks(question) or ASKED.match(unit.reading)):
        return unit
    return Unit(*filled[1], f"{question} {said}", question, filled[0][0])
