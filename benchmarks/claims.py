"""Claims with the passages that they are checked against, supported or not, from three kinds of sources.

mtrag: the sentences of reviewed reference answers, against their own passages, and against the nearest other passage
(GitHub IBM/mt-rag-benchmark, Apache 2.0). squad_v2_dev: sentences of paragraphs, reworded or with a planted fault, and
questions put together with a right or a wrong answer (GitHub chrischute/squad, SQuAD 2.0, CC BY-SA 4.0).
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.planted import FAULTS, REWORDINGS
from benchmarks.record import CorpusPassage, read_judgements, read_records, texts_of
from graph.text.sentences import plain, units
from graph.text.words import terms, weights
from graph.verification.claims import claims_of

FRAMING = re.compile(
    r"^(?:i (?:do not|don't|am|cannot)|sorry|unfortunately|sure|here (?:is|are))\b|[:?]$", re.IGNORECASE
)
WH = re.compile(
    r"\b(?:what|which)(?: (?:type|kind|sort)s? of)?(?: \w+){0,2}?"
    r"(?= (?:is|are|was|were|did|do|does|has|had|can|will)\b)"
    r"|\bhow (?:many|much|long|old|far)(?: \w+)?|\b(?:who|whom|where|when|what|which|why|how)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Case:
    """A claim, the passage it is checked against, and whether that supports it; `group` keeps halves apart."""

    claim: str
    passage: CorpusPassage
    supported: bool
    kind: str
    group: str


def mtrag_cases(folder: Path, most: int) -> list[Case]:
    """Sentences of reference answers: against the gold passages, and against the nearest other one."""
    texts, judged = texts_of(folder), read_judgements(folder / "qrels.tsv.gz")
    asked = [q for q in read_records(folder / "queries.jsonl.gz") if q["type"] == "answerable" and q["id"] in judged]
    chance = random.Random(11)
    found = [case for query in asked for case in _of_answer(query, judged[query["id"]], texts)]
    found = chance.sample(found, min(most, len(found)))
    near = Neighbours(texts)
    wrong = [_against_another(case, judged, near, chance) for case in found]
    return found + [case for case in wrong if case]


def _of_answer(query: dict[str, Any], gold: dict[str, int], texts: dict[str, CorpusPassage]) -> Iterator[Case]:
    passages = [texts[name] for name in gold if name in texts]
    for claim in claims_of(query["answers"][0]):
        said = plain(claim.text)
        if len(terms(said)) >= 4 and passages and not FRAMING.search(said):
            own = set(terms(said))
            best = max(passages, key=lambda passage: len(own & set(terms(passage.text))))
            yield Case(said, best, True, "reference answer", query["id"])


class Neighbours:
    """The passages of a set by the words that they share with a claim."""

    def __init__(self, texts: dict[str, CorpusPassage]) -> None:
        self.texts = texts
        self._terms = {name: set(terms(text.text)) for name, text in texts.items()}
        self._weights = weights(self._terms.values())

    def of(self, claim: str, without: set[str], most: int) -> list[CorpusPassage]:
        """The nearest, best first."""
        own = set(terms(claim))
        score = {
            name: sum(self._weights.get(term, 0.0) for term in own & held)
            for name, held in self._terms.items()
            if name not in without
        }
        return [self.texts[name] for name in sorted(score, key=lambda name: -score[name])[:most]]


def _against_another(
    case: Case, judged: dict[str, dict[str, int]], near: Neighbours, chance: random.Random
) -> Case | None:
    conversation = case.group.partition("<::>")[0]
    own = {name for query, names in judged.items() if query.startswith(conversation) for name in names}
    found = near.of(case.claim, own, 3)
    return Case(case.claim, chance.choice(found), False, "another passage", case.group) if found else None


def planted_cases(
    passages: Sequence[CorpusPassage], most: int, seed: int, elsewhere: Sequence[CorpusPassage] | None = None
) -> list[Case]:
    """Sentences of passages as they stand and reworded, and with each kind of fault planted into them.

    What is mixed in or invented comes from `elsewhere`, or from the other passages.
    """
    chance = random.Random(seed)
    chosen = chance.sample(list(passages), min(most, len(passages)))
    found: list[Case] = []
    for passage in chosen:
        told = [u.reading for u in units(passage.text) if 6 <= len(terms(u.reading)) <= 40]
        if told:
            wider = chosen if elsewhere is None else list(elsewhere)
            away = [other for other in chance.sample(wider, min(3, len(wider))) if other != passage]
            others = [unit.reading for other in away for unit in units(other.text)]
            found += _planted(chance.choice(told), passage, others, chance)
    return found


def _planted(claim: str, passage: CorpusPassage, others: list[str], chance: random.Random) -> Iterator[Case]:
    others = [other for other in others if len(terms(other)) >= 5]
    for kind, reword in REWORDINGS.items():
        if said := reword(claim):
            yield Case(said, passage, True, kind, passage.id)
    for kind, fault in FAULTS.items():
        if said := fault(claim, others, chance):
            yield Case(said, passage, False, kind, passage.id)
        reworded = chance.choice(list(REWORDINGS.values())[1:])(claim)
        if reworded and kind != "invented" and (said := fault(reworded, others, chance)):
            yield Case(said, passage, False, f"{kind}, reworded", passage.id)


def statement(question: str, answer: str) -> str:
    """A question with its question word replaced by an answer."""
    question = question.strip().rstrip("?").strip()
    said = WH.sub(lambda _: answer, question, count=1)
    return (said if said != question else f"{question}: {answer}") + "."
