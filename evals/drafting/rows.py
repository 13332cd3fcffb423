"""Turns rows of tables and lists into questions; pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.drafting.clauses import Names, clause_of, lemma_of, lowered
from evals.drafting.proposals import Proposal
from evals.drafting.sentences import AMOUNT, asked_of, placed, topic, uneven
from evals.drafting.texts import Listed, Row, Said
from graph.text.sentences import plain

Table = list[Row]
ASKS = re.compile(r"^(?:who|when|where) \w", re.IGNORECASE)
UNIT_OF_NAME = re.compile(r" (eur|usd|gbp|percent|days|hours|minutes|months|years|kg|mm|kw|mb|gb)$", re.IGNORECASE)
EMPTY = frozenset(
    ("", "0", "-", "–", "none", "n/a", "no", "yes", "all", "any", "x", "✓", "✔", "✗", "*", "true", "false")
)
UNASKED = re.compile(
    r"(?i)^(?:notes?|remarks?|comments?|how|why|what|which|see|links?|examples?|use when.*|when to use"
    r"|used? for)$|[ _](?:until|from|at|by|to|for|in|on|when|with)$"
)
"""Columns that no question can be made of."""
LONGEST_KEY, LONGEST_CELL = 60, 120
FOLLOWING = re.compile(
    r"^(?P<lead>.*\b)?(?P<the>[Tt]he following) (?P<what>[\w -]{3,40}?)(?P<rest> (?:are|is|can|may|must"
    r"|were) .{3,80})?$"
)
LEADS = frozenset("include contain support require need cover offer provide accept use return".split())


@dataclass(frozen=True)
class Cell:
    """What a row says under one of its columns."""

    row: Row
    key: str
    column: str
    value: str

    @property
    def question(self) -> str:
        """What a column says of a row."""
        column = spoken(self.column)
        if ASKS.match(self.column):
            return self._placed(f"{column[0].upper()}{column[1:]}: {named(self.key)}?")
        given = UNIT_OF_NAME.search(column)
        unit = given.group(1) if given else ""
        unit = unit.upper() if unit in ("eur", "usd", "gbp") else unit
        name = f"{UNIT_OF_NAME.sub('', column)} in {unit}" if unit else column
        many = column.endswith("s") and not column.endswith(("ss", "us", "is"))
        return self._placed(f"What {'are' if many else 'is'} the {name} for {named(self.key)}?")

    def _placed(self, question: str) -> str:
        """The question with its document, where the key is no name or number that tells by itself what it is."""
        place = topic(self.row)
        telling = re.search(r"\d|\w[A-Z]|[A-Z]\w+ [A-Z]|_", self.key) or re.match(r"[A-Z][a-z]+$", self.key)
        return question if telling or not place else f"According to “{place}”, {question[0].lower()}{question[1:]}"


def tables_of(rows: Sequence[Row]) -> list[Table]:
    """Rows by table: those of one document under the same columns."""
    found: dict[tuple[str, tuple[str, ...]], Table] = defaultdict(list)
    for row in rows:
        found[row.document.name, row.names].append(row)
    return [table for table in found.values() if len(table) > 1]


def cells_of(table: Table) -> Iterator[Cell]:
    """The cells that tell their row from others: neither empty nor what most rows say, under a key of its own."""
    keys = keys_of(table)
    for place, name in enumerate(table[0].names):
        counted = Counter(row.cells[place] for row in table)
        for row, key in zip(table, keys, strict=True):
            value = row.cells[place]
            common = counted[value] > max(1, len(table) // 3)
            within = key in value or value in key or not _is_noun(name)
            if not (value.lower() in EMPTY or common or within or len(value) > LONGEST_CELL or not key or not name):
                yield Cell(row, key, name, value)


def _is_noun(column: str) -> bool:
    """Whether `what is the ...` can be asked of a column."""
    verb = re.fullmatch(r"[A-Za-z]+(?:ed|es|s)", column) and lemma_of(column.lower()) not in ("", column.lower())
    return not (UNASKED.search(column) or verb or re.fullmatch(r"[A-Za-z]+ed", column))


def keys_of(table: Table) -> list[str]:
    """What a person would call each row: its first cell, with the second where the first is a code; empty if unfit."""
    firsts, seconds = [row.cells[0] for row in table], [row.cells[1] for row in table]
    coded = all(re.fullmatch(r"[\w./-]*\d[\w./-]*", first) for first in firsts)
    tell = coded and len(set(seconds)) == len(seconds) and all(re.search(r"[a-z]{3}", each) for each in seconds)
    told = [f"{two} ({one})" for one, two in zip(firsts, seconds, strict=True)] if tell else firsts
    if coded and not tell:
        told = [f"{spoken(table[0].names[0])} {first}" for first in firsts]
    counted = Counter(told)
    return [
        key
        if counted[key] == 1 and 0 < len(key) <= LONGEST_KEY and not (key.isdigit() or re.search(r'["{}<>=]', key))
        else ""
        for key in told
    ]


def of_cell(cell: Cell) -> Proposal:
    """The question for a cell."""
    return Proposal(
        kind="table",
        question=cell.question,
        reference=f"{cell.key}: {spoken(cell.column)} {cell.value.rstrip('.')}.",
        alternatives=(cell.value,),
        documents=(cell.row.document.name,),
        quotes=(cell.row.quote,),
        groups=cell.row.document.groups,
        note="draft: ask as somebody would who has not seen the table, without the names of its columns.",
    )


def of_list(listed: Listed, names: Names) -> Iterator[Proposal]:
    """The question for a whole list, where its lead-in says what it lists."""
    question = _lead_asked(plain(listed.lead), names)
    if question and all(is_worded(plain(item)) for item in listed.items):
        yield Proposal(
            kind="list",
            question=question,
            reference="; ".join(plain(item).rstrip(".;,") for item in listed.items) + ".",
            documents=(listed.document.name,),
            quotes=listed.items,
            groups=listed.document.groups,
            note="draft: check that the list is whole, and say of what it is one.",
        )


def spoken(column: str) -> str:
    """A column's name as words, those small that are not written in capitals."""
    words = column.replace("_", " ").strip(" :*`").split()
    return " ".join(word.lower() if word[1:].islower() or len(word) == 1 else word for word in words)


def _lead_asked(lead: str, names: Names) -> str:
    found = FOLLOWING.match(lead)
    if found and not found.group("lead") and found.group("rest"):
        return f"Which {found.group('what')}{found.group('rest')}?"
    clause = clause_of(
        re.sub(r"\bthe following\b( \w+)?|\bthese( \w+)?\b|\bseveral \w+", "", lead).strip() + " -", names
    )
    if clause is None or clause.verb not in LEADS:
        return ""
    left = clause.rest.strip(" -")
    whole = not left or re.match(r"(?:for|in|with|on|by|when|to)\b", left)
    return clause.question("What", left) if whole and "only" not in clause.subject.split() else ""


def is_worded(text: str) -> bool:
    """Whether a text is words and no code."""
    return sum(each.isalpha() or each == " " for each in text) > 0.85 * len(text) and not re.search(r"[{}=<>|]", text)


def of_label(said: Said, names: Names) -> Iterator[Proposal]:
    """`Label: what it means` as a question for what is said of the label."""
    label, _, meaning = said.reading.partition(": ")
    question = _label_asked(said, label, meaning, names) if _is_label(label) and _is_meaning(meaning) else ""
    if question and not uneven(question):
        yield Proposal(
            kind="item",
            question=question if "“" in question else placed(question, said),
            reference=said.reading,
            documents=(said.document.name,),
            quotes=(said.quote,),
            groups=said.document.groups,
            note="draft: ask as somebody would who does not know how the text calls it.",
        )


def named(key: str) -> str:
    """A row's key as it is spoken of: in quotes where it is no name."""
    words, code = key.split(), re.fullmatch(r"[a-z ]+ \S*\d\S*", key)
    return (
        f"“{key}”"
        if not code and len(words) > 1 and any(word.islower() for word in words[1:]) and "(" not in key
        else key
    )


def _is_meaning(meaning: str) -> bool:
    return meaning.endswith(".") and not re.search(r"[|{}=<>]|\s\.|: ", meaning)


def _is_label(label: str) -> bool:
    words = label.split()
    plain_words = not re.search(r"[{}<>=|\\@#*,;/\[\]]|://|\d\.", label)
    shape = 1 <= len(words) <= 4 and label[:1].isupper() and not (label.isupper() and len(label) > 5)
    return plain_words and shape and words[0] not in NO_LABEL and words[-1] not in NO_END


def _label_asked(said: Said, label: str, meaning: str, names: Names) -> str:
    place = f" in “{topic(said)}”" if topic(said) else ""
    small = lowered(label, names)
    for asked in asked_of(meaning[0].upper() + meaning[1:], names):
        return f"For {small}, {asked.question[0].lower()}{asked.question[1:]}"
    if lemma_of(label.split()[0].lower()) == label.split()[0].lower():
        return ""
    if AMOUNT.match(meaning):
        many = small.endswith("s") and not small.endswith(("ss", "us", "is"))
        return f"What {'are' if many else 'is'} the {small}?"
    return f"What is meant by “{label}”{place}?" if 5 <= len(meaning.split()) <= 40 else ""


NO_LABEL = frozenset(
    """Note The Why How What When Example Examples Tip Warning Important Output Input Returns See Default Type
    Parameters Step Owner Contact
    Approved Document Valid Version Author Date Source Link Usage Description Fix
    Migration Solution Cause Result Purpose Goal Benefits Summary Problem Question Answer Capture Symptom
    Pattern Changed Added Fixed
    Requirements Recommended Optional Required Requires Supported Added New""".split()
)
NO_END = frozenset("include includes are is support supports contain contains of for with to".split())
