"""Recognises a model's "I don't know": the sentinel that the prompt names, or plain words of six languages; pure.

A reply declines when its first sentence says so and no sentence of it is a claim with a citation. A hedge that cites,
as models like to do ("The passages do not mention it [1][2]"), is no claim, unless it goes on with "but".
"""

import re
from pathlib import Path

import yaml

SENTINEL = "NO_ANSWER"
"""What the prompt asks for when the passages do not hold the answer."""
MARKER = re.compile(r"\[\d+\]")
SENTENCE = re.compile(r"(?<=[.!?…。！？])\s+|\n+")
MARKED_STOP = re.compile(r"([.!?…。！？])((?:\s*\[\d+\])+)")
_WORDS: dict[str, str] = {
    name: "|".join(lines.splitlines())
    for name, lines in yaml.safe_load(Path(__file__).with_name("declines.yaml").read_text("utf-8")).items()
}
LEADS = re.compile("^(?:{leads})+".format(**_WORDS))
SURE = re.compile(r"(?:{own})|(?=.*\b(?:{given})\b)(?:.{{0,120}}?\b(?:{lacks})|(?:{absent}))".format(**_WORDS))
"""What is a hedge in a sentence that cites, too."""
LIKELY = re.compile(
    r"{sure}|(?:{absent})|(?:{documents}) (?:.{{0,60}} )?(?:{lacks})".format(sure=SURE.pattern, **_WORDS)
)
GOES_ON = re.compile(r"\b(?:{goes_on})\b".format(**_WORDS))


def declines(text: str) -> bool:
    """Whether a reply, with markers as [n], says that it has no answer and nothing beside that which it can cite."""
    sentences = [plain for part in SENTENCE.split(MARKED_STOP.sub(r"\2\1", text)) if (plain := _plain(part))]
    while sentences and not LEADS.sub("", sentences[0]):
        sentences.pop(0)
    if not sentences or not _hedges(sentences[0]):
        return False
    return _is_sentinel(sentences[0]) or not any(MARKER.search(each) and not _hedges(each) for each in sentences)


def may_be_sentinel(begun: str) -> bool:
    """Whether a reply that begins so may yet turn out to be the sentinel."""
    said = begun.strip(" \n\t*_\"'`[(.").upper()
    return SENTINEL.startswith(said) or said.startswith(SENTINEL)


def _plain(sentence: str) -> str:
    return re.sub(r"[*`\"“”«»„#>]|(?<!\w)_|_(?!\w)", "", sentence).replace("’", "'").strip(" \t-–•").lower()


def _hedges(sentence: str) -> bool:
    said = LEADS.sub("", sentence)
    if _is_sentinel(sentence):
        return True
    pattern = SURE if MARKER.search(sentence) else LIKELY
    return bool(pattern.match(said)) and not (MARKER.search(sentence) and GOES_ON.search(said))


def _is_sentinel(sentence: str) -> bool:
    return LEADS.sub("", sentence).strip("[](). ") == SENTINEL.lower()
