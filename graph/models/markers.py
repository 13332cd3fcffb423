"""Reads the citation markers that models write in many ways as [n]; pure.

Read: [1], [1, 2], [1-3], [1 and 2], [Passage 1], [source: 2], (Passage 1), 【1】, 【1†source】, [^1], ^1, and (1) where
a sentence ends. What may be text stays: (2) at the head of a list's item, (2024), Article 5 (3), x^2, cells[1, 2] in
code. A number in square brackets that no passage has stays too, for the check of citations to drop.
"""

import re
from collections.abc import Callable

GAP = r"\s{0,3}+"
"""Bounded and possessive, like all that repeats here: no draft, however odd, may keep us busy."""
WORD = (
    r"(?:(?:see\s{1,3}+)?(?:passages?|sources?|doc(?:ument)?s?|citations?|cit\.|ref(?:erence)?s?\.?|nos?\.)"
    rf"{GAP}[:#]?{GAP})"
)
NUMBER = r"[#^]?\d{1,3}"
JOIN = rf"(?:{GAP}(?:[,;&\-–\u2011]{GAP}(?:and\b{GAP})?|and\b{GAP}){WORD}?)"
LIST = rf"{NUMBER}(?>{JOIN}{NUMBER}){{0,20}}+"

LENTICULAR = re.compile(rf"【{GAP}{WORD}?({LIST}){GAP}(?:†[^】]{{0,80}})?】", re.IGNORECASE)
TOLD = re.compile(rf"[\[(]{GAP}({WORD}{LIST})(?:{GAP}[,:][^\[\]()]{{0,80}}+)?{GAP}(?:\](?!\()|\))", re.IGNORECASE)
"""The number may be followed by a title, as in [Source 2: Quota]."""
BARE = re.compile(rf"(?<!\w)\[{GAP}({LIST}){GAP}\](?!\()", re.IGNORECASE)
ATTACHED = re.compile(rf"(?<=\w)\[{GAP}({LIST}){GAP}\](?={GAP}(?:[.;!?…。！？\[]|$))", re.IGNORECASE)
CARET = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?”\"]))[ \t]?\^\{?\[?(\d{1,3})\]?\}?(?!\d)")
IN_ROUND = rf"\({GAP}{LIST}{GAP}\)"
ROUND = re.compile(
    rf"(?P<before>\S)(?P<gap>[ \t]{{0,3}}+)(?P<told>{IN_ROUND}(?>[ \t]{{0,3}}+{IN_ROUND}){{0,20}}+)", re.IGNORECASE
)

LONGEST_RANGE = 20
STOPS = ".!?…。！？"
ENDS = re.compile(r"\s{0,9}(?:[.,;:!?…。！？\[]|$)")
LINE_ENDS = re.compile(r"[ \t]*(?:\n|$)")
COUNTED = re.compile(
    r"(?:\b(?:sections?|articles?|art|paragraphs?|para|clauses?|tables?|figures?|fig|chapters?|steps?|items?|options?|"
    r"phases?|levels?|versions?|equations?|eq|numbers?|no|pages?|rules?|parts?|lines?|notes?|annex|appendix|schedules?|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)|[\d§])$",
    re.IGNORECASE,
)
"""What stands before a number in parentheses that is no marker: Article 5 (3), rule (2), five (5)."""
ITEM = re.compile(r"^[ \t]*(?:[-*+•][ \t]+)?\(\d{1,3}\)", re.MULTILINE)
AFTER_LAST_STOP = re.compile(rf"[{STOPS}]{GAP}{IN_ROUND}\Z", re.IGNORECASE)


def normalise_markers(text: str, count: int) -> str:
    """The text with its markers as [n], `count` passages being there; other text is left as it is."""
    text = CARET.sub(_bracketed(lambda numbers: _within(numbers[0], count)), text)
    for pattern in (LENTICULAR, TOLD):
        text = pattern.sub(_bracketed(lambda numbers: bool(numbers)), text)
    # Where a text ends in "stop, number in parentheses", that is how it cites, unless its items are numbered so.
    after_stops = bool(AFTER_LAST_STOP.search(text.rstrip())) and not ITEM.search(text)
    text = ROUND.sub(lambda match: _round(match, count, after_stops), text)
    for pattern in (BARE, ATTACHED):
        text = pattern.sub(_bracketed(lambda numbers: any(_within(number, count) for number in numbers)), text)
    return text


def _bracketed(is_marker: Callable[[list[int]], bool]) -> Callable[[re.Match[str]], str]:
    def read(match: re.Match[str]) -> str:
        found = _numbers(match.group(1))
        return _written(found) if found and is_marker(found) else match.group()

    return read


def _round(match: re.Match[str], count: int, after_stops: bool) -> str:
    found, before = _numbers(match["told"]), match["before"]
    if not found or not all(_within(number, count) for number in found):
        return match.group()
    if before in STOPS:
        marks = after_stops or bool(LINE_ENDS.match(match.string, match.end()))
    else:
        marks = bool(match["gap"]) and before not in ":;," and bool(ENDS.match(match.string, match.end()))
        marks = marks and not COUNTED.search(match.string[max(0, match.start() - 20) : match.start() + 1])
    return f"{before} {_written(found)}" if marks else match.group()


def _within(number: int, count: int) -> bool:
    return 1 <= number <= count


def _written(numbers: list[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def _numbers(listed: str) -> list[int]:
    """The numbers of a list with its ranges filled in, each once; none when a range runs backwards or very far."""
    found: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*[-–\u2011]\s*[#^]?(\d+))?", listed):
        if last and not 0 < int(last) - int(first) <= LONGEST_RANGE:
            return []
        found += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(found))
