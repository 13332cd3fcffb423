"""Trains graph/learned/confidence.json: how probable it is that what was found answers a question.

Sets: squad_v2_dev, whose unanswerable questions were written against a paragraph so that it seems to answer them;
mtrag, turns of conversations; hotpotqa_100. `X without`: the answerable questions of a set, and the same ones again
when the documents that answer them are taken away. Trained on the developing halves.

One logistic regression over the signs of graph/steps/route.py, calibrated to three answerable questions in four.
A set counts by its weight and not by how many questions it has. Each question counts half as what was found for it
and half as what a cross-encoder makes of that: not everywhere is there one.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import track

from benchmarks.fitting import fit, write
from benchmarks.pools import FILES, Pool, pools, whole, without_gold
from benchmarks.record import begin
from graph.learned import Logistic
from graph.models.cross_encoder import CrossEncoder
from graph.release import Release
from graph.steps.evidence import about_names
from graph.steps.parts import split
from graph.steps.route import Read, assess, by_reading, signs

SETS = {
    "squad_v2_dev": "SQuAD 2.0 by GitHub chrischute/squad, CC BY-SA 4.0",
    "mtrag": "GitHub IBM/mt-rag-benchmark, Apache 2.0",
    "hotpotqa_100": "HotpotQA by GitHub OSU-NLP-Group/HippoRAG, CC BY-SA 4.0",
}
WITHOUT = " without"
CLEAR = ("", "answerable", "bridge", "comparison")
"""Types of questions that the set's documents answer in full."""
TYPED = ("answerable", "unanswerable")
"""The types of squad_v2_dev and mtrag that are clearly one or the other."""
WEIGHTS = {
    "mtrag": 1.0,
    "mtrag without": 1.0,
    "squad_v2_dev": 0.5,
    "squad_v2_dev without": 1.0,
    "hotpotqa_100 without": 0.5,
}
ANSWERABLE = 0.75
PENALTY = 10.0
ROWS = 800
"""Questions that a set of weight 1 counts as."""
COMMAND = "python benchmarks/train_confidence.py DATA"


@dataclass(frozen=True)
class Sample:
    """A question of a set under its id, its type in the set, whether it can be answered, and what is made of it.

    `unread` are the signs of what was found, `signs` those of what would be quoted of it, as it was read; `fits` says
    whether anything is about what the question names. `related` and `sure` are the confidences of graph.steps.route,
    before and after what the question names is looked for; `quoted` says whether the default release quotes anything.
    A question of several parts is judged by what was found for the whole.
    """

    set: str
    id: str
    develops: bool
    type: str
    answerable: bool
    signs: dict[str, float]
    unread: dict[str, float]
    fits: bool
    related: float
    sure: float
    quoted: bool


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    write(train([sample for sample in samples(data) if sample.develops]), SETS, COMMAND)


def samples(data: Path) -> list[Sample]:
    """Every sample of every set; a question for which nothing is found is none: there is nothing to be sure of."""
    read = CrossEncoder().scores
    pairs = ((name, _tracked(data, name), _tracked(data, name + WITHOUT)) for name in SETS)
    return [sample for name, found, without in pairs for sample in of_set(name, found, without, read)]


def _tracked(data: Path, name: str) -> Iterator[Pool]:
    given = without_gold if name.endswith(WITHOUT) else whole
    yield from track(list(pools(data, name.removesuffix(WITHOUT), given)), f"Looking at {name}")


def of_set(name: str, found: Iterable[Pool], without: Iterable[Pool], read: Read | None = None) -> Iterator[Sample]:
    """The samples of a set out of what was found for its questions, with and without the documents that answer."""
    for pool in found:
        if pool.evidence:
            sample = sample_of(name, pool, read, answerable=pool.asked.type != "unanswerable")
            yield sample
            if pool.asked.gold and sample.type in CLEAR:
                yield replace(sample, set=name + WITHOUT)
    for pool in without:
        if pool.evidence and pool.asked.type in CLEAR:
            yield sample_of(name + WITHOUT, pool, read, answerable=False)


def sample_of(name: str, pool: Pool, read: Read | None = None, *, answerable: bool) -> Sample:
    """What the confidence looks at for a question, and what the default release makes of it."""
    asked, question = pool.asked, pool.question
    least = Release().routing.answer_from
    assessed = assess(question, split(question), pool.passages, pool.weigh, answer_from=least, read=read)
    fitting, told = about_names(question, pool.passages, pool.evidence).fitting, None
    fits = bool(fitting)
    if fits and read:
        fitting, told = by_reading(question, fitting, read)
    return Sample(
        name,
        asked.id,
        asked.develops,
        asked.type,
        answerable,
        signs((fitting or pool.evidence)[0], told),
        signs(pool.evidence[0]),
        fits,
        assessed.related,
        assessed.selection["confidence"],
        bool(assessed.selection["quotes"]),
    )


def of(chosen: Sequence[Sample], name: str) -> list[Sample]:
    """The samples of one set that are clearly answerable or unanswerable."""
    typed = name.removesuffix(WITHOUT) in ("squad_v2_dev", "mtrag")
    return [each for each in chosen if each.set == name and (not typed or each.type in TYPED)]


def train(chosen: Sequence[Sample], left_out: str = "-", unweighed: Collection[str] = ()) -> Logistic:
    """The weights; sets whose name begins with `left_out` are not looked at, nor are the signs that are unweighed."""
    rows: list[tuple[Sample, float]] = []
    for name, weight in WEIGHTS.items():
        for label, share in ((True, ANSWERABLE), (False, 1 - ANSWERABLE)):
            own = [each for each in of(chosen, name) if each.answerable is label and not name.startswith(left_out)]
            rows += [(sample, ROWS * weight * share / len(own)) for sample in own]
    told = [(each, sample.answerable, count / 2) for sample, count in rows for each in (sample.signs, sample.unread)]
    values = [{sign: value for sign, value in each.items() if sign not in unweighed} for each, _, _ in told]
    labels, counts = [float(answerable) for _, answerable, _ in told], [count for _, _, count in told]
    return fit("confidence", values, labels, PENALTY, counts)


if __name__ == "__main__":
    main()
