"""What is counted: every Prometheus metric that there is, and the page on which they are read.

With several workers each writes its numbers to files in the folder that PROMETHEUS_MULTIPROC_DIR names, and whichever
of them is asked adds up what all have written. No label has a caller's name, a path as it was sent, or a text.
"""

import os
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from graph.processes import alive
from server.settings import metrics_folder
from server.state_files import unusable

KIND = CONTENT_TYPE_LATEST
"""The content type of the page."""
REGISTRY = CollectorRegistry()
FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
"""A worker's files, by how they begin: one for each kind of metric below."""
RESERVED = 512 * 1024
"""Bytes of each that are on the disk from the start."""


def reserve(folder: Path | None) -> None:
    """Make this process's files before they are mapped; raises SettingsInvalid where they cannot be.

    Writing to a mapped file that has no place on a full disk ends the process.
    """
    for kind in FILES if folder else ():
        path = Path(folder or "", f"{kind}_{os.getpid()}.db")
        try:
            if not path.exists():
                path.write_bytes(bytes(RESERVED))
        except OSError as error:
            raise unusable(path, error) from error


reserve(metrics_folder())
LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OWN = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 1.0)
TENTHS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

REQUESTS = Counter(
    "warrant_requests_total",
    "HTTP requests by door, method, path template and status.",
    ("door", "method", "path", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "warrant_request_seconds",
    "From a request's first byte to the end of its reply.",
    ("door", "path"),
    buckets=LONG,
    registry=REGISTRY,
)
OVERHEAD_SECONDS = Histogram(
    "warrant_overhead_seconds",
    "What the server itself took of a request with one question: its seconds without the graph's.",
    buckets=OWN,
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
    "From a question's arrival to its answer.",
    ("outcome", "version"),
    buckets=LONG,
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "warrant_step_seconds", "How long each step of the graph took.", ("step",), buckets=SHORT, registry=REGISTRY
)
IN_PROGRESS = Gauge(
    "warrant_questions_in_progress",
    "Questions that are being answered.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CONFIDENCE = Histogram(
    "warrant_confidence", "The confidence of answers, declined ones too.", buckets=TENTHS, registry=REGISTRY
)
REPAIRS = Counter(
    "warrant_repairs_total", "Claims that did not stand as written, by what was done.", ("action",), registry=REGISTRY
)
CONFLICTS = Counter(
    "warrant_conflicts_total", "Citations that another version of the document contradicts.", registry=REGISTRY
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
    "An endpoint's breaker: 0 closed, 1 half-open, 2 open; the worst of the workers.",
    ("name",),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
TRACES = Counter(
    "warrant_traces_total",
    "Traces and feedback on them, by outcome: sent, dropped (the queue was full) or failed.",
    ("what", "outcome"),
    registry=REGISTRY,
)
SERVED = Gauge(
    "warrant_release_info",
    "1 for each version that is served, by track (production, staging, shadow, split, pinned) and how it stands.",
    ("track", "version", "release", "standing"),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
OVERRIDE = Gauge(
    "warrant_override",
    "1 while something is served to production by override, without a valid warrant.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
SWAPS = Counter("warrant_swaps_total", "Versions that were put on a track.", registry=REGISTRY)
FAILURES = Counter(
    "warrant_reload_failures_total", "Versions that could not be put on a track, each try.", registry=REGISTRY
)
SHADOWS = Counter(
    "warrant_shadow_total",
    "Questions for the candidate in production's shadow, by outcome: asked, failed or dropped.",
    ("outcome",),
    registry=REGISTRY,
)
NOT_KEPT = Counter(
    "warrant_not_kept_total",
    "What could not be read or kept beside the answers: turns of conversations, questions and feedback.",
    ("what",),
    registry=REGISTRY,
)
BUILD = Gauge(
    "warrant_build_info",
    "1 for what is being served.",
    ("version", "release", "snapshot"),
    registry=REGISTRY,
    multiprocess_mode="livemax",
)


def page(folder: Path | None) -> bytes:
    """All metrics: of this process alone, or of all that write to the folder."""
    if folder is None:
        return generate_latest(REGISTRY)
    forget_the_dead(folder)
    together = CollectorRegistry()
    MultiProcessCollector(together, str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(together)


def forget(process: int, folder: Path) -> None:
    """Drop what says how a process is doing now; what it has counted stays."""
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]


def forget_the_dead(folder: Path) -> None:
    """Forget the workers that were killed and could not do it themselves."""
    for number in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*.db")}:
        if not alive(number):
            forget(number, folder)
