"""The OpenAPI document, and requests made from it: as it says and as it does not."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

EXAMPLES = 12
"""Requests of each route and kind."""


def test_the_document_names_every_api(server: str) -> None:
    paths = set(httpx.get(f"{server}/openapi.json", timeout=60).json()["paths"])
    wanted = {"/rag/invoke", "/rag/batch", "/rag/stream", "/conversations", "/feedback"}
    assert wanted <= paths
    assert not any("config_hash" in path or "token" in path for path in paths)


def test_errors_are_documented_as_they_are(server: str) -> None:
    document = httpx.get(f"{server}/openapi.json", timeout=60).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path in ("/feedback", "/v1/responses", "/conversations/{session_id}"):
        responses = next(iter(document["paths"][path].values()))["responses"]
        assert {"4XX", "5XX"} <= set(responses)
        assert responses["4XX"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")


def operations(server: str) -> Iterator[Any]:
    """What the document offers."""
    for found in schemathesis.openapi.from_url(f"{server}/openapi.json").get_all_operations():
        assert isinstance(found, Ok)
        yield found.ok()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.filterwarnings("default")
def test_no_request_made_from_the_document_is_a_failure_of_ours(server: str, mode: GenerationMode) -> None:
    tried = []
    for operation in operations(server):
        if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
            continue

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            case.call_and_validate(checks=[not_a_server_error], timeout=60)

        # Of some routes no request can be made that breaks the document, and the generator says so.
        with suppress(Unsatisfiable):
            send()
            tried.append(operation.label)
    assert len(tried) >= 9
