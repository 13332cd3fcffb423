"""What operators do: have the store and the aliases looked at now. MLflow's webhooks may ask for it too."""

import base64
import binascii
import hashlib
import hmac
import time

from fastapi import APIRouter
from pydantic import BaseModel, SecretStr
from starlette.requests import Request

from server.context import this_request
from server.errors import refuse
from server.live import Live
from server.releases.slots import Standing

FRESH = 300.0
"""Seconds for which a signed message is taken."""
VERSION = "v1,"


class Served(BaseModel):
    """A version on a track."""

    version: str
    release: str
    standing: Standing


class Reloaded(BaseModel):
    """What is served by track, production's Snapshot, and what there is trouble with."""

    served: dict[str, Served]
    snapshot: str
    trouble: list[str]


def admin_routes(live: Live, secret: SecretStr | None) -> APIRouter:
    """POST /admin/reload and /admin/webhook."""
    routes = APIRouter(prefix="/admin", tags=["operations"])

    @routes.post("/reload")
    async def reload() -> Reloaded:
        """Look at the store or the registry now; what cannot be loaded is told and replaces nothing."""
        if not this_request().caller.operator:
            raise refuse(403, "Only an operator may have releases reloaded.")
        late = await live.reload()
        state = live.state
        served = {
            track: Served(version=slot.version, release=slot.agent.label, standing=slot.standing)
            for track, slot in state.slots.items()
        }
        snapshot = live.agent.snapshot if live.ready else ""
        return Reloaded(served=served, snapshot=snapshot, trouble=[*state.trouble, *late])

    @routes.post("/webhook", status_code=204)
    async def webhook(request: Request) -> None:
        """Take MLflow's word that an alias was moved; it signs what it sends."""
        if secret is None:
            raise refuse(404)
        headers = {name: request.headers.get(f"x-mlflow-{name}", "") for name in ("delivery-id", "timestamp")}
        offered = request.headers.get("x-mlflow-signature", "")
        if not signed(secret, headers["delivery-id"], headers["timestamp"], await request.body(), offered):
            raise refuse(401, "The signature does not fit, or it is old.")
        await live.reload()

    return routes


def signed(secret: SecretStr, delivery: str, timestamp: str, body: bytes, offered: str) -> bool:
    """Whether a message is MLflow's and fresh: HMAC-SHA-256 over `delivery.timestamp.body`, in base64 after `v1,`."""
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > FRESH:
        return False
    message = f"{delivery}.{timestamp}.".encode() + body
    wanted = hmac.new(secret.get_secret_value().encode(), message, hashlib.sha256).digest()
    try:
        given = base64.b64decode(offered.removeprefix(VERSION), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, wanted)
