"""Stands in for a chat model where there is none: OpenAI's chat completions on loopback, without a model behind them.

It does what its prompt says and no more: it quotes the two sentences of the numbered passages that share most words
with the question, under their numbers where the prompt asks for numbers, and answers from nowhere where it does not. In
every third answer it gets a number wrong, as models do, so that there is something to verify.

usage: python samples/stand_in.py PORT
"""

import hashlib
import re
import sys
from dataclasses import dataclass

from graph.text.sentences import units
from graph.text.words import terms
from samples.endpoint import Body, Endpoint, serving

PASSAGE = re.compile(r"^\[(\d+)\] (.*?)(?=^\[\d+\] |\nQuestion: |\Z)", re.MULTILINE | re.DOTALL)
SENTENCES, LEAST, EVERY = 2, 2, 3
FROM_NOWHERE = "This is usually settled by the responsible department within four to six weeks of the request."


@dataclass(frozen=True)
class Quote:
    """A sentence of a passage, and how many of the question's words it has."""

    number: int
    text: str
    shared: int


def reply(body: Body) -> str:
    """What the model says to a request."""
    prompt, told = (str(message["content"]) for message in body["messages"])
    question = told.rsplit("Question: ", 1)[-1]
    if "passage" not in prompt or "[2]" not in prompt:
        return FROM_NOWHERE
    best = sorted(quotes(told, question), key=lambda quote: -quote.shared)[:SENTENCES]
    if not best or best[0].shared < LEAST:
        return "I don't know."
    said = " ".join(f"{quote.text.rstrip('.')}. [{quote.number}]" for quote in best)
    return wrong(said) if int(hashlib.sha256(question.encode()).hexdigest(), 16) % EVERY == 0 else said


def quotes(told: str, question: str) -> list[Quote]:
    """The sentences of the numbered passages, once each."""
    asked, found = set(terms(question)), dict[str, Quote]()
    for number, headed in PASSAGE.findall(told):
        text = headed.partition("\n")[2]
        for unit in units(text, ""):
            said = " ".join(text[unit.start : unit.end].split())
            found.setdefault(said, Quote(int(number), said, len(asked & set(terms(said)))))
    return list(found.values())


def wrong(said: str) -> str:
    """With its first number that is no marker raised by seven; a sentence of its own where there is none."""
    bare = re.search(r"(?<!\[)\b\d+\b(?!\])", said)
    if bare is None:
        return f"{said} This has been so for 17 years. [1]"
    return f"{said[: bare.start()]}{int(bare.group()) + 7}{said[bare.end() :]}"


def main() -> None:
    """Serve until it is interrupted."""
    port = int(sys.argv[1])
    with serving(Endpoint(reply, lambda _: "good"), port) as endpoint:
        print(f"A stand-in for a model answers at {endpoint.url}", flush=True)
        endpoint.closing.wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
