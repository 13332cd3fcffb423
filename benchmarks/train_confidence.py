"""Trains graph/learned/confidence*.json: how probable it is that what was found answers a question.

Sets: see benchmarks/answerability.py; their developing halves only. `near` learns whether the evidence is about the
question, from conversations and from questions whose documents were taken away; `holds` learns whether it says what is
asked, from the questions that were written to have no answer, by a logistic and by trees whose mean counts;
`confidence` weighs both and is calibrated to three answerable questions in four; questions that were written to have no
answer count as much as those of conversations and of missing documents together. It is fitted on what models say that
have not seen the question, since trees know what they were grown on better than others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from graph.finding.confidence import Confidence

from benchmarks.answerability import SETS, WITHOUT, Sample, of, samples
from benchmarks.fitting import boost, fit, write
from benchmarks.pools import FILES
from benchmarks.record import begin
from graph.learned import Logistic, Mean

NEAR = (
    "passage_best ahead held_near held_any polar asks_kind length similar similar_best similar_three late late_three"
).split()
HOLDS = (
    "denies_alone opposed opposed_near names_lost_near names_lost_passage numbers_lost_near numbers_lost_passage"
    " lost_here count_lost_here held_any span span_unlike polar asks_kind length"
    " claim_support claim_first claim_top claim_second claim_unit claim_passage claim_pairs claim_in_order"
    " claim_numbers_placed claim_number_missing_here claim_number_missing claim_unit_differs claim_name_missing_here"
    " claim_name_missing claim_denied_otherwise claim_denial_differs claim_opposed claim_opposite_replaced"
    " claim_rarest_missing_here claim_missing_run claim_length"
    " similar similar_best late_best"
).split()
SQUAD, MTRAG, HOTPOT = SETS
NEAR_SETS = {MTRAG: 3.0, MTRAG + WITHOUT: 1.0, SQUAD + WITHOUT: 0.5, HOTPOT + WITHOUT: 0.5}
HOLDS_SETS = {SQUAD: 1.0}
TREES_SETS = {SQUAD: 1.0, SQUAD + WITHOUT: 0.25, HOTPOT + WITHOUT: 0.25}
ALL_SETS = {SQUAD: 2.0, MTRAG: 1.0, SQUAD + WITHOUT: 0.5, HOTPOT + WITHOUT: 0.5}
"""What each set counts, however many questions it has."""
ANSWERABLE = 0.75
PENALTY = 30.0
ROWS = 800
"""Questions that a set of weight 1 counts as."""
FOLDS = 5
GROWN = {"trees": 300, "depth": 3, "leaf": 30}
COMMAND = "python benchmarks/train_confidence.py DATA"
DIGITS = 6
"""Of a sign: sums over sets differ in their last bits from run to run, and trees would be grown otherwise by that."""


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    trained = train([sample for sample in samples(data) if sample.develops])
    assert isinstance(trained.holds, Mean)
    for model in (trained.near, *trained.holds.models, trained.both):
        write(model, SETS, COMMAND)


def train(chosen: Sequence[Sample], left_out: str = "-") -> Confidence:
    """All models; sets whose name begins with `left_out` are not looked at."""
    near, holds = _signs_weighed(chosen, left_out)
    rows = _rows(chosen, _but(ALL_SETS, left_out), ANSWERABLE)
    unseen = [_untied([each for each in chosen if _fold(each) != fold], left_out) for fold in range(FOLDS)]
    factors = [unseen[_fold(row.sample)].factors(row.sample.signs) for row in rows]
    both = fit("confidence", factors, [row.label for row in rows], 1.0, [row.counts for row in rows])
    return Confidence(near, holds, both)


def _untied(chosen: Sequence[Sample], left_out: str) -> Confidence:
    near, holds = _signs_weighed(chosen, left_out)
    return Confidence(near, holds, near)


def _signs_weighed(chosen: Sequence[Sample], left_out: str) -> tuple[Logistic, Mean]:
    near, own, grown = (
        _rows(chosen, _but(sets, left_out) or _but(ALL_SETS, left_out), 0.5)
        for sets in (NEAR_SETS, HOLDS_SETS, TREES_SETS)
    )
    values, labels, counts = _table(grown, [name for name in chosen[0].signs if name != "turn"])
    trees = boost("confidence_holds_trees", values, labels, counts, **GROWN, rate=0.02, looked_at=0.3)
    return _fit("confidence_near", near, NEAR), Mean([_fit("confidence_holds", own, HOLDS), trees])


def _fold(sample: Sample) -> int:
    """The same for every sample of a question, which may be in several sets."""
    return int.from_bytes(sha256(f"fold {sample.id}".encode()).digest()[:4]) % FOLDS


@dataclass(frozen=True)
class Row:
    """A sample and how much it counts."""

    sample: Sample
    counts: float

    @property
    def label(self) -> float:
        return float(self.sample.answerable)


def _fit(name: str, rows: Sequence[Row], signs: Sequence[str]) -> Logistic:
    values, labels, counts = _table(rows, signs)
    return fit(name, values, labels, PENALTY, counts)


def _table(rows: Sequence[Row], signs: Sequence[str]) -> tuple[list[dict[str, float]], list[float], list[float]]:
    """Some signs of each row, whether it can be answered, and how much it counts."""
    values = [{sign: round(row.sample.signs[sign], DIGITS) for sign in signs} for row in rows]
    return values, [row.label for row in rows], [row.counts for row in rows]


def _rows(chosen: Sequence[Sample], sets: Mapping[str, float], answerable: float) -> list[Row]:
    """The samples of some sets, counted so that a set has its weight and such a share of answerable questions."""
    rows = []
    for name, weight in sets.items():
        for label, share in ((True, answerable), (False, 1 - answerable)):
            own = [sample for sample in of(chosen, name) if sample.answerable is label]
            rows += [Row(sample, ROWS * weight * share / len(own)) for sample in own]
    return rows


def _but(sets: Mapping[str, float], left_out: str) -> dict[str, float]:
    return {name: weight for name, weight in sets.items() if not name.startswith(left_out)}


if __name__ == "__main__":
    main()
