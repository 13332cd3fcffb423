"""Blanks out what no reader of a text file sees, encoded data and what Markdown hides; no character moves; pure."""

import re
from collections.abc import Callable

DATA_URI = re.compile(r"data:[\w.+-]*/?[\w.+-]*(?:;[\w.+=-]+)*,[\w+/=%.~!$&*,:;@?-]{16,}")
RUN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{200,}={0,2}")
LINES = re.compile(r"^(?:[ \t>]*[A-Za-z0-9+/]{60,76}\r?\n){2,}[ \t>]*[A-Za-z0-9+/]{1,76}={0,2}[ \t]*$", re.MULTILINE)
WHOLE = re.compile(r"\s*[A-Za-z0-9+/]{40,}={0,2}\s*")
CLASSES = (re.compile("[A-Z]"), re.compile("[a-z]"), re.compile("[0-9]"))
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")
BINARY = 0.05
"""Share of control characters from which on a file is no text; terminals' colours (ESC) do not count."""
LOOKED_AT = 100_000
LONG = 1_000
"""Characters from which on a stretch of blanks parts the text before it from the text after it."""
UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template)\b[^>]*>.*?</\1\s*>|<(del|s|strike)>.*?</\2\s*>"
    r"|<(\w+)\b[^>]*?(?:\shidden(?=[\s>=])|display\s*:\s*none|visibility\s*:\s*hidden)[^>]*>.*?</\3\s*>|&nbsp;",
    re.DOTALL | re.IGNORECASE,
)
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^(?: {4}|\t)[^\n]*", re.MULTILINE)
CODE_SPAN = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")


def is_binary(text: str) -> bool:
    """Whether what was decoded as text is none."""
    start = text[:LOOKED_AT]
    return len(CONTROL.findall(start)) > BINARY * len(start)


def is_encoded(text: str) -> bool:
    """Whether a file is nothing but one string in base64."""
    return WHOLE.fullmatch(text) is not None and len(text.strip()) % 4 == 0 and _is_mixed(text)


def encoded_to(text: str, instead: Callable[[str], str]) -> str:
    """The text with something else instead of each stretch of encoded data: data: addresses and base64."""
    for pattern in (DATA_URI, LINES, RUN):
        text = pattern.sub(lambda match: instead(match[0]) if _is_mixed(match[0]) else match[0], text)
    return text


def _is_mixed(text: str) -> bool:
    return all(letters.search(text) for letters in CLASSES)


def blanks(text: str) -> str:
    """As many blanks, and line ends where there were any; a long stretch is a paragraph of its own."""
    blank = re.sub(r"[^\n]", " ", text)
    return f"\n\n{blank[2:-2]}\n\n" if len(text) >= LONG else blank


def without_unseen(text: str, body: int = 0) -> str:
    """Markdown with blanks instead of comments, scripts and elements that are hidden or struck out; code stays."""
    if not UNSEEN.search(text, body):
        return text
    code = _code(text, body)
    return text[:body] + UNSEEN.sub(
        lambda match: match[0] if any(start <= match.start() + body < end for start, end in code) else blanks(match[0]),
        text[body:],
    )


def _code(text: str, body: int) -> list[tuple[int, int]]:
    found = [match.span() for pattern in (FENCE, INDENTED, CODE_SPAN) for match in pattern.finditer(text, body)]
    return sorted(found)
