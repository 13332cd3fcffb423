"""Does the server's memory stay flat? `warrant serve` under a steady load for half an hour, its resident memory drawn.

Set: samples/handbook of this repository, indexed first; the data folder is not used. Four clients ask without a pause:
new questions and repeated ones, whole and streamed, in conversations and without, some refused, and some hang up.
`--minutes` shortens it. The growth is the slope of a line through the second half, in MB an hour, and as a share of
the memory at half time.
"""

import argparse
import http.client
import itertools
import json
import random
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import matplotlib as mpl
import numpy as np
from rich.progress import Progress

from benchmarks.record import RESULTS, ROOT, Target, print_line, record
from benchmarks.serving import Place, server
from benchmarks.stores import run_index
from graph.release import Release
from graph.settings import quiet_libraries

CLIENTS = 4
EVERY = 5.0
"""Seconds between two readings."""
WORDS = "laptop hotel password pump seal warranty invoice record approval travel pension region service".split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_folder", nargs="?", help="taken and not used")
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    quiet_libraries()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run_index([ROOT / "samples" / "handbook"], folder / "store", Release())
        world = {"WARRANT_INDEX": str(folder / "store"), "WARRANT_STATE": str(folder), "WARRANT_LOG_LEVEL": "error"}
        with server([str(ROOT / "warrant.py"), "serve", "--port"], world) as running:
            asked, readings = load(running, 60 * minutes)
    report(np.array(readings), asked, minutes)


def load(place: Place, seconds: float) -> tuple[int, list[tuple[float, float]]]:
    """Keep the server busy; the questions asked, and its memory as (seconds, MB)."""
    stop, counts = threading.Event(), [0] * CLIENTS
    threads = [threading.Thread(target=client, args=(place.port, number, counts, stop)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    readings, began = [], time.monotonic()
    with Progress() as progress:
        task = progress.add_task("Asking", total=seconds)
        while (spent := time.monotonic() - began) < seconds:
            readings.append((spent, place.process.memory_info().rss / 1e6))
            progress.update(task, completed=spent)
            time.sleep(EVERY)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(counts), readings


def client(port: int, number: int, counts: list[int], stop: threading.Event) -> None:
    """Ask one question after another in different ways."""
    chance = random.Random(number)
    for turn in itertools.count():
        if stop.is_set():
            return
        words = " ".join(chance.sample(WORDS, 3))
        question = f"What holds for {words} {turn % 50}?" if turn % 3 else "What is the hotel limit in the EU?"
        asked: dict[str, object] = {"question": question}
        asked |= {"session_id": f"talk-{number}-{turn // 10}"} if turn % 2 else {}
        asked |= {"filters": {"nowhere": 1}} if turn % 20 == 7 else {}
        ask(port, "/rag/stream" if turn % 4 == 0 else "/rag/invoke", {"input": asked}, hang_up=turn % 10 == 9)
        counts[number] += 1


def ask(port: int, path: str, body: object, *, hang_up: bool) -> None:
    """One request on a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        if hang_up:
            time.sleep(0.02)
        else:
            connection.getresponse().read()


def report(readings: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", asked: int, minutes: float) -> None:
    """The growth over the second half, and the picture."""
    later = readings[len(readings) // 2 :]
    slope = float(np.polyfit(later[:, 0] / 3600, later[:, 1], 1)[0])
    half, end = float(later[0, 1]), float(later[-1, 1])
    draw(readings)
    found = {"minutes": minutes, "questions": asked, "mb_at_half_time": round(half), "mb_at_the_end": round(end)}
    found |= {"mb_an_hour": round(slope, 1), "share_of_half_time": round(end / half, 3)}
    print_line(", ".join(f"{name} {value:g}" for name, value in found.items()))
    record(
        "serving_memory", found, [Target("memory at the end over half time", found["share_of_half_time"], at_most=1.02)]
    )


def draw(readings: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> None:
    """Memory over time, as a PNG beside the result."""
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.2), layout="constrained")
    axes.plot(readings[:, 0] / 60, readings[:, 1], color="#2457a6", linewidth=1.5)
    axes.set(xlabel="minutes under load", ylabel="resident memory, MB", ylim=(0, readings[:, 1].max() * 1.15))
    axes.set_title("Memory of one worker of `warrant serve`", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    figure.savefig(RESULTS / "serving_memory.png", dpi=130)


if __name__ == "__main__":
    main()
