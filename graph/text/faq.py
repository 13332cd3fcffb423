"""Pairs the questions of a text with their answers, as in an FAQ; pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .markdown import ITEM, plain
from .splitting import trim

TAG = r"</?(?:details|summary|dl|dt|dd)\b[^>\n]{0,200}>"
TAGS = re.compile(TAG, re.IGNORECASE)
MARKUP = re.compile(rf"\s*(?:{TAG}\s*)+", re.IGNORECASE)
"""A line with only the tags around a question and its answer."""
SUMMARY = re.compile(r"\s*(?:<details\b[^>\n]{0,200}>\s*)?<summary\b[^>\n]{0,200}>[^<]*</summary>", re.IGNORECASE)
LABEL = r"\s*(?:\*\*|__)?(?:{})[ \t]?\d{{0,3}}(?:\*\*|__)?[:\uff1a.](?:\*\*|__)?[ \t]*"
QUESTION_LABEL = re.compile(
    LABEL.format(
        "Q|Questions?|F|Fragen?|Spørgsmål|Spm|Fråga|P|Pregunta|Pergunta|D|Domanda|V|Vraag|Pytanie|问|問|質問|질문"
    ),
    re.IGNORECASE,
)
ANSWER_LABEL = re.compile(
    LABEL.format("A|Answer|Antwort|S|Svar|R|Réponse|Respuesta|Resposta|Risposta|Antwoord|O|Odpowiedź|答|回答|답변|답"),
    re.IGNORECASE,
)
BOLD = re.compile(r"(?:\*\*|__)[^\n]*[?？؟][^\n\w]*(?:\*\*|__)[ \t]*$")
"""A bold line that ends with a question mark."""
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+[^\n]*$", re.MULTILINE)
CELL = re.compile(r"(?:\\.|[^|\\])+")
QUESTION_MARKS = ("?", "？", "؟")
CLOSING_TAGS = re.compile(rf"\s*(?:{TAG}\s*)+\Z", re.IGNORECASE)
BLANK_LINE = re.compile(r"\n\s*\n")
NUMBER = re.compile(r"(?:\d+[.)]?)?")
CLEAR_QUESTION_LABEL = re.compile(r"\W*(?:Q|\w{3,}|[^\W\dA-Za-z])", re.IGNORECASE)
"""A label that marks a question even without a question mark; `F:` alone can mean something else."""
MAX_BRIEF_ANSWER = 12
"""The most characters of an answer of one word."""
MAX_QUESTION = 300
"""The most characters of a question."""


@dataclass(frozen=True)
class Unit:
    """A sentence, list item or table row: text[start:end] of a passage.

    `reading` is its plain text; a table row has its column names, and an answer begins with its `question`.
    `question_start` is the offset of the question if it directly precedes the answer.
    """

    start: int
    end: int
    reading: str
    question: str = ""
    question_start: int | None = None


def starts_question_or_answer(line: str) -> bool:
    """Whether a line begins a question or an answer, so that the paragraph before it ends."""
    label = (QUESTION_LABEL.match(line) or ANSWER_LABEL.match(line)) if ":" in line or "\uff1a" in line else None
    return (
        bool(label and "." not in label.group())
        or is_complete_question(line)
        or ("<" in line and bool(SUMMARY.match(line)))
    )


def is_complete_question(line: str) -> bool:
    """Whether a line is a question whose answer is on the next line."""
    marked = "**" in line or "__" in line
    return (marked and bool(BOLD.fullmatch(line.strip()))) or ("<" in line and bool(SUMMARY.fullmatch(line.rstrip())))


def is_only_question(text: str) -> bool:
    """Whether a paragraph or line is only a question, which belongs with the text after it."""
    bare = text.strip()
    is_one_paragraph = "\n" not in bare or bool(QUESTION_LABEL.match(bare) or MARKUP.match(bare))
    return (
        is_one_paragraph
        and len(bare) <= MAX_QUESTION
        and (_ends_as_question(_question_text(bare)) or bool(SUMMARY.fullmatch(bare)))
    )


def pair_questions(text: str, units: Iterable[Unit]) -> list[Unit]:
    """The units of a text; a question is merged with its answer."""
    pairing = _QuestionPairing(text)
    for unit in units:
        pairing.add(unit)
    pairing.flush()
    return pairing.units


class _QuestionPairing:
    """Reads the units of a text one by one and remembers the open question.

    `question_units` are the units of the question, none for a heading. `question_start` is its offset until the first
    answer.
    """

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.units: list[Unit] = []
        self.question_units: list[Unit] = []
        self.question, self.is_brief_answer = "", False
        self.question_start: int | None = None

    def add(self, unit: Unit) -> None:
        gap = self.text[self.position : unit.start]
        item = ITEM.fullmatch(gap.rpartition("\n")[2]) is not None
        self._read_headings(gap)
        if self.text.startswith("|", unit.start):
            self._add_row(unit)
        elif self.is_brief_answer and not item and not BLANK_LINE.search(gap):
            self._extend_answer(unit)
        else:
            self._add_text(unit, item, starts_line=item or "\n" in gap or not self.position)
        self.position = unit.end

    def flush(self) -> None:
        """Add a question without an answer as units of its own."""
        self.units += self.question_units
        self._reset()

    def _reset(self) -> None:
        self.question_units, self.question, self.question_start, self.is_brief_answer = [], "", None, False

    def _read_headings(self, gap: str) -> None:
        for match in HEADING.finditer(gap):
            self.flush()
            heading = plain(match.group().strip().strip("#"))
            if _ends_as_question(heading):
                self.question, self.question_start = heading, self.position + match.start()

    def _add_row(self, unit: Unit) -> None:
        self._reset()
        self.units.append(_answer_in_row(self.text, unit))

    def _add_text(self, unit: Unit, item: bool, *, starts_line: bool) -> None:
        summary = SUMMARY.match(self.text, unit.start, unit.end)
        if summary or (starts_line and _is_question(self.text, unit)):
            self.flush()
            self._add_question(unit, summary.end() if summary else unit.end)
        elif (
            self.question_units
            and not starts_line
            and not _ends_as_question(self.question)
            and not self._answer_label(unit)
        ):
            self._add_question(unit, unit.end)
        elif self.question and (self.question_start is not None or item):
            self._add_answer(unit, item)
        else:
            self.flush()
            self.units.append(unit)

    def _add_question(self, unit: Unit, end: int) -> None:
        """Begin or extend a question; text after a summary is its answer."""
        self.question_units.append(unit)
        self.question_start = self.question_units[0].start
        self.question = _question_text(self.text[self.question_start : end])
        if end < unit.end:
            self._add_answer(replace(unit, start=end), item=False)

    def _answer_label(self, unit: Unit) -> re.Match[str] | None:
        return ANSWER_LABEL.match(self.text, unit.start, unit.end)

    def _add_answer(self, unit: Unit, item: bool) -> None:
        label, closing = self._answer_label(unit), CLOSING_TAGS.search(self.text, unit.start, unit.end)
        start, end = label.end() if label else unit.start, closing.start() if closing else unit.end
        answer = plain(self.text[start:end])
        self.units.append(Unit(start, end, f"{self.question} {answer}", self.question, self.question_start))
        self.question_units, self.question_start = [], None
        self.is_brief_answer = not item and " " not in answer and len(answer) <= MAX_BRIEF_ANSWER
        self.question = self.question if item else ""

    def _extend_answer(self, unit: Unit) -> None:
        """Add the next sentence to an answer of one word such as `No.`"""
        answer = self.units[-1]
        self.units[-1] = replace(answer, end=unit.end, reading=f"{answer.reading} {unit.reading}")
        self.is_brief_answer = False


def _question_text(text: str) -> str:
    """A question without label, tags and emphasis."""
    label = QUESTION_LABEL.match(text)
    return plain(TAGS.sub("", text[label.end() if label else 0 :]))


def _ends_as_question(answer: str) -> bool:
    return answer.endswith(QUESTION_MARKS)


def _is_question(text: str, unit: Unit) -> bool:
    label = QUESTION_LABEL.match(text, unit.start, unit.end)
    return (_ends_as_question(unit.reading) and unit.end - unit.start <= MAX_QUESTION) or bool(
        label and CLEAR_QUESTION_LABEL.match(label.group())
    )


def _answer_in_row(text: str, unit: Unit) -> Unit:
    """The answer of a table row that has a question and its answer; otherwise the row."""
    filled = [match.span() for match in CELL.finditer(text, unit.start, unit.end)]
    filled = [
        (start, end)
        for start, end in (trim(text, *span) for span in filled)
        if NUMBER.fullmatch(text[start:end]) is None
    ]
    if len(filled) != 2:
        return unit
    question, answer = (plain(text[start:end]) for start, end in filled)
    if not answer or not (_ends_as_question(question) or QUESTION_LABEL.match(unit.reading)):
        return unit
    return Unit(*filled[1], f"{question} {answer}", question, filled[0][0])
