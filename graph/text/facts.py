"""What of a sentence must not change beside its quantities: its names, what it denies, its opposites; pure."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from .words import EMPTY_WORDS, SAME, terms, without_points

TOKEN = re.compile(r"\w[\w’'&-]*")
WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
OPENS = frozenset('.:;!?“"')
"""Signs after which a capital only begins a sentence."""
DENIALS = frozenset(
    """not no never none nor neither without cannot nobody nothing nowhere hardly except unless lack
    lacks lacked unable unlike denied denies false untrue""".split()
)
FORBIDS = frozenset("prohibited forbidden banned excluded exempt impossible nobody".split())
"""Words that deny what stands before them as much as what follows."""
BE = frozenset("is are was were be been".split())
OTHER_DENIALS = {
    "de": """nicht nichts nie niemals niemand nirgends kein keine keinen keinem keiner keines ohne weder unmöglich
        verboten untersagt ausgeschlossen""",
    "fr": "ne n' pas jamais aucun aucune sans ni nul nulle interdit interdite exclu exclue impossible",
    "es": "no nunca jamás nadie nada ningún ninguno ninguna sin ni tampoco prohibido prohibida excluido imposible",
    "it": "non mai nessun nessuno nessuna senza né nulla niente vietato vietata escluso esclusa impossibile",
    "nl": "niet niets nooit niemand geen zonder noch nergens verboden uitgesloten onmogelijk",
}
"""Where a denial stands before or behind what it denies, it reaches its whole clause."""
APOSTROPHES = "'\u2019`\u00b4"
DENIED = re.compile(rf"n[{APOSTROPHES}]t$|^non-")
AFFIRMS = re.compile(r"\bnot only\b(?=.*\b(?:but|also)\b)|\bno\. ?(?=\d)", re.IGNORECASE)
"""What has the form of a denial and is none."""
CLAUSE_ENDS = re.compile(
    r"[,;:.!?()—–]+(?=\s|$)|\b(?:but|however|although|because|which|who|when|if|while)\b", re.IGNORECASE
)
REACH = 6
"""Content words that a denial reaches, as in NegEx (Chapman and others, 2001), whose window is of five."""
OPPOSITES = {
    frozenset(pair.split("/"))
    for pair in """increas/decreas rais/lower rais/reduc rise/fall rose/fell more/less more/fewer most/least
    highest/lowest high/low higher/lower maximum/minimum max/min before/after earlier/later first/last
    above/below over/under allow/prohibit allow/forbid permit/prohibit accept/reject approv/reject includ/exclud
    with/without always/never start/end begin/end open/close enabl/disabl win/lose won/lost buy/sell bought/sold
    north/south east/west northern/southern eastern/western left/right true/false inside/outside internal/extern
    largest/smallest larger/smaller oldest/youngest oldest/newest older/newer older/younger longest/shortest
    longer/shorter paid/unpaid mandatori/option requir/option import/export male/femal men/women hot/cold
    warm/cold day/night daily/weekly weekly/monthly monthly/annual daily/monthly weekly/annual must/may on/off
    success/failur gain/loss support/oppos agre/disagre love/hate better/wors best/worst full/empti
    public/privat summer/winter same/differ indirect/direct unable/able defeat/victori wealthi/poor rich/poor
    safe/danger strong/weak stronger/weaker easi/difficult easi/hard soft/hard ancient/modern earli/late
    early/late upper/lower attack/defend creat/destroy caus/prevent legal/illeg common/rare posit/negat
    simpl/complex major/minor majority/minority singl/multipl big/small large/small fast/slow faster/slower
    thick/thin wide/narrow deep/shallow heavi/light heavier/lighter dry/wet aliv/dead alli/enemi teacher/student
    husband/wife father/mother son/daughter brother/sister arriv/leav join/leav enter/exit give/take push/pull
    success/fail gain/lose grow/shrink expand/contract appear/disappear visibl/invisibl known/unknown
    popular/unpopular similar/differ tall/short long/short young/old near/far front/back domest/foreign
    rural/urban formal/inform offici/unoffici volunt/mandatori temporari/perman plus/minus add/remov
    add/subtract multipli/divid question/answer front/rear top/bottom upstream/downstream vertic/horizont
    clockwis/counterclockwis credit/debit asset/liabil import/unimport consist/inconsist correct/incorrect
    complet/incomplet accept/refus grant/deni agre/refus hire/dismiss hire/fire appoint/remov arrest/releas
    guilti/innoc winner/loser victori/loss north/east south/west northeast/southwest northwest/southeast""".split()
}
"""Stems that say the opposite; each word is also looked up as it stands."""


@lru_cache(maxsize=4096)
def names(text: str) -> frozenset[str]:
    """Words that are written with a capital, in lower case; the first word counts only when its shape tells a name.

    A name that is written like an empty word (WHO, US, May) stays as it is written.
    """
    text = without_points(text)
    found: set[str] = set()
    for match in TOKEN.finditer(text):
        word = _name(match.group())
        before = text[: match.start()].rstrip()[-1:]
        opens = not before or before in OPENS
        if word and (not opens or not word[1:].islower()):
            found |= _as_looked_up(word)
    return frozenset(found)


@lru_cache(maxsize=4096)
def full_names(text: str) -> tuple[frozenset[str], ...]:
    """The names of a text, words in capitals that stand side by side as one name."""
    single, found, last = names(text), list[set[str]](), -2
    for match in TOKEN.finditer(text):
        word = _as_looked_up(name) & single if (name := _name(match.group())) else set()
        if word and match.start() - last <= 1 and found:
            found[-1] |= word
        elif word:
            found.append(set(word))
        last = match.end() if word else -2
    return tuple(map(frozenset, found))


def _name(word: str) -> str:
    """The part of a word that is a name: up to a common word behind a hyphen, without a closing sign; or empty."""
    parts = word.translate(SAME).removesuffix("'s").strip("'&-").split("-")
    while len(parts) > 1 and parts[-1].islower():
        parts.pop()
    name = "-".join(parts)
    coded = name[:1].isalpha() and any(map(str.isdigit, name)) and any(map(str.isupper, name))
    return name if name[:1].isupper() or coded else ""


def _as_looked_up(word: str) -> set[str]:
    if word.lower() not in EMPTY_WORDS:
        return {word.lower()}
    return {word} if word == "May" or (word.isupper() and len(word) > 1) else set()


@lru_cache(maxsize=4096)
def plain_words(text: str) -> frozenset[str]:
    """Every word of a text in lower case, its stems and its names: what names and opposites are looked up in."""
    text = without_points(text)
    cut = (word.translate(SAME).removesuffix("'s").strip("'") for word in re.findall(r"[\w’'&-]+", text))
    words = [part for word in cut for part in (word, *(word.split("-") if "-" in word else ()))]
    return frozenset(word.lower() for word in words) | set(terms(text)) | names(text)


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Every word and number of a text in order, in lower case."""
    return tuple(word.lower().translate(SAME) for word in WORDS.findall(text))


@lru_cache(maxsize=4096)
def denials(text: str, language: str = "en") -> int:
    """How many words deny."""
    if language in OTHER_DENIALS:
        return sum(word in _denying(language) for word in _elided(text))
    return sum(map(_denies, _tokens(text))) + sum(word in FORBIDS and not _denies(word) for word in _tokens(text))


@lru_cache(maxsize=4096)
def denied(text: str, language: str = "en") -> frozenset[str]:
    """The terms that a denial of the text reaches: some after it in its clause, and before a word that forbids."""
    return frozenset[str]().union(*denied_clauses(text, language))


@lru_cache(maxsize=4096)
def denied_clauses(text: str, language: str = "en") -> tuple[frozenset[str], ...]:
    """The terms that each denial of the text reaches."""
    found = []
    for clause in CLAUSE_ENDS.split(AFFIRMS.sub("", text)):
        if language in OTHER_DENIALS:
            reached = set(terms(clause)) - _denying(language) if denials(clause, language) else set()
        else:
            reached = _reached(clause)
        if reached:
            found.append(frozenset(reached))
    return tuple(found)


def _reached(clause: str) -> set[str]:
    """In English: what follows the denial, and what stands before a word that forbids or before `is not`."""
    words, found = _tokens(clause), set[str]()
    for place, word in enumerate(words):
        if word in FORBIDS or (word == "not" and place and words[place - 1] in BE):
            found.update(terms(clause))
        elif _denies(word):
            after = [word.removeprefix("non-") if "-" in word else "", *words[place + 1 :]]
            found.update(terms(" ".join(after))[:REACH])
    return found


@cache
def _denying(language: str) -> frozenset[str]:
    return frozenset(OTHER_DENIALS[language].split())


def _elided(text: str) -> list[str]:
    """The words of a text in lower case, `n'ont` as two."""
    return [word for word in re.findall(r"[^\W\d_]+'?", text.lower().translate(SAME))]


def _denies(word: str) -> bool:
    return word in DENIALS or bool(DENIED.search(word))


def _tokens(text: str) -> list[str]:
    return [word.lower() for word in re.findall(rf"[^\W\d_]+(?:[{APOSTROPHES}-][^\W\d_]+)*", AFFIRMS.sub("", text))]


@cache
def _opposites() -> dict[str, frozenset[str]]:
    """What each word's opposites are."""
    found: dict[str, set[str]] = {}
    for pair in OPPOSITES:
        for word in pair:
            found.setdefault(word, set()).update(pair - {word})
    return {word: frozenset(others) for word, others in found.items()}


def opposed(claim: Iterable[str], found: Iterable[str]) -> int:
    """How many words of the claim have their opposite in what was found, which lacks the word itself."""
    known, there = _opposites(), found if isinstance(found, frozenset | set) else set(found)
    return sum(1 for word in set(claim) if word in known and word not in there and known[word] & there)
