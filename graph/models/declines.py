"""Recognises a model's "I don't know": the sentinel of the prompt, or plain words in six languages; pure.

A reply declines when its first sentence says so and no other sentence is a claim with a citation. A cited statement
such as "The passages do not mention it [1][2]" is not a claim, unless it continues with "but".
"""

import re
from pathlib import Path

import yaml

SENTINEL = "NO_ANSWER"
"""The reply that the prompt asks for when the passages do not contain the answer."""
MARKER = re.compile(r"\[\d+\]")
SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")
STOP_BEFORE_MARKERS = re.compile(r"([.!?…。！？])((?:\s*\[\d+\])+)")
_WORDS: dict[str, str] = {
    name: "|".join(lines.splitlines())
    for name, lines in yaml.safe_load(Path(__file__).with_name("declines.yaml").read_text("utf-8")).items()
}
PREAMBLE = re.compile("^(?:{leads})+".format(**_WORDS))
CITED_DECLINE = re.compile(r"(?:{own})|(?=.*\b(?:{given})\b)(?:.{{0,120}}?\b(?:{lacks})|(?:{absent}))".format(**_WORDS))
"""A decline even in a sentence with a citation."""
DECLINE = re.compile(
    r"{sure}|(?:{absent})|(?:{documents}) (?:.{{0,60}} )?(?:{lacks})".format(sure=CITED_DECLINE.pattern, **_WORDS)
)
CONTRAST = re.compile(r"\b(?:{goes_on})\b".format(**_WORDS))


def declines(text: str) -> bool:
    """Whether a reply, with markers as [n], says that it has no answer and cites nothing else."""
    sentences = [plain for part in SENTENCE.split(STOP_BEFORE_MARKERS.sub(r"\2\1", text)) if (plain := _plain(part))]
    while sentences and not PREAMBLE.sub("", sentences[0]):
        sentences.pop(0)
    if not sentences or not _is_decline(sentences[0]):
        return False
    return _is_sentinel(sentences[0]) or not any(MARKER.search(each) and not _is_decline(each) for each in sentences)


def may_be_sentinel(start: str) -> bool:
    """Whether a reply with this beginning can still become the sentinel."""
    rest = start.strip(" \n\t*_\"'`[(.").upper()
    return SENTINEL.startswith(rest) or rest.startswith(SENTINEL)


def _plain(sentence: str) -> str:
    return re.sub(r"[*`\"“”«»„#>]|(?<!\w)_|_(?!\w)", "", sentence).replace("’", "'").strip(" \t-–•").lower()


def _is_decline(sentence: str) -> bool:
    rest = PREAMBLE.sub("", sentence)
    if _is_sentinel(sentence):
        return True
    pattern = CITED_DECLINE if MARKER.search(sentence) else DECLINE
    return bool(pattern.match(rest)) and not (MARKER.search(sentence) and CONTRAST.search(rest))


def _is_sentinel(sentence: str) -> bool:
    return PREAMBLE.sub("", sentence).strip("[](). ") == SENTINEL.lower()
