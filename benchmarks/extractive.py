"""How often what is quoted holds a reference answer, where no model reads.

Set: the answerable questions of the reporting half of squad_v2_dev, each asked of the whole corpus (`corpus`) and of
the paragraph that answers it (`paragraph`). `quoted`: the share for which anything is quoted; `held`: the share whose
quotes hold a reference answer, word by word after SQuAD's normalisation; `held, of quoted`: of those that are quoted;
`best sentence`: the share whose best sentence alone holds one, whatever the confidence.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.pools import FILES, Pool, only_gold, pools, whole
from benchmarks.record import begin, print_table, record
from benchmarks.squad import holds
from graph.release import Release
from graph.steps.parts import split
from graph.steps.route import assess

SET = "squad_v2_dev"
GIVEN = {"corpus": whole, "paragraph": only_gold}

Figures = dict[str, float]


def main() -> None:
    data = begin(__doc__, [f"{SET}/{file}" for file in FILES])
    results = {name: measure(asked(data, name)) for name in GIVEN}
    columns = list(results["corpus"])
    print_table("", ("asked of", *columns), [(name, *found.values()) for name, found in results.items()])
    record("extractive", results)


def asked(data: Path, name: str) -> list[Pool]:
    """What is found for the questions; all of them have an answer."""
    return [pool for pool in pools(data, SET, GIVEN[name]) if pool.asked.gold and not pool.asked.develops]


def measure(found: Sequence[Pool]) -> Figures:
    """The shares of the questions."""
    said = [quoted(pool) for pool in found]
    held = [holds(text, pool.asked.answers) for text, pool in zip(said, found, strict=True)]
    best = [holds(pool.evidence[0]["text"], pool.asked.answers) for pool in found if pool.evidence]
    answered = sum(map(bool, said))
    return {
        "questions": len(found),
        "quoted": round(answered / len(found), 4),
        "held": round(sum(held) / len(found), 4),
        "held, of quoted": round(sum(held) / answered, 4) if answered else 0.0,
        "best sentence": round(sum(best) / len(found), 4),
    }


def quoted(pool: Pool) -> str:
    """What the default release quotes; empty where it declines."""
    least = Release().routing.answer_from
    assessed = assess(pool.question, split(pool.question), pool.passages, pool.weigh, answer_from=least)
    return "\n".join(quote["text"] for quote in assessed.selection["quotes"])


if __name__ == "__main__":
    main()
