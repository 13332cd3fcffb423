"""Converts Markdown to plain text; pure."""

import re

ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)]|\(?[a-z0-9]{1,2}\))[ \t]+")
EMPHASIS = re.compile(r"\*\*|__|`|(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(text: str) -> str:
    """The text without bullet, emphasis, link targets and line breaks."""
    text = ITEM.sub("", text, count=1) if ITEM.match(text) else text
    return " ".join(EMPHASIS.sub("", LINK.sub(r"\1", text)).split())
