"""How much a JSON body may hold, told from its bytes: making objects of very many small values stops all others."""

import re

from server.errors import refuse

MOST_TOKENS, MOST_DEEP = 20_000, 500
"""Strings, brackets, commas and colons of a body: 32 questions with 40 turns each have some 14,000. And its nesting."""
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def check_body(body: bytes) -> None:
    """Raises Refused for a body of too many values (413), or one that is nested too deep or not in UTF-8 (400)."""
    if b"\0" in body:
        raise refuse(400, "The body must be JSON in UTF-8; this one has NUL bytes.")
    if len(body) <= MOST_TOKENS:
        return
    depth = 0
    for number, token in enumerate(TOKEN.finditer(body), 1):
        depth += STEPS.get(token[0], 0)
        if depth > MOST_DEEP:
            raise refuse(400, f"The body may be nested {MOST_DEEP} deep; this one is deeper.")
        if number > MOST_TOKENS:
            told = f"A request may have {MOST_TOKENS} strings, brackets, commas and colons; this one has more."
            raise refuse(413, f"{told} Ask less at once.")
