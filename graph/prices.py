"""What tokens cost."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from .state import Usage

Price = Annotated[float, Field(ge=0)]
"""US dollars for a million tokens."""
Prices = Mapping[str, tuple[Price, Price]]
"""What a million tokens sent and a million received cost, by model, with or without its kind before a colon."""
MILLION = 1_000_000


def cost(usage: Usage, prices: Prices) -> float | None:
    """US dollars; None where the model's price is not known."""
    model = usage["model"]
    price = prices.get(model) or prices.get(model.partition(":")[2])
    return (usage["input_tokens"] * price[0] + usage["output_tokens"] * price[1]) / MILLION if price else None
