"""Parses front matter, and detects a possible restriction elsewhere in a text; pure."""

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from ..errors import SourceInvalid
from ..strict_yaml import YamlInvalid, load_yaml
from ..text.cells import split
from .access import INSTRUCTION, resembles_restriction
from .document import Metadata, Wording, canonical
from .metadata import normalise

MOST = 64 << 10
"""The most characters of front matter."""
LINES = 30
"""The lines at the top of a text that are searched for a restriction."""
BLANK = r"[\s\u200b\u2060\ufeff]"
OPENING = re.compile(rf"{BLANK}*?^(?P<indent>[ \t]*)(?P<fence>---|\+\+\+)[ \t]*(?:yaml|toml)?[ \t]*\n", re.MULTILINE)
CLOSING = {"---": r"(?:---|\.\.\.)", "+++": r"\+\+\+"}
FIELD = re.compile(r"\s*[\"']?\w[\w .-]{0,40}[\"']?[ \t]*[:=](?!//)")
FIRST_WORDS = re.compile(r"^[^\w\n]*([\w.-]+)", re.MULTILINE)
CODE = re.compile(r"(?<=\n)[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
LINE_NAMES = re.compile(
    r"^[^\w\n]*(\w[\w .-]{0,40}?)[\"'\]]?[ \t]*[:=]|[{,][ \t]*[\"']([^\"'\n]{1,60})[\"'][ \t]*:", re.MULTILINE
)
TAG_NAMES = re.compile(
    r"\b(?:name|property)\s{0,9}=\s{0,9}[\"']?([^\"'>\s]{1,60})|\s(?![\w:]*(?:name|property)\b)([\w.:-]{1,60})\s{0,9}=",
    re.IGNORECASE,
)
DATA_NAMES = re.compile(r"\"([^\"\n]{1,60})\"\s{0,20}:|([\w.-]{1,60})\s{0,20}[:=>]")
RULE = re.compile(r"\n[ \t]*(?:\|[ \t]*)?:?-[-:| \t]*$", re.MULTILINE)
"""The line under the header of a table."""
CELLS = re.compile(r"[^,;\t|\"'\n]{1,60}")
FENCED = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*(?:-\0?-\0?-|\+\0?\+\0?\+)[^-+]")
"""The start of a file of any kind that has front matter."""


def is_fenced(content: bytes) -> bool:
    """Whether a file, of whatever kind, begins with front matter."""
    return bool(FENCED.match(content))


def front_matter(text: str) -> tuple[Metadata, int]:
    """The fields between --- (YAML) or +++ (TOML) at the top of a text, and where the text after them begins.

    Raises SourceInvalid for front matter that is plainly there and cannot be read.
    """
    opening = OPENING.match(text)
    if not opening:
        return {}, 0
    start, fence = opening.end(), opening["fence"]
    closing = re.compile(rf"^{opening['indent']}{CLOSING[fence]}[ \t]*(?:\n|\Z)", re.MULTILINE)
    closed = closing.search(text, start, start + MOST)
    if closed:
        block = text[start : closed.start()]
        fields = _fields(block, fence)
        if isinstance(fields, dict):
            return _encodable(normalise(fields)), closed.end()
        if doubt := doubt_in_names(FIRST_WORDS.findall(block)):
            raise SourceInvalid(doubt)
        return {}, 0
    if FIELD.match(text, start):
        raise SourceInvalid(f"it begins with {fence} and fields, and no {fence} ends them within {MOST >> 10} KB.")
    return {}, 0


def _fields(block: str, fence: str) -> Any:
    try:
        return tomllib.loads(block) if fence == "+++" else load_yaml(block)
    except YamlInvalid as error:
        raise SourceInvalid(f"line {error.line + 1}: {error.problem}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceInvalid(f"this is not TOML: {error}") from error


def _encodable(metadata: Metadata) -> Metadata:
    try:
        canonical(metadata)
    except UnicodeEncodeError as error:
        raise SourceInvalid(f"a value holds half a surrogate pair: {error}") from error
    return metadata


def doubt_in_text(text: str) -> str:
    """Why a line at a text's top, outside of front matter, or a column of a table may be meant to restrict it.

    Empty when none may.
    """
    top = "\n".join(text.lstrip()[:MOST].split("\n")[:LINES])
    names = [name for found in LINE_NAMES.finditer(CODE.sub("", top)) for name in found.groups()]
    headers = [text[text.rfind("\n", 0, rule.start()) + 1 : rule.start()] for rule in RULE.finditer(text)]
    return doubt_in_names([*names, *(cell for header in headers if "|" in header for cell in split(header))])


def doubt_in_markup(text: str, wording: Wording) -> str:
    """The same for a file's own markup: the keys of data, the header of a table, the attributes of a page."""
    if wording == "data":
        return doubt_in_names(name for found in DATA_NAMES.finditer(text) for name in found.groups())
    if wording == "table":
        return doubt_in_names(cell for line in text[:MOST].split("\n")[:LINES] for cell in CELLS.findall(line))
    return doubt_in_tags(text[:MOST]) or doubt_in_text(text)


def doubt_in_tags(text: str) -> str:
    """The same for an attribute of HTML or XML, and for the name of a property that is given in one."""
    return doubt_in_names(name for found in TAG_NAMES.finditer(text) for name in found.groups())


def doubt_in_names(names: Iterable[str | None]) -> str:
    """Why one of the names may be meant to restrict a file; empty when none may."""
    found = next((name.strip() for name in dict.fromkeys(names) if name and resembles_restriction(name.strip())), None)
    if found is None:
        return ""
    return f"{found!r} may be meant to restrict it, in a place where that is not read; {INSTRUCTION} in a sidecar."
