"""Definitions of all Prometheus metrics, and their export.

With several workers each writes its values to files in PROMETHEUS_MULTIPROC_DIR, and the one that is scraped adds up
all files. No label contains a caller's name, a raw path or a text.
"""

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from graph.processes import alive
from server.files import unusable
from server.settings import metrics_folder

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()
FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
"""Prefixes of a worker's files, one for each kind of metric below."""
RESERVED_BYTES = 512 * 1024
"""The size of each file from the start."""


def reserve(folder: Path | None) -> None:
    """Allocate this process's files before they are mapped; raises SettingsInvalid when that fails.

    Writing to an unallocated page of a mapped file on a full disk would kill the process.
    """
    for kind in FILES if folder else ():
        path = Path(folder or "", f"{kind}_{os.getpid()}.db")
        try:
            if not path.exists():
                path.write_bytes(bytes(RESERVED_BYTES))
        except OSError as error:
            raise unusable(path, error) from error


reserve(metrics_folder())
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OVERHEAD_BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 1.0)
CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

REQUESTS = Counter(
    "warrant_requests_total",
    "HTTP requests by API, method, path template and status.",
    ("api", "method", "path", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "warrant_request_seconds",
    "Seconds from the first byte of a request to the end of its response.",
    ("api", "path"),
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
OVERHEAD_SECONDS = Histogram(
    "warrant_overhead_seconds",
    "Seconds of a request with one question outside of the graph.",
    buckets=OVERHEAD_BUCKETS,
    registry=REGISTRY,
)
QUESTIONS = Counter(
    "warrant_questions_total",
    "Questions by outcome (a status, an error's code or cancelled), route, rung and reason of the answer, and version.",
    ("outcome", "route", "rung", "reason", "version"),
    registry=REGISTRY,
)
QUESTION_SECONDS = Histogram(
    "warrant_question_seconds",
    "Seconds from a question's arrival to its answer.",
    ("outcome", "version"),
    buckets=REQUEST_BUCKETS,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "warrant_step_seconds", "Seconds of each step of the graph.", ("step",), buckets=STEP_BUCKETS, registry=REGISTRY
)
IN_PROGRESS = Gauge(
    "warrant_questions_in_progress",
    "Questions in progress.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
WAITING = Gauge(
    "warrant_questions_waiting",
    "Questions that wait for a place.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CONFIDENCE = Histogram("warrant_confidence", "Confidence of answers.", buckets=CONFIDENCE_BUCKETS, registry=REGISTRY)
REPAIRS = Counter(
    "warrant_repairs_total", "Claims that the check changed or marked, by action.", ("action",), registry=REGISTRY
)
CONFLICTS = Counter(
    "warrant_conflicts_total", "Citations that another version of their document contradicts.", registry=REGISTRY
)
CACHE_LOOKUPS = Counter(
    "warrant_cache_lookups_total",
    "Answered questions by cache (answer, retrieval, embedding) and result (hit, miss).",
    ("cache", "result"),
    registry=REGISTRY,
)
TOKENS = Counter(
    "warrant_tokens_total",
    "Tokens by the model that answered and direction (input, output).",
    ("model", "direction"),
    registry=REGISTRY,
)
COST = Counter(
    "warrant_cost_dollars_total", "Tokens at the prices of WARRANT_PRICES, by model.", ("model",), registry=REGISTRY
)
BREAKER = Gauge(
    "warrant_breaker_state",
    "A model endpoint's circuit breaker: 0 closed, 1 half-open, 2 open; the worst of the workers.",
    ("name",),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
TRACES = Counter(
    "warrant_traces_total",
    "Traces and feedback on them, by outcome: sent, dropped (the queue was full) or failed.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
SERVED = Gauge(
    "warrant_release_info",
    "1 for each deployed version, by target (production, staging, shadow, split, pinned) and standing.",
    ("target", "version", "release", "snapshot", "standing"),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
SWAPS = Counter("warrant_swaps_total", "Deployments of a new version or Snapshot.", registry=REGISTRY)
FAILURES = Counter("warrant_reload_failures_total", "Failed attempts to load a version or Snapshot.", registry=REGISTRY)
SHADOWS = Counter(
    "warrant_shadow_total",
    "Questions for the shadow candidate, by outcome: asked, failed or dropped.",
    ("outcome",),
    registry=REGISTRY,
)
NOT_STORED = Counter(
    "warrant_not_stored_total",
    "Failed reads and writes of conversations, and of questions and feedback.",
    ("store",),
    registry=REGISTRY,
)


def page(folder: Path | None) -> bytes:
    """All metrics: of this process, or of all workers that write to the folder."""
    if folder is None:
        return generate_latest(REGISTRY)
    forget_the_dead(folder)
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(together)


def forget(process: int, folder: Path) -> None:
    """Remove the gauges of a process; its counters stay."""
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def forget_the_dead(folder: Path) -> None:
    """Remove the gauges of workers that were killed."""
    for number in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        if not alive(number):
            forget(number, folder)
