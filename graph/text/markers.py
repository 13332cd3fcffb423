"""Rewrites the many forms of citation markers that models use as [n]; pure.

Recognised: [1], [1, 2], [1-3], [1 and 2], [Passage 1], [source: 2], (Passage 1), 【1】, 【1†source】, [^1], ^1, and (1)
at the end of a sentence. Possible text is kept: (2) at the beginning of a list item, (2024), Article 5 (3), x^2,
cells[1, 2] in code. A number in square brackets without a passage is kept for the citation check to drop.
"""

import re
from collections.abc import Callable

SPACES = r"\s{0,3}+"
"""All repetitions here are bounded and possessive, so that no draft takes long to match."""
WORD = (
    r"(?:(?:see\s{1,3}+)?(?:passages?|sources?|doc(?:ument)?s?|citations?|cit\.|ref(?:erence)?s?\.?|nos?\.)"
    rf"{SPACES}[:#]?{SPACES})"
)
NUMBER = r"[#^]?\d{1,3}"
SEPARATOR = rf"(?:{SPACES}(?:[,;&\-–\u2011]{SPACES}(?:and\b{SPACES})?|and\b{SPACES}){WORD}?)"
LIST = rf"{NUMBER}(?>{SEPARATOR}{NUMBER}){{0,20}}+"

LENTICULAR = re.compile(rf"【{SPACES}{WORD}?({LIST}){SPACES}(?:†[^】]{{0,80}})?】", re.IGNORECASE)
LABELLED = re.compile(
    rf"[\[(]{SPACES}({WORD}{LIST})(?:{SPACES}[,:][^\[\]()]{{0,80}}+)?{SPACES}(?:\](?!\()|\))", re.IGNORECASE
)
"""A title may follow the number: [Source 2: Quota]."""
SQUARE = re.compile(rf"(?<!\w)\[{SPACES}({LIST}){SPACES}\](?!\()", re.IGNORECASE)
SQUARE_AFTER_WORD = re.compile(rf"(?<=\w)\[{SPACES}({LIST}){SPACES}\](?={SPACES}(?:[.;!?…。！？\[]|$))", re.IGNORECASE)
CARET = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?”\"]))[ \t]?\^\{?\[?(\d{1,3})\]?\}?(?!\d)")
IN_ROUND = rf"\({SPACES}{LIST}{SPACES}\)"
ROUND = re.compile(
    rf"(?P<before>\S)(?P<gap>[ \t]{{0,3}}+)(?P<numbers>{IN_ROUND}(?>[ \t]{{0,3}}+{IN_ROUND}){{0,20}}+)", re.IGNORECASE
)

MAX_RANGE = 20
STOPS = ".!?…。！？"
CLAUSE_END = re.compile(r"\s{0,9}(?:[.,;:!?…。！？\[]|$)")
LINE_END = re.compile(r"[ \t]*(?:\n|$)")
NUMBERED_WORD = re.compile(
    r"(?:\b(?:sections?|articles?|art|paragraphs?|para|clauses?|tables?|figures?|fig|chapters?|steps?|items?|options?|"
    r"phases?|levels?|versions?|equations?|eq|numbers?|no|pages?|rules?|parts?|lines?|notes?|annex|appendix|schedules?|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)|[\d§])$",
    re.IGNORECASE,
)
"""A word before a number in parentheses that is not a marker: Article 5 (3), rule (2), five (5)."""
NUMBERED_ITEM = re.compile(r"^[ \t]*(?:[-*+•][ \t]+)?\(\d{1,3}\)", re.MULTILINE)
AFTER_LAST_STOP = re.compile(rf"[{STOPS}]{SPACES}{IN_ROUND}\Z", re.IGNORECASE)


def normalise_markers(text: str, count: int) -> str:
    """The text with its markers as [n]; `count` is the number of passages."""
    text = CARET.sub(_replacer(lambda numbers: _exists(numbers[0], count)), text)
    for pattern in (LENTICULAR, LABELLED):
        text = pattern.sub(_replacer(lambda numbers: bool(numbers)), text)
    # A text that ends in a full stop and a number in parentheses cites in this way, unless its items are numbered so.
    after_stops = bool(AFTER_LAST_STOP.search(text.rstrip())) and not NUMBERED_ITEM.search(text)
    text = ROUND.sub(lambda match: _replace_round(match, count, after_stops), text)
    for pattern in (SQUARE, SQUARE_AFTER_WORD):
        text = pattern.sub(_replacer(lambda numbers: any(_exists(number, count) for number in numbers)), text)
    return text


def _replacer(is_marker: Callable[[list[int]], bool]) -> Callable[[re.Match[str]], str]:
    def read(match: re.Match[str]) -> str:
        numbers = _numbers(match.group(1))
        return _as_markers(numbers) if numbers and is_marker(numbers) else match.group()

    return read


def _replace_round(match: re.Match[str], count: int, after_stops: bool) -> str:
    numbers, before = _numbers(match["numbers"]), match["before"]
    if not numbers or not all(_exists(number, count) for number in numbers):
        return match.group()
    if before in STOPS:
        is_marker = after_stops or bool(LINE_END.match(match.string, match.end()))
    else:
        is_marker = bool(match["gap"]) and before not in ":;," and bool(CLAUSE_END.match(match.string, match.end()))
        is_marker = is_marker and not NUMBERED_WORD.search(match.string[max(0, match.start() - 20) : match.start() + 1])
    return f"{before} {_as_markers(numbers)}" if is_marker else match.group()


def _exists(number: int, count: int) -> bool:
    return 1 <= number <= count


def _as_markers(numbers: list[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def _numbers(listed: str) -> list[int]:
    """The distinct numbers of a list with its ranges; none when a range is reversed or too long."""
    numbers: list[int] = []
    for first, last in re.findall(r"(\d+)(?:\s*[-–\u2011]\s*[#^]?(\d+))?", listed):
        if last and not 0 < int(last) - int(first) <= MAX_RANGE:
            return []
        numbers += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(numbers))
