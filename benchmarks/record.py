"""What every benchmark shares: its data, its clock, and its record in benchmarks/results."""

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Generic, ParamSpec, TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from graph.release import Release
from graph.settings import quiet_libraries

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DATA = ROOT.parent / "shared" / "data"

Value = TypeVar("Value")
Taken = ParamSpec("Taken")


@dataclass(frozen=True)
class Timed(Generic[Value]):
    """What a call gave, and the seconds of wall time that it took."""

    seconds: float
    value: Value


@dataclass(frozen=True)
class Target:
    """What a figure must reach: `at_least` for what should be high, `at_most` for what should be low."""

    figure: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        low = self.at_least is None or self.measured >= self.at_least
        return low and (self.at_most is None or self.measured <= self.at_most)

    @property
    def bound(self) -> str:
        return f"at most {self.at_most:g}" if self.at_least is None else f"at least {self.at_least:g}"

    def as_dict(self) -> dict[str, Any]:
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        return {**given, "measured": self.measured, "met": self.met}


def begin(purpose: str | None, needed: Sequence[str] = ()) -> Path:
    """The folder of the data sets as the command line gives it; ends with one sentence when a file is not there."""
    parser = argparse.ArgumentParser(description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_folder", nargs="?", type=Path, default=DATA, help="the folder of the data sets")
    folder: Path = parser.parse_args().data_folder
    for name in needed:
        if not (folder / name).is_file():
            sys.exit(f"This benchmark needs {name} in the data folder {folder}, which has no such file.")
    quiet_libraries()
    return folder


def timed(run: Callable[Taken, Value], *values: Taken.args, **named: Taken.kwargs) -> Timed[Value]:
    """Call once under the clock."""
    began = time.perf_counter()
    value = run(*values, **named)
    return Timed(time.perf_counter() - began, value)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Best, median and 95th percentile of some durations."""
    found = {"best": min(values), "median": statistics.median(values), "p95": float(np.percentile(values, 95))}
    return {name: round(value, 4) for name, value in found.items()}


def cores() -> int:
    return os.cpu_count() or 1


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl or .jsonl.gz file."""
    with _open(path) as lines:
        yield from (json.loads(line) for line in lines if line.strip())


@dataclass(frozen=True)
class CorpusPassage:
    """A passage of a set with its title."""

    id: str
    title: str
    text: str


def texts_of(folder: Path) -> dict[str, CorpusPassage]:
    """The passages of a set by id."""
    return {
        each["id"]: CorpusPassage(each["id"], str(each.get("title") or "").replace("_", " "), each["text"])
        for each in read_records(folder / "corpus.jsonl.gz")
    }


def read_judgements(path: Path) -> dict[str, dict[str, int]]:
    """A qrels.tsv[.gz] of query, document and relevance under one line of names: relevance by query and document."""
    found: dict[str, dict[str, int]] = {}
    with _open(path) as lines:
        next(lines)
        for line in lines:
            query, document, relevance = line.rstrip("\n").split("\t")
            found.setdefault(query, {})[document] = int(relevance)
    return found


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def record(name: str, results: Mapping[str, Any], targets: Sequence[Target] = ()) -> None:
    """Write benchmarks/results/NAME.json and say which targets were met."""
    written = {
        "date": now(),
        "machine": machine(),
        "release": Release().label,
        "results": results,
        "target": {target.figure: target.as_dict() for target in targets},
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    for target in targets:
        verdict = "[green]met[/]" if target.met else "[red]missed[/]"
        print_line(f"{target.figure}: {target.measured:g}, target {target.bound}: {verdict}")
    print_line(f"Written to {path.relative_to(ROOT)}")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cpus": cores(), "model": _processor(), "python": platform.python_version()}


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text("utf-8").splitlines() if listing.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on the terminal; numbers to the right, floats with as many digits as they need."""
    table = Table(title=title, title_justify="left", show_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row])
    Console().print(table)


def print_line(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True)
