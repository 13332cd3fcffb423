"""How near the extractive answers are to the reference answers: token F1 and exact match, by SQuAD's normalisation.

Set: the answerable questions of the reporting half of squad_v2_dev, each asked of the whole corpus (`corpus`) and of
the paragraph that answers it (`paragraph`), whatever the confidence. Styles: `short` always gives the best span, `auto`
(the default) gives it when it is sure enough and sentences otherwise, `sentences` gives sentences; `best sentence` is
one sentence. Of `auto` also the short answers alone.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.pools import FILES, Pool, only_gold, pools, whole
from benchmarks.record import begin, print_table, record
from benchmarks.squad import exact, f1
from graph.release import Release
from graph.writing.extractive import Quote, Style, answer

SET = "squad_v2_dev"
STYLES: tuple[Style, ...] = ("short", "auto", "sentences")
GIVEN = {"corpus": whole, "paragraph": only_gold}

Figures = dict[str, float]


def main() -> None:
    data = begin(__doc__, [f"{SET}/{file}" for file in FILES])
    results = measure(data)
    rows = [(given, style, *found.values()) for given, styles in results.items() for style, found in styles.items()]
    print_table("", ("asked of", "style", "questions", "F1", "exact"), rows)
    record("extractive", results)


def measure(data: Path) -> dict[str, dict[str, Figures]]:
    """The figures by what was given and by style."""
    results = {}
    for name, given in GIVEN.items():
        asked = [pool for pool in pools(data, SET, given) if pool.asked.gold and not pool.asked.develops]
        results[name] = by_style(asked)
    return results


def by_style(asked: Sequence[Pool]) -> dict[str, Figures]:
    """F1 and exact match of every style over the same questions."""
    said = {style: [write(pool, style) for pool in asked] for style in STYLES}
    found: dict[str, Figures] = {style: figures(asked, quotes) for style, quotes in said.items()}
    short = [n for n, quotes in enumerate(said["auto"]) if any(quote.short for quote in quotes)]
    found["auto, short ones"] = figures([asked[n] for n in short], [said["auto"][n] for n in short])
    best = [[Quote(unit["text"], unit["passage"]) for unit in pool.evidence[:1]] for pool in asked]
    return {**found, "best sentence": figures(asked, best)}


def write(pool: Pool, style: Style) -> list[Quote]:
    most = Release().generation.sentences
    return answer(pool.question, pool.passages, pool.evidence, most, style=style, weigh=pool.weigh)


def figures(pools: Sequence[Pool], said: Sequence[Sequence[Quote]]) -> Figures:
    """Means over the questions."""
    texts = [" ".join(quote.text for quote in quotes) for quotes in said]
    scored = [(f1(text, p.asked.answers), exact(text, p.asked.answers)) for text, p in zip(texts, pools, strict=True)]
    sums = [sum(column) for column in zip(*scored, strict=True)]
    return {"questions": len(pools), "f1": round(sums[0] / len(pools), 4), "exact": round(sums[1] / len(pools), 4)}


if __name__ == "__main__":
    main()
