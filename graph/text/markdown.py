"""Reads a stretch of Markdown as running text; pure."""

import re

ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+")
EMPHASIS = re.compile(r"\*\*|__|`|(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(text: str) -> str:
    """A quote as running text: no bullet, emphasis, link target or line break."""
    text = ITEM.sub("", text, count=1) if ITEM.match(text) else text
    return " ".join(EMPHASIS.sub("", LINK.sub(r"\1", text)).split())
