"""What a run will cost, before it is begun."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import BudgetExceeded
from ..prices import Prices, cost
from ..release import Release
from ..state import Usage

UNPRICED_TOKENS = 1_000_000
"""Tokens of a model without a price that need no consent."""
QUESTION_TOKENS = 100
CHARACTERS_OF_TOKEN = 4


@dataclass(frozen=True)
class Estimate:
    """At most so many tokens, one call for each question; `dollars` is None where the model has no price.

    `measured`: after the mean of the rows that are there, and not after the limits of the release.
    """

    rows: int
    model: str
    input_tokens: int
    output_tokens: int
    dollars: float | None
    measured: bool = False

    def text(self) -> str:
        """The estimate in a sentence."""
        if not self.input_tokens:
            return f"{self.rows} questions, answered without a model."
        price = "of unknown cost (set WARRANT_PRICES)" if self.dollars is None else f"${self.dollars:,.2f}"
        tokens = f"{self.input_tokens:,} tokens sent and {self.output_tokens:,} received"
        how = "about" if self.measured else "at most about"
        return f"{self.rows} questions to {self.model}: {how} {tokens}, {price}."

    def check(self, budget: float, *, yes: bool) -> None:
        """Raise BudgetExceeded where it is more than was allowed."""
        tokens = self.input_tokens + self.output_tokens
        over = tokens > UNPRICED_TOKENS if self.dollars is None else self.dollars > budget
        if over and not yes:
            limit = f"${budget:,.2f}" if self.dollars is not None else f"{UNPRICED_TOKENS:,} tokens of unknown cost"
            raise BudgetExceeded(f"{self.text()} That is over {limit}; give --yes to go on, or another --budget.")


def estimate(rows: int, release: Release, prices: Prices, means: Mapping[str, float] | None = None) -> Estimate:
    """What asking some rows will take; `means`: the tokens of a row by what the rows before took."""
    models = {release.models.simple, release.models.complex} - {"extractive"}
    if not models:
        return Estimate(rows, "extractive", 0, 0, 0.0)
    sent = release.reranking.token_budget + len(release.prompts.answer) // CHARACTERS_OF_TOKEN + QUESTION_TOKENS
    each = means or {"input_tokens": sent, "output_tokens": release.generation.max_tokens}
    found = [_of(name, rows, each, prices, measured=means is not None) for name in sorted(models)]
    unknown = [one for one in found if one.dollars is None]
    return unknown[0] if unknown else max(found, key=lambda one: one.dollars or 0.0)


def _of(model: str, rows: int, each: Mapping[str, float], prices: Prices, *, measured: bool) -> Estimate:
    sent, received = round(rows * each["input_tokens"]), round(rows * each["output_tokens"])
    usage = Usage(model=model, calls=rows, input_tokens=sent, output_tokens=received)
    return Estimate(rows, model, sent, received, cost(usage, prices), measured)
