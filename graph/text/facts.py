"""The names, negations and antonyms of a sentence; pure."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import pairwise

from .abbreviations import DETERMINERS
from .words import EMPTY_WORDS, SAME, terms, without_points

TOKEN = re.compile(r"\w[\w’'&-]*")
SENTENCE_STARTS = frozenset('.:;!?“"')
"""Signs after which a capital letter begins a sentence and does not mark a name."""
GERMAN_DETERMINER = re.compile(
    rf"\b(?:{'|'.join(DETERMINERS)}|(?!(?:über|unter|hinter|neben|gegen)\b)[a-zäöüß]{{3,}}(?:e|en|er|es|em))$",
    re.IGNORECASE,
)
"""What precedes a German noun, and no name: an article, or what ends like an adjective."""
NEGATIONS = frozenset(
    """not no never none nor neither without cannot nobody nothing nowhere hardly except unless lack
    lacks lacked unable unlike denied denies false untrue""".split()
)
PROHIBITIONS = frozenset("prohibited forbidden banned excluded exempt impossible nobody".split())
"""Words that negate the text before them as well as after them."""
BE = frozenset("is are was were be been".split())
OTHER_NEGATIONS = {
    "de": """nein nicht nichts nie niemals niemand nirgends kein keine keinen keinem keiner keines ohne weder unmöglich
        verboten untersagt ausgeschlossen""",
    "fr": "non ne n' pas jamais aucun aucune sans ni nul nulle interdit interdite exclu exclue impossible",
    "es": "no nunca jamás nadie nada ningún ninguno ninguna sin ni tampoco prohibido prohibida excluido imposible",
    "it": "non mai nessun nessuno nessuna senza né nulla niente vietato vietata escluso esclusa impossibile",
    "nl": "nee niet niets nooit niemand geen zonder noch nergens verboden uitgesloten onmogelijk",
}
"""Languages in which a negation can follow what it negates, so that it applies to the whole clause."""
APOSTROPHES = "'\u2019`\u00b4"
CONTRACTED_NOT = tuple(f"n{apostrophe}t" for apostrophe in APOSTROPHES)
NOT_A_NEGATION = re.compile(
    r"\bnot only\b(?=.*\b(?:but|also)\b)|\bno\. ?(?=\d)|\b(?:not|n['’]t) (?=exceed)"
    r"|\b(?:no|not) (?:be )?(?=(?:more|less|[a-z]+er) than (?:\D{1,5})?"
    r"(?:\d|one|two|three|four|five|six|seven|eight|nine|ten|twelve))"
    r"|\bnicht (?=\w+er als \d|(?:mehr|weniger) als\b)|\b(?:ne|pas) (?=(?:plus|moins) de\b)|\bno (?=(?:más|menos) de\b)"
    r"|\bnon (?=(?:più|meno) di\b)|\bniet (?=(?:meer|minder|\w+er) dan\b)",
    re.IGNORECASE,
)
"""What looks like a negation and is none: `not only`, or the beginning of a bound such as `no more than`."""
CLAUSE_ENDS = re.compile(
    r"[,;:.!?()—–]+(?=\s|$)|\b(?:but|however|although|because|which|who|when|if|while)\b", re.IGNORECASE
)
NEGATION_SCOPE = 6
"""Content words that a negation applies to, as in NegEx (Chapman et al., 2001), which uses five."""
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
    mayor/menor mayores/menores antes/después más/menos prima/dopo sopra/sotto più/meno maggiore/minore avant/après
    plus/moins über/unter vor/nach vor/während mehr/weniger mindestens/höchstens boven/onder voor/na meer/minder
    minstens/hoogstens ouvert/fermé abierto/cerrado aperto/chiuso geöffnet/geschlossen open/gesloten
    öffnet/schließt öffnen/schließen beginnt/endet beginnen/enden ouvre/ferme ouvrent/ferment commence/finit
    commence/termine abre/cierra abren/cierran empieza/termina comienza/termina apre/chiude aprono/chiudono
    inizia/finisce opent/sluit openen/sluiten begint/eindigt
    complet/incomplet accept/refus grant/deni agre/refus hire/dismiss hire/fire appoint/remov arrest/releas
    guilti/innoc winner/loser victori/loss north/east south/west northeast/southwest northwest/southeast""".split()
}
"""Stems of antonyms; words are also looked up unstemmed."""


@lru_cache(maxsize=4096)
def names(text: str, language: str = "en") -> frozenset[str]:
    """Capitalised words, in lower case; the first word of a sentence counts only if it looks like a code or acronym.

    A name that looks like a stop word (WHO, US, May) keeps its capitals. A German word after an article or an adjective
    is a noun.
    """
    text = without_points(text)
    found: set[str] = set()
    for match in TOKEN.finditer(text):
        if word := _name(match.group()):
            before = text[: match.start()].rstrip()
            opens = not before or before[-1] in SENTENCE_STARTS
            noun = language == "de" and word[1:].islower() and GERMAN_DETERMINER.search(before)
            if not noun and (not opens or not word[1:].islower()):
                found |= _lookup_forms(word)
    return frozenset(found)


@lru_cache(maxsize=4096)
def full_names(text: str, language: str = "en") -> tuple[frozenset[str], ...]:
    """The names of a text; neighbouring capitalised words are one name."""
    single, found, last = names(text, language), list[set[str]](), -2
    for match in TOKEN.finditer(text):
        word = _lookup_forms(name) & single if (name := _name(match.group())) else set()
        if word and match.start() - last <= 1 and found:
            found[-1] |= word
        elif word:
            found.append(set(word))
        last = match.end() if word else -2
    return tuple(map(frozenset, found))


def _name(word: str) -> str:
    """The part of a word that is a name, without a common word after a hyphen; or an empty string."""
    if word.islower():
        return ""
    parts = word.translate(SAME).removesuffix("'s").strip("'&-").split("-")
    while len(parts) > 1 and parts[-1].islower():
        parts.pop()
    name = "-".join(parts)
    coded = name[:1].isalpha() and any(map(str.isdigit, name)) and any(map(str.isupper, name))
    return name if name[:1].isupper() or coded else ""


def _lookup_forms(word: str) -> set[str]:
    if word.lower() not in EMPTY_WORDS:
        return {word.lower()}
    return {word} if word == "May" or (word.isupper() and len(word) > 1) else set()


@lru_cache(maxsize=4096)
def plain_words(text: str) -> frozenset[str]:
    """Every word of a text in lower case, its stems and its names: the set to look up names and antonyms in."""
    text = without_points(text)
    cut = (word.removesuffix("'s").strip("'") for word in re.findall(r"[\w'&-]+", text.replace("’", "'")))
    words = [part for word in cut for part in (word, *(word.split("-") if "-" in word else ()))]
    return frozenset(word.lower() for word in words) | set(terms(text)) | names(text)


@lru_cache(maxsize=4096)
def count_negations(text: str, language: str = "en") -> int:
    """The number of negations."""
    if language in OTHER_NEGATIONS:
        return sum(word in _negation_words(language) for word in _words_with_elision(text))
    return sum(word in PROHIBITIONS or _is_negation(word) for word in _tokens(text))


@lru_cache(maxsize=4096)
def negated_clauses(text: str, language: str = "en") -> tuple[frozenset[str], ...]:
    """The negated terms of each clause with a negation."""
    found = []
    for clause in CLAUSE_ENDS.split(NOT_A_NEGATION.sub("", text)):
        if language in OTHER_NEGATIONS:
            negated = set(terms(clause)) - _negation_words(language) if count_negations(clause, language) else set()
        else:
            negated = _negated_in_clause(clause)
        if negated:
            found.append(frozenset(negated))
    return tuple(found)


def _negated_in_clause(clause: str) -> set[str]:
    """English: the terms after a negation; the whole clause for a prohibition or `is not`."""
    words, found = _tokens(clause), set[str]()
    for index, word in enumerate(words):
        if word in PROHIBITIONS or (word == "not" and index and words[index - 1] in BE):
            found.update(terms(clause))
        elif _is_negation(word):
            after = [word.removeprefix("non-") if "-" in word else "", *words[index + 1 :]]
            found.update(terms(" ".join(after))[:NEGATION_SCOPE])
    return found


@cache
def _negation_words(language: str) -> frozenset[str]:
    return frozenset(OTHER_NEGATIONS[language].split())


def _words_with_elision(text: str) -> list[str]:
    """The words of a text in lower case; `n'ont` becomes two."""
    return re.findall(r"[^\W\d_]+'?", NOT_A_NEGATION.sub("", text.lower()).translate(SAME))


def _is_negation(word: str) -> bool:
    return word in NEGATIONS or word.endswith(CONTRACTED_NOT) or word.startswith("non-")


def _tokens(text: str) -> list[str]:
    return [
        word.lower() for word in re.findall(rf"[^\W\d_]+(?:[{APOSTROPHES}-][^\W\d_]+)*", NOT_A_NEGATION.sub("", text))
    ]


@cache
def _opposites() -> dict[str, frozenset[str]]:
    """The antonyms of each word."""
    found: dict[str, set[str]] = {}
    for pair in OPPOSITES:
        for word in pair:
            found.setdefault(word, set()).update(pair - {word})
    return {word: frozenset(others) for word, others in found.items()}


def denies_opposite(one: str, other: str, language: str = "en") -> bool:
    """Whether one text denies the opposite of what the other states, and so says the same: `not open` and `closed`."""
    for denied, stated in ((one, other), (other, one)):
        words = _words_with_elision(denied)
        after = " ".join(word for before, word in pairwise(words) if count_negations(before, language))
        if after and not count_negations(stated, language) and count_opposites(plain_words(after), plain_words(stated)):
            return True
    return False


def count_opposites(claim: Iterable[str], found: Iterable[str]) -> int:
    """The number of words of the claim whose antonym, but not the word itself, is among the other words.

    An antonym that the claim has too is about something else: `it leaves at 9 and arrives at 11`.
    """
    known, there, own = _opposites(), set(found), set(claim)
    return sum(1 for word in own if word in known and word not in there and known[word] & (there - own))
