"""Takes links and images out of what is said, but for those to allowed hosts; pure."""

import re
from collections.abc import Sequence

REMOVED = "[link removed]"
ADDRESS = (
    r"(?:(?:https?|ftp|file|wss?):[\\/]+|(?:(?<![\w:])[\\/]{2}|//)(?=[\w-]+\.)|www\."
    r"|(?:data|javascript|vbscript):)[^\s<>\"'`|]+"
)
LINK = re.compile(
    rf"(?P<markdown>!?\[(?P<label>[^\[\]]*)\]\(\s*<?(?P<to>[^\s)>]+)>?[^)]*\))"
    r"|(?P<target>(?<=\]:|\]\()\s*<?(?:[a-z][a-z0-9+.-]*:|[\\/]{2}|/?&)[^\s)>]+)"
    r"|(?P<tag></?(?:a|img|iframe|script|object|embed|link|form|video|audio|source|svg|base|meta)\b[^>]*(?:>|$)"
    r"|<[a-z](?=[^>]*?(?:src|href|action|data|background|poster|style|\bon\w+)\s*=)[^>]*(?:>|$))"
    rf"|(?P<bare>{ADDRESS})",
    re.IGNORECASE,
)
BEGUN = re.compile(r"!?\[[^\[\]]*(?:\](?:\([^)]*\)?|:\s*\S*)?)?|\][:(]\s*\S*|<[a-z/][^>]*>?", re.IGNORECASE)
"""What may be a link, or become one."""
TRAILING = ".,;:!?)]}'\"*_"
BEGINS = ("//", ":/", "\\", "www.", "](", "]:", "<", "data:", "script:")
"""What every link has one of."""
HOST = re.compile(r"(?:(?:https?:)?//)?(?P<host>[a-z0-9.-]+)(?::\d+)?(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
"""An address whose host no browser reads in another way: no name before it, no backslash, nothing encoded."""
LONGEST = 2000
"""Characters that are held back of a text that comes in pieces."""


def without_links(text: str, allowed: Sequence[str] = ()) -> str:
    """The text with the labels of links in their place; links to allowed hosts and to parts of them stay."""
    if not any(each in text for each in BEGINS):
        return text
    return LINK.sub(lambda match: _replacement(match, allowed), text)


def _replacement(match: re.Match[str], allowed: Sequence[str]) -> str:
    if match["tag"]:
        return ""
    if _is_allowed(match["to"] or match[0].lstrip(" \t\n<").rstrip(TRAILING), allowed):
        return match[0]
    if match["markdown"]:
        return match["label"] if not match["label"].startswith(("http", "www.")) else REMOVED
    return REMOVED + match[0][len(match[0].rstrip(TRAILING)) :]


def _is_allowed(address: str, allowed: Sequence[str]) -> bool:
    """Whether an address is of an allowed host, or of a host below it."""
    found = HOST.fullmatch(address) if allowed else None
    host = found["host"].lower() if found else ""
    return any(host == each or host.endswith(f".{each}") for each in allowed)


class LinkFilter:
    """Takes links out of a text that comes in pieces; a piece of a link is held back until the link has ended."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed, self._held = allowed, ""

    def add(self, piece: str) -> str:
        """What may be said now."""
        self._held += piece
        end = max(self._held.rfind(" "), self._held.rfind("\n")) + 1
        if len(self._held) < LONGEST:
            whole = [match.span() for match in BEGUN.finditer(self._held)]
            end = min([end, *(a for a, b in whole if a < end and (end < b or b == len(self._held)))])
        return self._take(end)

    def rest(self) -> str:
        """What is held back, once the text has ended."""
        return self._take(len(self._held))

    def _take(self, end: int) -> str:
        said, self._held = self._held[:end], self._held[end:]
        return without_links(said, self._allowed)
