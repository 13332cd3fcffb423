"""Finds what a question names side by side, such as `A or B`, and asks it for each of them; pure.

Only what is plainly two things is taken apart: names, and nouns that each have their own article or preposition.
`Research and development` and `terms and conditions` stay whole, and so do names that a found passage writes as one.
"""

import re
from collections.abc import Sequence

LONGEST = 500
"""Characters of a question that is looked at: the patterns take the square of them."""
WORD = r"[\w'’-]+"
NAME = r"(?-i:[A-Z][\w'’.&-]*|\d+[A-Z][\w-]*)(?: (?:(?:of|the|de|van|von|for|in|to) )*(?-i:[A-Z\d])[\w'’.&()-]*)*"
ARTICLE = r"(?:the|a|an|our|my|your|their|his|her|its)"
AUXILIARY = r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|may|must|shall|should|will|would)"
ASKS = r"(?:who|whom|whose|what|when|where|which|why|how)"
ITEM = rf"(?:{ARTICLE} )?{NAME}"
JOIN = r" (?:and|or|versus|vs\.?) "
LOWER = rf"(?-i:[a-z]){WORD}"
END = r"(?=\s*(?:[?,.;:]|$))"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


OPENING = _pattern(rf"\W*(?:{ASKS}|{AUXILIARY}|of|for|in|between|compare|name|list)\b")
NAMES = _pattern(rf"\b(?:{ITEM}(?:, {ITEM})+,? and {ITEM}|{ITEM}(?:, {ITEM})+, or {ITEM}|{ITEM}{JOIN}{ITEM})")
BETWEEN_ITEMS = _pattern(rf",?{JOIN}|, ")
NOUNS = _pattern(rf"\b(?P<one>{ARTICLE} (?P<words>(?:{LOWER} ){{0,2}}?{LOWER})){JOIN}(?P<other>{ARTICLE}(?: {WORD})+)")
PLACES = _pattern(
    rf"\b(?P<word>in|for|of|on|at|with|under|from|to|by|during|after|before) (?P<one>(?:{WORD} ?){{1,4}}?)"
    rf"{JOIN}(?P=word) (?P<other>(?:{WORD} ?){{1,4}}?){END}"
)
THAN = _pattern(
    rf"(?P<asks>\W*(?:is|are|was|were)) (?P<one>{ITEM}|{ARTICLE} .+?) (?P<how>(?:more|less) {WORD}|\w+er|worse)\b"
    rf"(?P<of>.*?) than (?P<other>{ITEM}|{ARTICLE} [^,?]+?)(?P<end>\W*)$"
)
CONTRAST = _pattern(
    r"\b(?P<word>between|compare) (?P<one>[^,?;]{2,60}?) (?:and|with|to) "
    rf"(?P<other>(?:{WORD} ?){{1,5}}?)(?=\s*(?:[?,.;:]|$)| (?:in|for|when|on|with) )"
)
PAIR = _pattern(rf"(?:{ARTICLE} )?(?:{NAME}|{WORD}) and (?:{ARTICLE} )?(?:{NAME}|{WORD})")
COMPARES = _pattern(r"\b(?:differ\w*|compar\w+|distinguish\w*|distinction|choose|choice)\b")
EACH = _pattern(r"\b(?:both|either|versus|vs|same|compar\w+|differ\w*|or)\b")
FILLERS = _pattern(r"\b(?:both|either)\s+|,?\s+respectively\b")
SINGULAR = {"are": "is", "were": "was", "do": "does", "have": "has"}


def sides(question: str, passages: Sequence[str]) -> list[str]:
    """The question once for each thing that it names side by side; empty when it names none.

    `passages` are the texts that were found: without them, two names joined by `and` count as one name.
    """
    if len(question) > LONGEST:
        return []
    for find in (_respectively, _measured, _places, _names, _nouns, _contrasted):
        found = find(question, passages)
        if len(found) > 1:
            return [_plain(part) for part in found]
    return []


def _respectively(question: str, passages: Sequence[str]) -> list[str]:
    """`the pump and the valve in Rome and Oslo, respectively`: the first of each pair, then the second of each."""
    pairs = list(PAIR.finditer(question))
    if not re.search(r"\brespectively\b", question, re.IGNORECASE) or len(pairs) < 2:
        return []
    parts = [question, question]
    for pair in pairs:
        for number, item in enumerate(pair.group().split(" and ", 1)):
            parts[number] = parts[number].replace(pair.group(), item, 1)
    return parts


def _measured(question: str, passages: Sequence[str]) -> list[str]:
    """`Is A larger than B?`: the same of A and of B."""
    found = THAN.match(question)
    if not found:
        return []
    asks, one, how, of, other, end = found.group("asks", "one", "how", "of", "other", "end")
    return [f"{asks} {item} {how}{of}{end}" for item in (one, other)]


def _places(question: str, passages: Sequence[str]) -> list[str]:
    """`in A and in B`."""
    found = PLACES.search(question)
    return _put(question, found, [f"{found['word']} {found[item]}" for item in ("one", "other")]) if found else []


def _names(question: str, passages: Sequence[str]) -> list[str]:
    """`A or B`, `both A and B`, `A, B and C`; `A and B` alone only when no passage writes just that."""
    opening = OPENING.match(question)
    found = NAMES.search(question, opening.end() if opening else 0)
    if not found:
        return []
    joined = re.sub(rf"^{ARTICLE} ", "", found.group(), flags=re.IGNORECASE)
    is_one = not passages or any(joined in text for text in passages)
    if is_one and not EACH.search(question) and not BETWEEN_ITEMS.search(joined.split(" and ", 1)[0]):
        return []
    return _put(question, found, BETWEEN_ITEMS.split(found.group()))


def _nouns(question: str, passages: Sequence[str]) -> list[str]:
    """`the pump and the valve`: the second noun is taken to have as many words as the first."""
    found = NOUNS.search(question)
    if not found:
        return []
    length = len(found["words"].split()) + 1
    other, rest = found["other"].split()[:length], " ".join(found["other"].split()[length:])
    # Where more words follow, nothing tells where the second noun ends, unless a verb or a preposition does.
    if rest and not re.match(rf"(?:{AUXILIARY}|be|in|at|on|for|with|under|during|when|if)\b", rest, re.IGNORECASE):
        return []
    return _put(question, found, [f"{item} {rest}".rstrip() for item in (found["one"], " ".join(other))])


def _contrasted(question: str, passages: Sequence[str]) -> list[str]:
    """`the difference between A and B`, `compare A with B`."""
    found = CONTRAST.search(question) if COMPARES.search(question) else None
    word = {"between": "for ", "compare": ""}[found["word"].lower()] if found else ""
    return _put(question, found, [word + found["one"], word + found["other"]]) if found else []


def _put(question: str, found: re.Match[str], items: Sequence[str]) -> list[str]:
    return [question[: found.start()] + item + question[found.end() :] for item in items]


def _plain(part: str) -> str:
    """A side as a question of its own: one thing is, two are."""
    part = " ".join(FILLERS.sub("", part).split())
    first, _, rest = part.partition(" ")
    singular = SINGULAR.get(first.lower(), first)
    return f"{singular.capitalize() if first[:1].isupper() else singular} {rest}".rstrip()
