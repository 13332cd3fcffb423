"""How well the verifier tells what language models made up from what they read.

Set: model_claims, claims that small models wrote over passages, labelled by reading (see its README). No weight was
learned from it; its developing part was looked at while the rules were written.
Figures: the share of unsupported claims that score below .5, the share of supported ones that do, AUROC, and the same
with a perfect judge (scripted: it answers with the labels, one call an answer) for the claims that the rules are
unsure of. Brackets: 95 % bootstrap intervals over questions' passages.
"""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import Target, begin, cores, print_table, read_records, record
from graph.index.local import EmbeddedSimilarity
from graph.models.packaged_embeddings import load_embedder
from graph.release import Release
from graph.state import Passage, Usage
from graph.verification import verify_with

DRAWS = 1000
Row = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """A claim of the set with its score, alone and after the judge."""

    row: Row
    score: float
    judged: float

    @property
    def group(self) -> str:
        return json.dumps(self.row["passages"])


class Labels:
    """A judge that knows the label of the claim that it is asked about, and quotes the passage that holds it."""

    def __init__(self, row: Row) -> None:
        self._row = row

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        usage["calls"] += 1
        if self._row["label"] == "unsupported":
            return json.dumps({"claims": [{"claim": 1, "verdict": "not_found"}]})
        held = self._row["held_by"] or (self._row["cited"] or [1])[0]
        quote = passages[held - 1]["text"].split("\n")[0]
        told = {"claim": 1, "verdict": "supported", "passage": held, "quote": quote}
        return json.dumps({"claims": [told]})


def main() -> None:
    data = begin(__doc__, ["model_claims/claims.jsonl.gz"])
    scored = asyncio.run(score_all(data / "model_claims"))
    found = figures(scored)
    print_table("model_claims", ("figure", "value"), [(name, str(value)) for name, value in found.items()])
    record(
        "model_claims",
        found,
        [
            Target("unsupported caught, rules alone", found["caught"], at_least=0.88),
            Target("supported lost, rules alone", found["lost"], at_most=0.08),
            Target("AUROC, rules alone", found["auroc"], at_least=0.94),
            Target("unsupported caught, perfect judge", found["caught_judged"], at_least=0.97),
            Target("supported lost, perfect judge", found["lost_judged"], at_most=0.02),
        ],
    )


async def score_all(folder: Path) -> list[Scored]:
    similarity = EmbeddedSimilarity(load_embedder(Release().embedding, cores()))
    rows = [row for row in read_records(folder / "claims.jsonl.gz") if row["label"] != "unsure"]
    return [await _scored(row, similarity) for row in rows]


async def _scored(row: Row, similarity: EmbeddedSimilarity) -> Scored:
    """A claim is held against what it cites; one of which another passage holds it, against that one."""
    cited = [row["held_by"]] if row["label"] == "supported_elsewhere" else row["cited"]
    answer = row["claim"] + "".join(f" [{number}]" for number in cited)
    scores = []
    for model in (None, Labels(row)):
        report = await verify_with(row["question"], answer, row["passages"], similarity=similarity, model=model)
        # One claim of the set can be two sentences: it holds when both do.
        scores.append(min((claim.score for claim in report.claims), default=0.0))
    return Scored(row, scores[0], scores[1])


def figures(scored: Sequence[Scored]) -> dict[str, Any]:
    own = [each for each in scored if each.row["label"] != "supported_elsewhere"]
    by_fault: dict[str, list[bool]] = defaultdict(list)
    for each in own:
        if each.row["label"] == "unsupported":
            by_fault[each.row["fault"]].append(each.score < 0.5)
    low, high = interval(own)
    return {
        "claims": len(own),
        "caught": caught(own),
        "caught_interval": [low[0], high[0]],
        "lost": lost(own),
        "lost_interval": [low[1], high[1]],
        "auroc": auroc(own),
        "auroc_interval": [low[2], high[2]],
        "caught_by_fault": {fault: share(found) for fault, found in sorted(by_fault.items())},
        "lost_where_another_passage_was_cited": share(
            each.score < 0.5 for each in scored if each.row["label"] == "supported_elsewhere"
        ),
        "caught_judged": share(each.judged < 0.5 for each in own if each.row["label"] == "unsupported"),
        "lost_judged": share(each.judged < 0.5 for each in own if each.row["label"] == "supported"),
    }


def caught(own: Iterable[Scored]) -> float:
    return share(each.score < 0.5 for each in own if each.row["label"] == "unsupported")


def lost(own: Iterable[Scored]) -> float:
    return share(each.score < 0.5 for each in own if each.row["label"] == "supported")


def auroc(own: Sequence[Scored]) -> float:
    good = [each.score for each in own if each.row["label"] == "supported"]
    bad = [each.score for each in own if each.row["label"] == "unsupported"]
    return round(sum((g > b) + (g == b) / 2 for g in good for b in bad) / max(1, len(good) * len(bad)), 4)


def interval(own: Sequence[Scored]) -> tuple[list[float], list[float]]:
    """The bounds of the three figures over draws of whole groups of passages."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for each in own:
        groups[each.group].append(each)
    chance, drawn = random.Random(0), []
    for _ in range(DRAWS):
        picked = [each for group in chance.choices(list(groups.values()), k=len(groups)) for each in group]
        drawn.append((caught(picked), lost(picked), auroc(picked)))
    columns = [sorted(column) for column in zip(*drawn, strict=True)]
    return [c[int(0.025 * DRAWS)] for c in columns], [c[int(0.975 * DRAWS)] for c in columns]


def share(found: Iterable[bool]) -> float:
    listed = list(found)
    return round(sum(listed) / len(listed), 4) if listed else 0.0


if __name__ == "__main__":
    main()
