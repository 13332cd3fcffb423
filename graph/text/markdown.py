"""Converts Markdown to plain text; pure."""

import re

ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)]|\(?[a-z0-9]{1,2}\))[ \t]+")
EMPHASIS = re.compile(r"\*\*|__|`|(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(text: str) -> str:
    """The text without bullet, emphasis, link targets and line breaks."""
    item = ITEM.match(text)
    text = text[item.end() :] if item else text
    text = LINK.sub(r"\1", text) if "](" in text else text
    return " ".join(EMPHASIS.sub("", text).split())
