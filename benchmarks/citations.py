"""How many citations are right, how many planted faults are caught, and how many true claims are lost.

Sets: squad_v2_dev (GitHub chrischute/squad, CC BY-SA 4.0), the paragraphs of its reporting half, each beside the five
paragraphs that are nearest to it; and samples/handbook of this repository, through the whole graph. A scripted model
writes drafts of true sentences (as they stand and reworded) with right markers, with markers of other passages, and
without any, and of sentences with a planted fault (benchmarks/planted.py): invented numbers, units, names, denials,
opposites, two sources mixed, sentences of documents that were not given.

Precision: of the citations given, the share whose passage the claim was taken from or that holds it word by word.
Recall: of the true claims, the share that is kept with such a citation. Caught: of the faulty claims, the share that is
not in the answer. Lost: of the true claims, the share that is not in the answer. A sentence of a document of which a
later version was given too is neither true nor faulty, and is not written.
"""

import asyncio
import random
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from benchmarks.claims import Case, Neighbours, planted_cases
from benchmarks.fitting import develops
from benchmarks.record import ROOT, CorpusPassage, Target, begin, cores, print_table, read_records, record, texts_of
from benchmarks.stores import run_index
from graph.backend import Backend, Brief
from graph.builder import build_graph
from graph.connect import connect
from graph.index.local import EmbeddedSimilarity
from graph.models.packaged_embeddings import load_embedder
from graph.release import Models, Release, Routing
from graph.settings import Settings
from graph.state import Citation, Passage, Usage, no_usage
from graph.text.sentences import units
from graph.text.words import terms, weights
from graph.verification.claims import claims_of
from graph.verification.repair import CheckedAnswer
from graph.verification.verifier import Verifier

SAMPLES = ROOT / "samples"
CITED = ("right", "wrong", "none")
"""How the scripted model cites a claim."""
BESIDE = 5
YEAR = re.compile(r"\d{4}")
PIECE = 4
"""Words at a claim's end by which the paragraph is known that they were taken from."""
CASES = 600


@dataclass(frozen=True)
class Told:
    """What the scripted model was told to write: one claim with its marker, and the passages that it was given."""

    case: Case
    cited: str
    draft: str
    passages: list[Passage]


def main() -> None:
    data = begin(__doc__, ["squad_v2_dev/corpus.jsonl.gz"])
    squad = asyncio.run(on_squad(data / "squad_v2_dev"))
    handbook = on_handbook()
    results = {"squad_v2_dev": figures(squad), "handbook": figures(handbook)}
    for name, found in results.items():
        print_table(name, ("figure", "value"), [(key, value) for key, value in found.items() if key != "by kind"])
        print_table(f"{name}: share in the answer", ("kind", "share"), list(found["by kind"].items()))
    record("citations", results, [target for name in results for target in targets(name, results[name])])


def targets(name: str, found: dict[str, Any]) -> list[Target]:
    return [
        Target(f"{name} citation precision", found["precision"], at_least=0.95),
        Target(f"{name} citation recall", found["recall"], at_least=0.90),
        Target(f"{name} planted faults caught", found["caught"], at_least=0.97),
        Target(f"{name} true claims lost", found["lost"], at_most=0.02),
    ]


Seen = tuple[Told, CheckedAnswer]


async def on_squad(folder: Path) -> list[Seen]:
    """Draft after draft of one claim, checked against the paragraph that it is from and its neighbours."""
    texts = {name: text for name, text in texts_of(folder).items() if not develops(name)}
    cases = planted_cases(list(texts.values()), CASES, seed=17)
    weight = weights(set(terms(text.text)) for text in texts.values())
    rarest = max(weight.values())
    similarity = EmbeddedSimilarity(load_embedder(Release().embedding, cores()))
    verifier = Verifier(similarity, lambda term: weight.get(term, rarest), Release().checking)
    near, chance = Neighbours(texts), random.Random(23)
    cases = chance.sample(cases, min(CASES, len(cases)))
    told = [_told(case, [case.passage, *_beside(case, near)], chance) for case in cases]
    return [(each, await verifier.check(each.draft, each.passages, no_usage())) for each in told]


def _beside(case: Case, near: Neighbours) -> list[CorpusPassage]:
    """The paragraphs nearest to a claim's own, but for the one that a planted piece of it is from."""
    end = " ".join(case.claim.split()[-PIECE:])
    found = near.of(case.passage.text, {case.passage.id}, 2 * BESIDE)
    return [text for text in found if case.supported or end not in " ".join(text.text.split())][:BESIDE]


def _told(case: Case, given: Sequence[CorpusPassage], chance: random.Random) -> Told:
    passages = [_passage(text) for text in chance.sample(list(given), len(given))]
    own = next(number for number, passage in enumerate(passages, 1) if passage["id"] == case.passage.id)
    cited = chance.choice(CITED)
    return Told(case, cited, written(case.claim, cited, own, len(passages), chance), passages)


def written(claim: str, cited: str, own: int, count: int, chance: random.Random) -> str:
    """A claim with its marker as the scripted model gives it."""
    others = [number for number in range(1, count + 1) if number != own]
    number = {"right": own, "wrong": chance.choice(others) if others else own}.get(cited)
    return f"{claim} [{number}]" if number else claim


def _passage(text: CorpusPassage) -> Passage:
    place: dict[str, Any] = {"start": 0, "end": len(text.text), "page": None, "page_breaks": [], "header": ""}
    about = {"id": text.id, "document": text.id, "file": text.id, "title": text.title, "section": "", "text": text.text}
    scores: dict[str, Any] = {"score": 1.0, "lexical": None, "vector": None, "similar": [], "metadata": {}}
    return cast(Passage, {**about, **place, **scores})


class Scripted:
    """A model that writes one claim of the first passages that it is given, as it is told."""

    name = "scripted:faults"

    def __init__(self, seed: int, met: dict[str, CorpusPassage]) -> None:
        self._chance, self._met = random.Random(seed), met
        self.told: list[Told] = []

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        in_force = [p for p in brief.passages if not _is_replaced(p, brief.passages)]
        texts = [CorpusPassage(p["id"], p["title"], p["text"]) for p in in_force]
        away = [text for name, text in self._met.items() if name not in {own.id for own in texts}]
        self._met.update((text.id, text) for text in texts)
        cases = planted_cases(texts[:3], 3, seed=self._chance.randrange(10**6), elsewhere=away)
        cases = [case for case in cases if _one_claim(case.claim) and not _is_true_elsewhere(case, brief.passages)]
        if not cases:
            yield "I don't know."
            return
        case, cited = self._chance.choice(cases), self._chance.choice(CITED)
        own = next(n for n, passage in enumerate(brief.passages, 1) if passage["id"] == case.passage.id)
        draft = written(case.claim, cited, own, len(brief.passages), self._chance)
        self.told.append(Told(case, cited, draft, brief.passages))
        yield draft


def _is_replaced(passage: Passage, given: Sequence[Passage]) -> bool:
    """Whether a later version of its document is among the given passages: what it says is then no longer true."""
    name, date = YEAR.sub("", passage["file"]), str(passage["metadata"]["effective_date"])
    return any(YEAR.sub("", p["file"]) == name and str(p["metadata"]["effective_date"]) > date for p in given)


def _one_claim(text: str) -> bool:
    return len(claims_of(text)) == 1


def _is_true_elsewhere(case: Case, passages: Sequence[Passage]) -> bool:
    """Whether a planted fault stands as it is in a passage that was given: then it is none."""
    return not case.supported and any(_stands(case.claim, passage) for passage in passages)


def _stands(claim: str, passage: Passage) -> bool:
    return any(unit.reading == claim for unit in units(passage["text"], passage["header"]))


def on_handbook(rounds: int = 20) -> list[Seen]:
    """The sample questions asked of the graph, with the scripted model in the place of the real one."""
    release = Release(
        models=Models(simple="scripted:faults", complex="scripted:faults"), routing=Routing(read_from=0.0)
    )
    with tempfile.TemporaryDirectory() as place:
        run_index([SAMPLES / "handbook"], Path(place), Release())
        return asyncio.run(_rounds(release, Path(place), rounds))


async def _rounds(release: Release, store: Path, rounds: int) -> list[Seen]:
    world = await connect(Settings(index=store, cache_seconds=0), Release())
    return [seen for seed in range(rounds) for seen in await _one_round(release, world, seed)]


async def _one_round(release: Release, world: Backend, seed: int) -> list[Seen]:
    found: list[Seen] = []
    met: dict[str, CorpusPassage] = {}
    for question in read_records(SAMPLES / "questions.jsonl"):
        model = Scripted(seed * 1000 + len(found), met)
        graph = build_graph(release, replace(world, writers={**world.writers, model.name: model}))
        answer = (await graph.ainvoke({key: question[key] for key in ("question", "filters", "groups")}))["answer"]
        if model.told:
            stood = answer["rung"] == "primary" and answer["status"] != "declined"
            text, given = (answer["text"], answer["citations"]) if stood else ("", [])
            found.append((model.told[0], CheckedAnswer(text, given, int(stood), int(not stood), answer["repairs"])))
    return found


def figures(seen: Sequence[Seen]) -> dict[str, Any]:
    """The four shares, and by kind of claim the share that is in the answer."""
    true = [(told, checked) for told, checked in seen if told.case.supported]
    false = [(told, checked) for told, checked in seen if not told.case.supported]
    given = [_is_right(told, citation) for told, checked in seen for citation in checked.citations]
    kept = [any(_is_right(told, citation) for citation in checked.citations) for told, checked in true]
    counts = Counter(told.case.kind for told, _ in seen)
    in_answer = Counter(told.case.kind for told, checked in seen if checked.cited)
    return {
        "claims": len(seen),
        "precision": _share(sum(given), len(given)),
        "recall": _share(sum(kept), len(kept)),
        "caught": _share(sum(not checked.cited for _, checked in false), len(false)),
        "lost": _share(sum(not checked.cited for _, checked in true), len(true)),
        "by kind": {kind: _share(in_answer[kind], counts[kind]) for kind in sorted(counts)},
    }


def _is_right(told: Told, citation: Citation) -> bool:
    """Whether the claim is true and the cited passage is its own, or holds the sentence that it was made from."""
    if not told.case.supported:
        return False
    if citation["passage"] == told.case.passage.id:
        return True
    passage = next(p for p in told.passages if p["id"] == citation["passage"])
    return _stands(told.case.claim, passage)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


if __name__ == "__main__":
    main()
