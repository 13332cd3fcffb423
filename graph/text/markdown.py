"""Converts Markdown to plain text; pure."""

import re

ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)]|\(?[a-z0-9]{1,2}\))[ \t]+")
STEP = re.compile(
    r"[ \t]*(?:step|schritt|étape|etape|paso|passo|passaggio|stap|steg|trin|krok)[ \t]*\d{1,3}\b", re.IGNORECASE
)
"""The beginning of a step that is labelled as one: `Step 2: Rinse it.`"""
EMPHASIS = re.compile(r"\*\*|__|`|(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])")
ASIDE = re.compile(r"^[ \t]*(?:(?:>[ \t]?)+|\[\^[^\]\s]+\]:[ \t]*)", re.MULTILINE)
"""The mark of a quoted block, or of a footnote's text, at the beginning of a line."""
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def plain(text: str) -> str:
    """The text without bullet, marks of quotes and footnotes, emphasis, link targets and line breaks."""
    text = ASIDE.sub("", text)
    item = ITEM.match(text)
    text = text[item.end() :] if item else text
    text = LINK.sub(r"\1", text) if "](" in text else text
    return " ".join(EMPHASIS.sub("", text).split())
