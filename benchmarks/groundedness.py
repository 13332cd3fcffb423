"""How well the groundedness score agrees with people, and its weights: graph/learned/groundedness.json.

Set: mtrag human_judged_answers (GitHub IBM/mt-rag-benchmark, Apache 2.0): 318 answers of two models, each with three
human ratings of faithfulness from 1 to 4. Figure: Spearman's correlation of the score with the median rating, each
answer scored by weights that were fitted on the other conversations (5 folds, mean over 10 ways to draw them), with a
bootstrap interval over conversations. Beside it: word overlap, the embedding, and the set's own RAGAS faithfulness.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from benchmarks.fitting import fit, write
from benchmarks.record import Target, begin, cores, print_table, read_records, record, texts_of
from evals.metrics.vectors import EMBEDDING
from graph.models.embedding import Embedder
from graph.models.packaged_embeddings import load_embedder
from graph.text.words import terms, weights
from graph.verification.claims import claims_of, plain_claim
from graph.verification.groundedness import answer_features
from graph.verification.passages import PreparedPassage, prepare_passage

FOLDS, DRAWS, PENALTY = 5, 10, 5.0
LABELS, PEOPLE = "human_judged_answers.jsonl.gz", "reference"
"""The answers of models with their ratings; and as which model those that people wrote are among them."""
TURN = "<::>"
"""Between a conversation's id and the number of its turn."""
SOURCE = {"mtrag human_judged_answers": "GitHub IBM/mt-rag-benchmark, Apache 2.0"}


@dataclass(frozen=True)
class Rated:
    """An answer's features, its ratings, its conversation, and the automatic score that the set carries."""

    values: dict[str, float]
    median: float
    share: float
    conversation: str
    ragas: float


def main() -> None:
    data = begin(__doc__, ["mtrag/corpus.jsonl.gz", f"mtrag/{LABELS}"])
    rated = rate(data / "mtrag")
    draws = [cross_validated(rated, draw) for draw in range(DRAWS)]
    medians = [each.median for each in rated]
    ours = float(np.mean([agreement(scores, medians) for scores in draws]))
    beside = {name: agreement([r.values[name] for r in rated], medians) for name in ("words", "similarity")}
    beside["ragas faithfulness"] = agreement([r.ragas for r in rated], medians)
    clusters = [each.conversation for each in rated]
    low, high = interval(np.mean(draws, axis=0), np.array(medians), np.array(clusters))
    ends = {"low": round(low, 4), "high": round(high, 4)}
    results = {"spearman": round(ours, 4), **ends, "answers": len(rated), "beside": beside}
    print_table("Agreement with the median rating", ("score", "Spearman"), [("groundedness", ours), *beside.items()])
    record("groundedness", results, [Target("Spearman with median faithfulness", round(ours, 4), at_least=0.70)])
    model = fit("groundedness", [r.values for r in rated], [r.share for r in rated], PENALTY)
    write(model, SOURCE, "python benchmarks/groundedness.py DATA", {"answers": len(rated)})


def rate(folder: Path) -> list[Rated]:
    """Every answer of the two models with its features."""
    texts = texts_of(folder)
    weight = weights(set(terms(text.text)) for text in texts.values())
    rarest = max(weight.values())
    embedder = load_embedder(EMBEDDING, cores())
    found = []
    for answer in (each for each in read_records(folder / LABELS) if each["model"] != PEOPLE):
        passages, ratings = [texts[name] for name in answer["context_ids"]], answer["human"]["faithfulness"]
        sources = [prepare_passage(text.text, "", text.title) for text in passages]
        claims = [plain_claim(claim.text) for claim in claims_of(answer["answer"])]
        near = similarities(embedder, claims, sources)
        values = answer_features(claims, sources, near, lambda term: weight.get(term, rarest))
        share, conversation = (statistics.mean(ratings) - 1) / 3, answer["query_id"].partition(TURN)[0]
        found.append(Rated(values, statistics.median(ratings), share, conversation, answer["automatic"]["rl_f"]))
    return found


def similarities(embedder: Embedder, claims: Sequence[str], sources: Sequence[PreparedPassage]) -> list[float]:
    """The best cosine of each claim to a unit of any passage."""
    units = [unit.reading for found in sources for unit in found.units]
    if not units or not claims:
        return [0.0] * len(claims)
    table = embedder.embed(claims) @ embedder.embed(units).T
    return [float(best) for best in table.max(axis=1)]


def cross_validated(rated: Sequence[Rated], draw: int) -> NDArray[np.float64]:
    """Each answer's score by weights that have not seen its conversation."""
    names = sorted({each.conversation for each in rated})
    order = np.random.default_rng(draw).permutation(len(names))
    fold = {names[index]: place % FOLDS for place, index in enumerate(order)}
    scores = np.zeros(len(rated))
    for held_out in range(FOLDS):
        seen = [each for each in rated if fold[each.conversation] != held_out]
        model = fit("groundedness", [e.values for e in seen], [e.share for e in seen], PENALTY)
        for place, each in enumerate(rated):
            if fold[each.conversation] == held_out:
                scores[place] = model.score(each.values)
    return scores


def agreement(scores: Sequence[float] | NDArray[np.float64], medians: Sequence[float]) -> float:
    return round(float(spearmanr(scores, medians).statistic), 4)


def interval(
    scores: NDArray[np.float64], medians: NDArray[np.float64], conversations: NDArray[np.str_]
) -> tuple[float, float]:
    """The percentile interval of Spearman's correlation, by drawing whole conversations again."""
    places = [np.flatnonzero(conversations == name) for name in dict.fromkeys(conversations)]

    def drawn(chosen: NDArray[np.intp]) -> float:
        index = np.concatenate([places[place] for place in chosen])
        return float(spearmanr(scores[index], medians[index]).statistic)

    units = (np.arange(len(places)),)
    ends = bootstrap(units, drawn, n_resamples=999, vectorized=False, method="percentile", rng=0).confidence_interval
    return float(ends.low), float(ends.high)


if __name__ == "__main__":
    main()
