"""Trains graph/learned/confidence*.json: how probable it is that what was found answers a question.

Sets: see benchmarks/answerability.py; their developing halves only. `near` learns whether the evidence is about the
question, from conversations and from questions whose documents were taken away; `holds` learns whether it says what is
asked, from the questions that were written to have no answer; `confidence` weighs both and is calibrated to three
answerable questions in four, each set counting the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.answerability import SETS, WITHOUT, Sample, of, samples
from benchmarks.fitting import fit, write
from benchmarks.pools import FILES
from benchmarks.record import begin
from graph.finding.confidence import Confidence
from graph.learned import Logistic

NEAR = (
    "similar similar_best similar_three late late_three passage_best ahead held_near held_any polar asks_kind length"
).split()
HOLDS = (
    "denies_alone opposed opposed_near names_lost_near names_lost_passage numbers_lost_near numbers_lost_passage"
    " lost_here count_lost_here held_any span span_unlike polar asks_kind length similar similar_best late_best"
    " claim_support claim_first claim_top claim_second claim_unit claim_passage claim_pairs claim_in_order"
    " claim_numbers_placed claim_number_missing_here claim_number_missing claim_unit_differs claim_name_missing_here"
    " claim_name_missing claim_denied_otherwise claim_denial_differs claim_opposed claim_opposite_replaced"
    " claim_rarest_missing_here claim_missing_run claim_length"
).split()
SQUAD, MTRAG, HOTPOT = SETS
NEAR_SETS = {MTRAG: 3.0, MTRAG + WITHOUT: 1.0, SQUAD + WITHOUT: 0.5, HOTPOT + WITHOUT: 0.5}
HOLDS_SETS = {SQUAD: 1.0}
ALL_SETS = {SQUAD: 1.0, MTRAG: 1.0, SQUAD + WITHOUT: 0.5, HOTPOT + WITHOUT: 0.5}
"""What each set counts, however many questions it has."""
ANSWERABLE = 0.75
PENALTY = 30.0
ROWS = 800
"""Questions that a set of weight 1 counts as."""


def main() -> None:
    data = begin(__doc__, [f"{name}/{file}" for name in SETS for file in FILES])
    trained = train([sample for sample in samples(data) if sample.develops])
    for model in (trained.near, trained.holds, trained.both):
        write(model, SETS, "python benchmarks/train_confidence.py DATA")


def train(chosen: Sequence[Sample], left_out: str = "-") -> Confidence:
    """All three logistics; sets whose name begins with `left_out` are not looked at."""
    near = _fit("confidence_near", chosen, _but(NEAR_SETS, left_out), NEAR)
    holds = _fit("confidence_holds", chosen, _but(HOLDS_SETS, left_out) or _but(ALL_SETS, left_out), HOLDS)
    untied = Confidence(near, holds, near)
    rows = _rows(chosen, _but(ALL_SETS, left_out), ANSWERABLE)
    factors = [untied.factors(row.sample.signs) for row in rows]
    both = fit("confidence", factors, [row.label for row in rows], 1.0, [row.counts for row in rows])
    return Confidence(near, holds, both)


@dataclass(frozen=True)
class Row:
    """A sample and how much it counts."""

    sample: Sample
    counts: float

    @property
    def label(self) -> float:
        return float(self.sample.answerable)


def _fit(name: str, chosen: Sequence[Sample], sets: Mapping[str, float], signs: Sequence[str]) -> Logistic:
    rows = _rows(chosen, sets, 0.5)
    values = [{sign: row.sample.signs[sign] for sign in signs} for row in rows]
    return fit(name, values, [row.label for row in rows], PENALTY, [row.counts for row in rows])


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
