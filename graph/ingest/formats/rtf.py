"""Reads RTF files, with raised text on the line: the converter glues it to the number before it."""

import re
from dataclasses import replace

from ..document import Document, File
from .convert import converted
from .raised import raised

WORDS = r"(?:\\[a-z]+-?\d* ?|\n)*"
RAISED = re.compile(rf"\{{{WORDS}\\super\b ?{WORDS}([^{{}}\\]+)\}}|\\super\b ?{WORDS}([^{{}}\\]+)\\nosupersub\b ?")
MARKUP = re.compile(r"\\[a-z]+-?\d* ?|[{}\n]")
AROUND = 200
"""Characters of the file from which the text before and after a raised text is told."""


def rtf(file: File) -> Document:
    """A file as a document; raises Refused."""
    return converted(replace(file, content=_with_raised(file.content)))


def _with_raised(content: bytes) -> bytes:
    """The file with `10^6` for a raised 6 after 10, and ` [^2]` for the mark of a note."""
    text = content.decode("latin-1").replace("\r", "")

    def on_the_line(found: re.Match[str]) -> str:
        before = MARKUP.sub("", text[max(0, found.start() - AROUND) : found.start()])
        return raised(before, found[1] or found[2], MARKUP.sub("", text[found.end() : found.end() + AROUND]))

    return RAISED.sub(on_the_line, text).encode("latin-1")
