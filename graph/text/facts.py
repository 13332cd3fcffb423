"""What of a sentence must not change beside its quantities: its names, what it denies, its opposites; pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

from .quantities import with_dates
from .words import EMPTY_WORDS, SAME, terms, without_points

TOKEN = re.compile(r"\w[\w’'&-]*")
WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")
OPENS = frozenset('.:;!?“"')
"""Signs after which a capital only begins a sentence."""
DENIALS = frozenset(
    """not no never none nor neither without cannot nobody nothing nowhere hardly except unless fail fails failed lack
    lacks lacked unable unlike denied denies false untrue""".split()
)
FORBIDS = frozenset("prohibited forbidden banned excluded exempt impossible".split())
"""Words that deny what stands before them as much as what follows."""
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
    text = without_points(with_dates(text))
    words = (word.translate(SAME).removesuffix("'s").strip("'") for word in re.findall(r"[\w’'&-]+", text))
    return frozenset(word.lower() for word in words) | set(terms(text)) | names(text)


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Every word and number of a text in order, in lower case."""
    return tuple(word.lower().translate(SAME) for word in WORDS.findall(text))


@lru_cache(maxsize=4096)
def denials(text: str) -> int:
    """How many words deny."""
    return sum(map(_denies, _tokens(text))) + sum(word in FORBIDS for word in _tokens(text))


@lru_cache(maxsize=4096)
def denied(text: str) -> frozenset[str]:
    """The terms that a denial of the text reaches: some after it in its clause, and before a word that forbids."""
    found: set[str] = set()
    for clause in CLAUSE_ENDS.split(AFFIRMS.sub("", text)):
        words = _tokens(clause)
        for place, word in enumerate(words):
            if word in FORBIDS:
                found.update(terms(clause))
            elif _denies(word):
                found.update(
                    terms(" ".join([word.removeprefix("non-") if "-" in word else "", *words[place + 1 :]]))[:REACH]
                )
    return frozenset(found)


def _denies(word: str) -> bool:
    return word in DENIALS or bool(DENIED.search(word))


def _tokens(text: str) -> list[str]:
    return [word.lower() for word in re.findall(rf"[^\W\d_]+(?:[{APOSTROPHES}-][^\W\d_]+)*", AFFIRMS.sub("", text))]


def opposed(claim: Iterable[str], found: Iterable[str]) -> int:
    """How many words of the claim have their opposite in what was found, which lacks the word itself."""
    claim, found = set(claim), set(found)
    return sum(
        1 for pair in OPPOSITES for word in pair if word in claim and word not in found and pair - {word} <= found
    )
