"""Trains graph/learned/support.json: how likely a passage supports a claim, from eleven features of both.

Sets: the developing halves of mtrag (sentences of reference answers against their own and against other passages) and
of squad_v2_dev (sentences with planted faults; right, wrong and merely plausible answers to its questions, put
together with the question or alone, beside another paragraph of the same article). Claims that stand in their passage
word by word teach nothing and are left out. Nothing is learned from model_claims, on which benchmarks/model_claims.py
reports.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import mtrag_cases, planted_cases, statement
from benchmarks.fitting import develops, fit, write
from benchmarks.record import CorpusPassage, begin, cores, print_table, read_records, texts_of
from graph.learned import Logistic
from graph.models.embedding import relative_cosines
from graph.models.packaged_embeddings import load_embedder
from graph.release import Release
from graph.text.words import TermWeight, terms, weights
from graph.verification.claims import interpret_claim
from graph.verification.features import Features, features
from graph.verification.passages import prepare_passage
from graph.verification.rivals import best_question_overlap, question_overlap
from graph.verification.rules import find_verbatim, nearest_units

SETS = {
    "mtrag": "GitHub IBM/mt-rag-benchmark, Apache 2.0",
    "squad_v2_dev": "SQuAD 2.0 by GitHub chrischute/squad, CC BY-SA 4.0",
}
QUESTIONS, PLANTED, REFERENCES = 700, 250, 300
FRAGMENTS = 0.35
"""The share of answers that stand alone rather than in a sentence."""
PENALTY = 20.0
HARD = ("copied", "other_cell")
"""Features that only hard rules look at."""


@dataclass(frozen=True)
class Example:
    """A claim and whether the first of the passages supports it."""

    kind: str
    question: str
    claim: str
    passages: tuple[CorpusPassage, ...]
    supported: bool


def main() -> None:
    data = begin(__doc__, [f"{name}/corpus.jsonl.gz" for name in SETS])
    examples = list(examples_of(data))
    rows = features_of(examples, weigh_over(data))
    kept = [n for n, own in enumerate(rows) if own]
    examples, rows = [examples[n] for n in kept], [rows[n] for n in kept]
    model = train(examples, rows)
    report(examples, rows, model)
    write(model, SETS, "python benchmarks/train_support.py DATA", {"cases": len(examples)})


def examples_of(data: Path) -> Iterator[Example]:
    chance = random.Random(7)
    squad = {name: text for name, text in texts_of(data / "squad_v2_dev").items() if develops(name)}
    titles: dict[str, list[CorpusPassage]] = {}
    for text in squad.values():
        titles.setdefault(text.title, []).append(text)

    def around(text: CorpusPassage) -> tuple[CorpusPassage, ...]:
        others = [other for other in titles[text.title] if other.id != text.id]
        return (text, chance.choice(others)) if others else (text,)

    for query, kind, answer, supported in answers_of(data / "squad_v2_dev", squad, chance):
        alone = chance.random() < FRAGMENTS
        claim, passage = answer if alone else statement(query["text"], answer), squad[query["metadata"]["passage_id"]]
        yield Example(kind + " alone" * alone, query["text"], claim, around(passage), supported)
    for case in planted_cases(list(squad.values()), PLANTED, 3):
        yield Example(case.kind, "", case.claim, around(case.passage), case.supported)
    for case in mtrag_cases(data / "mtrag", REFERENCES):
        if develops(case.group.partition("<::>")[0]):
            yield Example(case.kind, "", case.claim, (case.passage,), case.supported)


def answers_of(
    folder: Path, squad: Mapping[str, CorpusPassage], chance: random.Random
) -> Iterator[tuple[dict[str, Any], str, str, bool]]:
    """Questions with a right answer, one of another question, or one that is only plausible."""
    asked = [q for q in read_records(folder / "queries.jsonl.gz") if q["metadata"]["passage_id"] in squad]
    answers: dict[str, list[str]] = {}
    for query in asked:
        answers.setdefault(query["metadata"]["passage_id"], []).extend(query["answers"][:1])
    for query in chance.sample(asked, min(QUESTIONS, len(asked))):
        right, beside = query["answers"][:1], answers[query["metadata"]["passage_id"]]
        others = [answer for answer in beside if right and not _overlap(answer, right[0])]
        yield from ((query, "right answer", answer, True) for answer in right)
        yield from ((query, "wrong answer", answer, False) for answer in others[:1] if chance.random() < 0.5)
        for answer in query["metadata"].get("plausible_answers", [])[:1]:
            yield query, "plausible answer", answer, False


def _overlap(one: str, other: str) -> bool:
    return bool(set(terms(one)) & set(terms(other)))


def weigh_over(data: Path) -> TermWeight:
    """How telling a term is over the passages of both sets."""
    own = weights(set(terms(text.text)) for name in SETS for text in texts_of(data / name).values())
    rarest = max(own.values())
    return lambda term: own.get(term, rarest)


def features_of(examples: Sequence[Example], weigh: TermWeight) -> list[list[Features]]:
    """The features of each claim's nearest units; none for a verbatim claim."""
    cases = []
    for each in examples:
        passages = [prepare_passage(text.text, "", text.title) for text in each.passages]
        claim = interpret_claim(each.claim, each.question, each.passages[0].text)
        units = [] if find_verbatim(claim, passages[0]) else nearest_units(claim, passages[0], weigh)
        query = f"{each.question} {each.claim}" if claim.needs_question else each.claim
        cases.append((claim, passages, units, query))
    texts = {query for _, _, units, query in cases if units}
    texts |= {passages[0].unit_texts[n].text for _, passages, units, _ in cases for n in units}
    embedder = load_embedder(Release().embedding, cores())
    vectors = dict(zip(sorted(texts), embedder.embed(sorted(texts)), strict=True))
    rows = []
    for claim, passages, units, query in cases:
        passage, has_terms = passages[0], bool(claim.question_terms)
        best = best_question_overlap(claim, passages, weigh) if has_terms else 0.0
        overlaps = {
            n: question_overlap(claim, passage.unit_texts[n], passage.unit_contexts[n], weigh) if has_terms else 0.0
            for n in units
        }
        cosines = np.array([vectors[query] @ vectors[passage.unit_texts[n].text] for n in units])
        rows.append(
            [
                features(claim, n, passage, float(cosine), weigh, max(0.0, best - overlaps[n]))
                for n, cosine in zip(units, relative_cosines(cosines, embedder.unrelated), strict=True)
            ]
        )
    return rows


def train(examples: Sequence[Example], rows: Sequence[Sequence[Features]]) -> Logistic:
    """Fit on the unit that holds most, then twice more on the unit that the weights before prefer."""
    labels, counts = [float(each.supported) for each in examples], _balanced(examples)
    rows = [[{name: row[name] for name in row if name not in HARD} for row in own] for own in rows]
    chosen = [max(own, key=lambda row: row["held"] + row["answer"]) for own in rows]
    for _ in range(3):
        model = fit("support", chosen, labels, PENALTY, counts)
        chosen = [max(own, key=model.score) for own in rows]
    return model


def _balanced(examples: Sequence[Example]) -> list[float]:
    """Each kind counts alike among the supported and among the others; both sides count alike, 1000 in all."""
    kinds = Counter((each.supported, each.kind) for each in examples)
    sides = Counter(side for side, _ in kinds)
    return [1000 / (2 * sides[e.supported] * kinds[e.supported, e.kind]) for e in examples]


def report(examples: Sequence[Example], rows: Sequence[Sequence[Features]], model: Logistic) -> None:
    """The share of each kind that passes."""
    scores = [max(map(model.probability, own)) for own in rows]
    kinds: dict[tuple[bool, str], list[bool]] = {}
    for each, score in zip(examples, scores, strict=True):
        kinds.setdefault((each.supported, each.kind), []).append(score >= 0.5)
    told = [("true" if side else "false", kind, len(own), sum(own) / len(own)) for (side, kind), own in kinds.items()]
    print_table("Share that passes", ("", "kind", "cases", ">= 0.5"), sorted(told))


if __name__ == "__main__":
    main()
