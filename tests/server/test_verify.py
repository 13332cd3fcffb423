"""POST /verify: the report of an answer, off the event loop, within bounds."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.routes.verify import verify_routes

ANSWER = {"id": "a", "question": "How long is it?", "answer": "It is 5 m long. [1]", "passages": ["It is 4 m long."]}


async def uncounted(act: str) -> None:
    """No limits."""


def client() -> TestClient:
    app = FastAPI()
    app.include_router(verify_routes(uncounted))
    return TestClient(app)


def test_each_claim_has_a_verdict() -> None:
    reply = client().post("/verify", json=ANSWER)
    assert reply.status_code == 200
    [claim] = reply.json()["claims"]
    assert (claim["verdict"], claim["passage"], claim["quote"]) == ("contradicted", 1, "It is 4 m long.")


def test_what_is_too_long_or_misspelt_is_refused() -> None:
    assert client().post("/verify", json={**ANSWER, "answer": "x" * 400_001}).status_code == 422
    assert client().post("/verify", json={**ANSWER, "contexts": []}).status_code == 422
    assert client().post("/verify", json={**ANSWER, "passages": ["x"] * 201}).status_code == 422
