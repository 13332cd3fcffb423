"""What a run will cost, before it is begun."""

from dataclasses import dataclass
from math import inf

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
    """So many tokens at most, one call for each question; `dollars` is None where the model has no price."""

    rows: int
    model: str
    input_tokens: int
    output_tokens: int
    dollars: float | None

    def text(self) -> str:
        """The estimate in a sentence."""
        if not self.input_tokens:
            return f"{self.rows} questions, answered without a model."
        price = "of unknown cost (set WARRANT_PRICES)" if self.dollars is None else f"${self.dollars:,.2f}"
        tokens = f"{self.input_tokens:,} tokens sent and {self.output_tokens:,} received"
        return f"{self.rows} questions to {self.model}: at most about {tokens}, {price}."

    def check(self, budget: float, *, yes: bool) -> None:
        """Raise BudgetExceeded where it is more than was allowed."""
        tokens = self.input_tokens + self.output_tokens
        over = tokens > UNPRICED_TOKENS if self.dollars is None else self.dollars > budget
        if over and not yes:
            limit = f"${budget:,.2f}" if self.dollars is not None else f"{UNPRICED_TOKENS:,} tokens of unknown cost"
            raise BudgetExceeded(f"{self.text()} That is over {limit}; give --yes to go on, or another --budget.")


def estimate(rows: int, release: Release, prices: Prices) -> Estimate:
    """What asking some rows will take at most, by the limits of the release and the dearer of its models."""
    models = {release.models.simple, release.models.complex} - {"extractive"}
    if not models:
        return Estimate(rows, "extractive", 0, 0, 0.0)
    prompt = release.reranking.token_budget + len(release.prompts.answer) // CHARACTERS_OF_TOKEN + QUESTION_TOKENS
    sent, received = rows * prompt, rows * release.generation.max_tokens
    dollars = {
        name: cost(Usage(model=name, calls=rows, input_tokens=sent, output_tokens=received), prices) for name in models
    }
    dearest = max(sorted(models), key=lambda name: inf if dollars[name] is None else dollars[name] or 0.0)
    return Estimate(rows, dearest, sent, received, dollars[dearest])
