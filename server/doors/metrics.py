"""GET /metrics, for Prometheus."""

from fastapi import APIRouter
from starlette.responses import Response

from server.live import Live
from server.watching.meters import KIND
from server.watching.metrics import Metrics


def metrics_routes(metrics: Metrics, live: Live) -> APIRouter:
    """/metrics; a key is needed where keys are."""
    routes = APIRouter(tags=["operations"])

    # Without async it runs in a thread: the numbers of several workers are read from files.
    @routes.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def read() -> Response:
        """Counters, histograms and gauges in Prometheus' text format."""
        return Response(metrics.page(live), headers={"content-type": KIND})

    return routes
