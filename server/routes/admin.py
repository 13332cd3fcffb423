"""Reload on demand: by a caller who may, or by a signed webhook of MLflow."""

import base64
import binascii
import hashlib
import hmac
import time

from fastapi import APIRouter
from pydantic import BaseModel, SecretStr
from starlette.requests import Request

from graph.callers import ANONYMOUS
from server.audit import Audit
from server.context import this_request
from server.errors import refuse
from server.releases.deployments import Deployments, Standing

MAX_AGE = 300.0
"""Seconds for which a signed message is valid."""
SIGNATURE_PREFIX = "v1,"


class DeployedVersion(BaseModel):
    """A deployed version."""

    version: str
    release: str
    standing: Standing


class ReloadResult(BaseModel):
    """What is deployed, by target; production's Snapshot; and current problems."""

    served: dict[str, DeployedVersion]
    snapshot: str
    trouble: list[str]


def admin_routes(deployments: Deployments, audit: Audit, secret: SecretStr | None) -> APIRouter:
    """POST /admin/reload and /admin/webhook."""
    routes = APIRouter(prefix="/admin", tags=["operations"])

    @routes.post("/reload")
    async def reload() -> ReloadResult:
        """Check the index or the registry now; what cannot be loaded is reported and replaces nothing."""
        await audit.act(this_request().caller, "reload", "releases")
        late = await deployments.reload()
        state = deployments.state
        served = {
            target: DeployedVersion(version=each.version, release=each.agent.label, standing=each.standing)
            for target, each in state.deployments.items()
        }
        snapshot = deployments.agent.snapshot if deployments.ready else ""
        return ReloadResult(served=served, snapshot=snapshot, trouble=[*state.trouble, *late])

    @routes.post("/webhook", status_code=204)
    async def webhook(request: Request) -> None:
        """Reload after MLflow moved an alias; the message must be signed."""
        if secret is None:
            raise refuse(404)
        headers = {name: request.headers.get(f"x-mlflow-{name}", "") for name in ("delivery-id", "timestamp")}
        offered = request.headers.get("x-mlflow-signature", "")
        if not signed(secret, headers["delivery-id"], headers["timestamp"], await request.body(), offered):
            raise refuse(401, "The signature is wrong, or too old.")
        await audit.act(ANONYMOUS, "reload", "releases", by="webhook")
        await deployments.reload()

    return routes


def signed(secret: SecretStr, delivery: str, timestamp: str, body: bytes, offered: str) -> bool:
    """Whether a message is MLflow's and recent: HMAC-SHA-256 over `delivery.timestamp.body`, in base64 after `v1,`."""
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > MAX_AGE:
        return False
    message = f"{delivery}.{timestamp}.".encode() + body
    expected = hmac.new(secret.get_secret_value().encode(), message, hashlib.sha256).digest()
    try:
        given = base64.b64decode(offered.removeprefix(SIGNATURE_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, expected)
