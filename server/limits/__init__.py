"""Limits and quotas: how much a caller, a team or an endpoint may ask in a minute, an hour, a day or a month."""
