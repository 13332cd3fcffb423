"""How much a JSON body may hold, told from its bytes: making objects of very many small values stops all others."""

import re
from itertools import islice

from server.errors import refuse

MOST_TOKENS = 20_000
"""Strings, brackets, commas and colons of a body: 32 questions with 40 turns of history each have some 12,000."""
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,:]', re.DOTALL)


def check_body(body: bytes) -> None:
    """Raises Refused for a body of too many values (413), or in another encoding than UTF-8 (400)."""
    if b"\0" in body:
        raise refuse(400, "The body must be JSON in UTF-8; this one has NUL bytes.")
    if len(body) > MOST_TOKENS and next(islice(TOKEN.finditer(body), MOST_TOKENS, None), None):
        told = f"A request may have {MOST_TOKENS} strings, brackets, commas and colons; this one has more."
        raise refuse(413, f"{told} Ask less at once.")
