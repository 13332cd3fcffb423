"""Whether a ticket allows a promotion to production: by a pattern, and by asking the system that keeps tickets."""

import re
from collections.abc import Mapping

import httpx

from ..errors import PromotionRefused, RegistryUnavailable
from ..settings import Settings

SECONDS = 10.0
"""Seconds that the other system has."""


def check_ticket(settings: Settings, ticket: str, promotion: Mapping[str, str]) -> None:
    """Raises PromotionRefused for a ticket that does not allow this promotion.

    The address in WARRANT_TICKET_URL gets the ticket and what is promoted as JSON. Raises RegistryUnavailable when it
    neither allows nor refuses.
    """
    if settings.ticket_pattern and not re.fullmatch(settings.ticket_pattern, ticket):
        raise PromotionRefused(
            f"The ticket {ticket!r} does not match WARRANT_TICKET_PATTERN={settings.ticket_pattern}."
        )
    if settings.ticket_url is None:
        return
    try:
        status = httpx.post(settings.ticket_url, json={"ticket": ticket, **promotion}, timeout=SECONDS).status_code
    except httpx.HTTPError as error:
        raise RegistryUnavailable(f"WARRANT_TICKET_URL does not answer: {type(error).__name__}.") from error
    if 400 <= status < 500:
        raise PromotionRefused(
            f"The ticket {ticket!r} does not allow this promotion: WARRANT_TICKET_URL says {status}."
        )
    if not 200 <= status < 300:
        raise RegistryUnavailable(f"WARRANT_TICKET_URL cannot say whether a ticket is valid: it answers {status}.")
