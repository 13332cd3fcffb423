"""Simple or complex: a probability by learned weights over what a question's form shows; pure.

The signs are those by which people call a question complex in Mintaka (Sen et al., 2022) and HotpotQA (Yang et al.,
2018): it compares, ranks, counts, excludes, joins, or describes what it does not name.
"""

import re
from collections.abc import Sequence
from math import log

from ..learned import load
from ..release import Routing
from ..state import Passage, Route
from ..text.words import terms

WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
JOINED = 0.9
"""The least probability of a question that could be split into parts: it asks more than one thing."""
UNKNOWN_GAIN = 0.19
"""The gain where there is nothing to compare: half way between the means of simple and of complex questions."""
ADJECTIVE = (
    "old|young|tall|high|low|long|short|larg|small|big|earli|lat|fast|slow|cheap|heavi|light|wid|deep|strong|great"
    "|clos|near|few"
)
MEASURE = (
    r"(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|percent|miles?|kilomet\w+|met(?:er|re)s?|feet|inch\w*"
    r"|tons?|pounds?|dollars?|euros?|degrees?|characters?|lit(?:er|re)s?|kg|km)\b"
)
ORDINALS = (
    r"first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|latest|previous|next|final"
    r"|\d+(?:st|nd|rd|th)"
)
NO_SUPERLATIVE = (
    r"honest|forest|interest|request|west|guest|test|rest|contest|protest|harvest|invest|suggest|\w+west|manifest"
    r"|tempest|priest|nest|quest|chest|earnest|conquest|modest|arrest|digest|crest|vest|pest|jest|everest|\w+pest"
)
NO_PERSON = (
    "number|power|center|member|order|water|letter|river|moment|content|percent|amount|event|extent|accident|factor"
    "|error|color|manner|paper|matter|chapter|quarter|continent|component|document|environment"
)
THING = "team|band|company|country|city|state|film|movie|book|song|game|series|product|device|department"
PERSON = "wife|husband|mother|father|son|daughter|king|queen|coach|captain|chief|head|man|woman|person"
CLAUSE = r"(?:of|for|behind|that|who|which|in which|where|whose)"
PAST = (
    "known|born|based|located|named|called|founded|created|directed|written|produced|starring|featuring|played|owned"
    "|made|used|set|developed|released|won|published|held|designed|built"
)


def _form(pattern: str, *, cased: bool = False) -> re.Pattern[str]:
    return re.compile(pattern, re.NOFLAG if cased else re.IGNORECASE)


ONCE = {
    "compares": _form(rf"\bthan\b|\bmore\b.*\bor\b|\b(?:{ADJECTIVE})(?:t|g)?er\b|\bbetter\b|\bless\b|\bworse\b"),
    "both": _form(r"\b(?:both|same|either|neither|together|in common|shared?|respectively|between)\b"),
    "alternatives": _form(r"\bor\b"),
    "superlative": _form(rf"(?<!\bat )\b(?:most|least|best|worst|(?!(?:{NO_SUPERLATIVE})\b)[a-z]{{2,}}est)\b"),
    "ordinal": _form(rf"\b(?:{ORDINALS})\b(?! +(?:time|name|century|centuries|street|avenue|grade|amendment))"),
    "counts": _form(rf"\bhow many (?!(?:\w+ )?{MEASURE})|\bnumber of\b"),
    "excludes": _form(r"\b(?:not|never|no|without|except|excluding|other than|besides|nor|neither)\b|n['’]t\b"),
    "joins": _form(r"\b(?:and|but|also|as well as|plus)\b"),
    "joins_predicates": _form(
        r"\b(?:and|but)(?: also| then)? (?:is|are|was|were|did|does|do|has|have|had|can|not|\w+ed|won|wrote|made|sang"
        r"|played|held|came|went|became|took|gave)\b"
    ),
    "selects": _form(r"^\W*(?:(?:in|on|of|at|from|to|for|under) )?which\b"),
}
"""Signs that are there or not."""
COUNTED = {
    "relatives": _form(
        r"(?<=\w)[, ]+(?:who|whom|whose|which|that|where)\b(?! +(?:is|was|are|were|did|do|does) +the\b)"
    ),
    "times": _form(r"(?<=\w)[, ]+(?:when|while|after|before|since|until|during|at the time)\b"),
    "described": _form(rf"(?<=\w)[, ]+(?:{PAST})\b"),
    "verbs": _form(
        r"\b(?:is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|may|must|shall|should)\b"
    ),
    "numbers": _form(r"(?<![\w-])\d[\d,.]*(?![\w-])"),
    "names": _form(
        r"(?<=[\w,;:] )[\"“]?[A-Z][\w'’.&-]*[a-z][\w'’.&-]*[\"”,]?"
        r"(?:(?: (?:of|the|and|de|van|von|to|&|in|for) | )[\"“]?(?:[A-Z][\w'’.&-]*|\d+))*",
        cased=True,
    ),
}
"""Signs that are counted."""
ROLE = _form(
    rf"\bthe (?:[\w'’-]+ ){{0,3}}?(?!(?:{NO_PERSON})s?\b)(?:\w+(?:or|er|ist|ian|ant|ent)|{PERSON}|{THING})s? {CLAUSE}\b"
)
"""Somebody or something that is described by a role, as in `the director of ...`."""
WANTED = _form(r"^\W*(?:who|what|which)(?:'s| (?:is|was|are|were)) (?:the|a|an) (?:[\w'’-]+ ){0,4}?(?:of|for|from)\b")
"""What is asked for itself: `Who is the director of ...` does not ask about a director."""


def features(question: str, passages: Sequence[Passage] = ()) -> dict[str, float]:
    """What the form of a question shows, and what was found for it; `words` is the logarithm of 1 + its words."""
    found = {"words": log(1 + len(WORD.findall(question)))}
    found |= {name: float(bool(form.search(question))) for name, form in ONCE.items()}
    found |= {name: float(len(form.findall(question))) for name, form in COUNTED.items()}
    roles = float(bool(ROLE.search(WANTED.sub("", question))))
    return {**found, "roles": roles, "gain": gain(question, passages)}


def gain(question: str, passages: Sequence[Passage]) -> float:
    """The share of a question's content words, 0 to 1, that a second passage adds to those of the best one."""
    wanted = set(terms(question))
    held = [wanted & set(terms(f"{p['title']} {p['section']} {p['text']}")) for p in passages]
    if not wanted or len(held) < 2:
        return UNKNOWN_GAIN
    return max(len(other - held[0]) for other in held[1:]) / len(wanted)


def complexity(question: str, passages: Sequence[Passage], parts: Sequence[str] = ()) -> float:
    """The probability, 0 to 1, that a question needs more than one look-up.

    `passages` are what was found for it, best first; `parts` are its sub-questions, if it has any.
    """
    found = load("router").probability(features(question, passages))
    return max(found, JOINED) if parts else found


def choose_route(question: str, passages: Sequence[Passage], parts: Sequence[str], routing: Routing) -> Route:
    """The route of a question."""
    return "complex" if complexity(question, passages, parts) >= routing.complex_from else "simple"
