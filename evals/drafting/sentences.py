"""Turns sentences into questions for what they say: amounts, dates, who acts, reasons, definitions; pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evals.drafting.clauses import Clause, Names, clause_of, lemma_of
from evals.drafting.proposals import Proposal
from evals.drafting.texts import Row, Said
from graph.text.words import terms

MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
DATE = re.compile(
    rf"\b(?P<word>(?:on|in|since|from|until|by|at|every) )?(?:the )?(?:(?:{DAY})s?(?: at \d\d?:\d\d)?"
    rf"|\d{{1,2}} (?:{MONTH})(?: \d{{4}})?"
    rf"|(?:{MONTH}) (?:\d{{1,2}}, )?\d{{4}}|\d{{4}}-\d\d-\d\d|\d\d?:\d\d)(?=[\s,.]|$)"
)
NUMBER = r"\d+(?:[.,]\d+)*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty"
AMOUNT = re.compile(
    r"\b(?P<word>(?:(?:within|after|for|by|in|of|to|at|with|as|than|from) )?"
    r"(?:(?:at most|at least|up to|every|about|no more than|more than|less than|under|over|above|below) )?)"
    rf"(?:(?P<money>EUR|USD|GBP|SGD|CHF|[$€£]) ?(?:{NUMBER})"
    rf"|(?P<number>{NUMBER})(?P<joint> ?|-)(?P<unit>(?:working |business |calendar |operating )?(?:%|°C|[a-zA-Z]+)))"
    r"(?P<after>(?: (?:a|per|each|every) [a-z]+| long| in a row)?(?: of (?:[\w-]+ ?){1,4}?(?=,|$| (?:and|in|with"
    r"|at|by|when|for)\b)"
    r"| (?:before|after|from) [^,;]+)?)(?![\w.])",
)
LEANS = re.compile(
    r"\b(?:last|next|first|previous|the|a|an|its|their|level|model|step|number|version|form|week|page|phase"
    r"|chapter|section"
    r"|and|or|between|class|type|issue|than|another|if|when|that|where|until|unless|who|which|every|not|only if)$"
)
INSIDE = re.compile(r"\b(?:if|when|that|where|until|unless|who|which|while)\b")
"""What an amount may not stand behind: it is then no part of what the sentence says first."""
MEASURES = frozenset("bar v a kw w kg g nm mm cm m km °c k l litres mb gb tb ms".split())
UNITS = re.compile(
    r"(?:working |business |calendar |operating )?(?:second|minute|hour|day|week|month|year|percent|%|°C|bar|V|A"
    r"|kW|W|kg|g"
    r"|Nm|mm|cm|m|km|K|litres?|MB|GB|TB|metres?|degrees|characters|tokens|people|persons|pieces|times|questions"
    r"|samples|steps"
    r"|files|levels|pages|users|items|bytes|requests|retries|epochs|rows|columns|words|sentences|documents|models|cores"
    r"|gigabytes|megabytes|types|kinds|classes|ways|approaches|components|categories|stages|phases|parts|units)s?"
)
ROLE = re.compile(
    r"(?:The|A|An|Our|Only the|Every) (?:[\w-]+ ){0,4}?(?:\w*(?:manager|head|officer|team|office|department|desk"
    r"|partner"
    r"|owner|board|engineer|contractor|installer|technician|operator|wholesaler|supplier|buyer|lead|leader|committee"
    r"|administrator|director|counsel|council|group|colleague|employee|developer|maintainers?|auditor))"
    r"(?: (?:of|for) (?:the )?[\w ]{3,30})?"
)
AGENT = re.compile(
    r"\bby (the (?:[\w-]+ ){0,4}?[\w-]+(?: of (?:the )?[A-Z]\w+)?)$|\bby (the [\w-]+(?: [\w-]+)?)(?=,| at| on"
    r"| within| before)"
)
DONE = re.compile(
    r"^(?:\w+ly |also |only |be |been )*(?:\w+ed|sent|kept|set|made|given|paid|held|taken|written|told|led|run"
    r"|done|shown|chosen"
    r"|read|built|put|sold|bought|met|found|brought)\b"
)
BECAUSE = re.compile(r",? because (?P<reason>[^;]{12,160})\.?$")
DEFINES = re.compile(r"(?:a|an|the|one of|any) [a-z]")
LENGTHS = 30, 240
SYMBOLS = re.compile(r"[{}<>=_|\\@\[\]#*]|://|\.\.\.|\(\)|--|\s[.,]|\w/\w|::")
CHECK = "reword the question as somebody would ask who does not know the text; check that nothing else answers it"


@dataclass(frozen=True)
class Asked:
    """A question with the short answer to it."""

    kind: str
    question: str
    answer: str


def of_sentence(said: Said, names: Names) -> Iterator[Proposal]:
    """Questions whose answer a sentence is: at most one of each kind."""
    if not is_plain(said.reading):
        return
    for asked in asked_of(said.reading, names):
        if uneven(asked.question):
            continue
        yield Proposal(
            kind=asked.kind,
            question=placed(asked.question, said),
            reference=said.reading,
            alternatives=(asked.answer,) if asked.answer and asked.answer != said.reading else (),
            documents=(said.document.name,),
            quotes=(said.quote,),
            groups=said.document.groups,
            note=f"draft: {CHECK}.",
        )


def is_plain(reading: str) -> bool:
    """Whether a unit is a whole sentence of words, with no code in it."""
    low, high = LENGTHS
    letters = sum(character.isalpha() or character == " " for character in reading)
    ends = reading.endswith(".") and not re.search(r"\b(?:e\.g|i\.e|etc|Ltd|Inc|Pte|vs)\.$", reading)
    return low <= len(reading) <= high and ends and letters > 0.8 * len(reading) and not SYMBOLS.search(reading)


def asked_of(reading: str, names: Names = frozenset()) -> Iterator[Asked]:
    """Every question that a rule makes of a sentence."""
    if found := _who(reading):
        yield found
    if reason := BECAUSE.search(reading):
        clause = clause_of(reading[: reason.start()], names)
        if clause:
            yield Asked("reason", clause.question("Why", clause.rest), f"Because {reason.group('reason').rstrip('.')}.")
    clause = clause_of(reading, names)
    if clause is None:
        return
    made = _when(clause) or _amount(clause) or _by_whom(clause) or _definition(clause)
    if made:
        yield made


def placed(question: str, said: Said) -> str:
    """The question with the document or section it is about, where it names nothing that tells it from others."""
    named = re.search(r"\s(?:[A-Z][\w-]*[a-z0-9]|[A-Z]{2,}|\w*\d\w*)", question)
    if named or len(terms(question)) >= 6:
        return question
    place = topic(said)
    known = set(terms(question))
    if not place or set(terms(place)) <= known:
        return question
    return f"According to “{place}”, {question[0].lower()}{question[1:]}"


def topic(said: Said | Row) -> str:
    """What a unit is about: its document's title, or where that says nothing, its section."""
    last = said.section.rpartition(" > ")[2]
    title = said.document.title if len(terms(said.document.title)) > 1 else ""
    told = re.sub(r"[*`“”\"]|\{[^}]*\}", "", title or last).strip()
    return "" if told[:1].isdigit() else told


def _when(clause: Clause) -> Asked | None:
    found = DATE.search(clause.rest)
    if not found or not (found.group("word") or clause.plain) or LEANS.search(clause.rest[: found.start()].strip()):
        return None
    left = _without(clause.rest, found)
    word = (found.group("word") or "").strip()
    asked = {"until": "Until when", "since": "Since when", "from": "From when", "by": "By when"}.get(word, "When")
    return None if _broken(left) or DATE.search(left) else Asked("date", clause.question(asked, left), _answer(found))


def _amount(clause: Clause) -> Asked | None:
    """How much, how many, how often, or what something is."""
    found = AMOUNT.search(clause.rest)
    if not found or (found.group("unit") and not UNITS.fullmatch(found.group("unit"))):
        return None
    before = clause.rest[: found.start()].strip()
    if found.group("joint") == "-" or LEANS.search(before) or INSIDE.search(before):
        return None
    left = _without(clause.rest, found)
    if _broken(left) or (AMOUNT.search(left) and re.search(r"\b(?:and|or|to)\b", left)):
        return None
    word = found.group("word").strip()
    if clause.plain and found.start() == 0:
        return Asked("number", clause.question("What", f"{found.group('after')} {left}"), _answer(found))
    if re.search(r"\b(?:of|than|with|to|as)$", word) and word not in (
        "up to",
        "no more than",
        "more than",
        "less than",
    ):
        return None
    return Asked("number", clause.question(_how(found, word), left), _answer(found))


def _how(found: re.Match[str], word: str) -> str:
    """The words that ask for an amount."""
    if word == "every":
        return "How often"
    lead = f"{word} how" if word else "how"
    unit = found.group("unit") or ""
    told = f"{lead} much" if found.group("money") else f"{lead} many {'percent' if unit == '%' else unit}"
    if (
        not found.group("money")
        and not unit.endswith("s")
        and unit.lower() not in MEASURES | {"percent", "%", "people"}
    ):
        told += "s"
    told += found.group("after")
    return told[0].upper() + told[1:]


def _by_whom(clause: Clause) -> Asked | None:
    """Who does what is done."""
    found = AGENT.search(clause.rest)
    if not found or clause.verb or not DONE.match(clause.rest):
        return None
    agent = found.group(1) or found.group(2)
    if not ROLE.fullmatch(agent[0].upper() + agent[1:]):
        return None
    left = _without(clause.rest, found)
    return None if _broken(left) else Asked("person", clause.question("By whom", left), agent)


def _who(reading: str) -> Asked | None:
    """Who acts, where a role does: the sentence as it is, with `who` in its place."""
    found = ROLE.match(reading)
    rest = reading[found.end() :].strip() if found else ""
    verb = rest.partition(" ")[0]
    clause = clause_of(reading)
    if (
        not found
        or clause is None
        or not (lemma_of(verb) and verb.endswith("s"))
        or len(rest.split()) < 4
        or _broken(clause.rest)
    ):
        return None
    acts = f"{verb} {clause.rest}"
    role = found.group().removeprefix("Only ")
    return Asked("person", f"Who {acts.rstrip(' .,')}?", role[0].upper() + role[1:])


def _definition(clause: Clause) -> Asked | None:
    """What something is, where a sentence says so."""
    short = len(clause.subject.split()) <= 4 and len(clause.rest.split()) >= 5
    if (
        not short
        or " only " in f" {clause.subject} "
        or clause.helper not in ("is", "are")
        or not DEFINES.match(clause.rest)
    ):
        return None
    return Asked("definition", f"What {clause.helper} {clause.subject}?", "")


def _answer(found: re.Match[str]) -> str:
    """The stretch that answers, without the preposition before it."""
    told = found.groupdict()
    word, text = told.get("word") or "", found.group().removesuffix(told.get("after") or "")
    return text.removeprefix(word).strip() if word.strip() in ("on", "in", "of", "for", "") else text.strip()


def _without(rest: str, found: re.Match[str]) -> str:
    """The rest without what is asked for."""
    return re.sub(r"\s+", " ", f"{rest[: found.start()]} {rest[found.end() :]}").strip(" ,")


def _broken(left: str) -> bool:
    """Whether what is left begins or ends in the middle of something."""
    return bool(
        re.search(
            r"(?:\b(?:of|and|or|to|with|by|than|the|a|an|for|from|at|in|before|after|on)$)|^(?:and|or|of)\b|\(\s|\s\)"
            r"|,\s*,|(?:^|, )[A-Z]\w+(?: [A-Z]\w+)?,",
            left,
        )
    ) or uneven(left)


def uneven(text: str) -> bool:
    """Whether brackets or quotes are open."""
    return text.count("(") != text.count(")") or text.count("“") != text.count("”") or text.count('"') % 2 == 1
