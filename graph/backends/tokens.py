"""How many tokens a text has: by the model's own tokenizer where it can be had, else an upper estimate."""

import math
import re
from collections.abc import Callable
from functools import cache

import httpx
from tokenizers import Tokenizer

from ..errors import ModelFailed
from .weights import packaged_file

FOREIGN = re.compile(r"[^\x00-\x7f]+")
TOKENS_PER_FOREIGN_BYTE = 0.65
"""SmolLM2, whose vocabulary is English, makes 0.42 (Russian) to 0.62 tokens (Thai) of a byte beyond ASCII."""
SAFETY = 1.35
"""German: SmolLM2 makes 1.31 times as many tokens as Llama 2."""


def estimate(text: str) -> int:
    """More tokens than a model's tokenizer makes of a text, whose vocabulary we do not have: Llama 2's count and more.

    Larger vocabularies than Llama 2's 32,000 make fewer tokens; English ones make more of other alphabets, which are
    therefore counted by their bytes too.
    """
    llama = _llama_2()
    foreign = TOKENS_PER_FOREIGN_BYTE * sum(len(part.encode()) for part in FOREIGN.findall(text))
    plain = llama(FOREIGN.sub("", text)) if foreign else 0
    return math.ceil(SAFETY * max(llama(text), plain + foreign))


@cache
def _llama_2() -> Callable[[str], int]:
    tokenizer = Tokenizer.from_file(str(packaged_file("wordllama", "tokenizers/l2_supercat_tokenizer_config.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


class ServerTokens:
    """Counts by the tokenizer of a llama.cpp server, which `url` is the root of."""

    def __init__(self, url: str) -> None:
        # No connection is kept: nobody is there to close it, and on loopback a new one costs nothing.
        self._client = httpx.Client(base_url=url, timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    def __call__(self, text: str) -> int:
        try:
            reply = self._client.post("/tokenize", json={"content": text}).raise_for_status()
            return len(reply.json()["tokens"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            detail = f"The model's server did not count tokens: {type(error).__name__}: {error}"
            raise ModelFailed("error", detail, transient=True) from error
