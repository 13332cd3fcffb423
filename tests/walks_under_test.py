"""Which files of ours a question and a promotion enter: `python walks_under_test.py question|promotion INDEX FOLDER`.

In a process of its own, so that every thread in it is followed.
"""

import inspect
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx
from support import QUICK, ROOT

SAMPLES = 8


@contextmanager
def following() -> Iterator[list[str]]:
    """Collects the files of ours whose functions are called, in the order of their first call, in every new thread."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED and frame.f_code.co_name != "<module>":
            name = frame.f_code.co_filename.removeprefix(f"{ROOT}{os.sep}")
            if name.partition("/")[0] in ("warrant.py", "graph", "server", "evals") and name not in entered:
                entered.append(name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def question(index: Path, folder: Path) -> list[str]:
    """The files that a question to a server over an index enters."""
    from server_under_test import app_over, serving

    from graph.release import Release

    with following() as entered, serving(app_over(index, folder, Release())) as url:
        httpx.post(f"{url}/rag/invoke", json={"input": {"question": "hello"}}, timeout=120)
        entered.clear()
        asked = {"input": {"question": "After how many years are laptops replaced?"}}
        answer = httpx.post(f"{url}/rag/invoke", json=asked, timeout=120).json()["output"]
    assert answer["status"] == "answered", answer
    return entered


def promotion(index: Path, folder: Path) -> list[str]:
    """The files that a promotion enters, of a release over an index with static vectors."""
    from warrant import main

    os.chdir(folder)
    os.environ["WARRANT_REGISTRY"] = f"sqlite:///{folder}/mlflow.db"
    Path("release.yaml").write_text(f"embedding: {QUICK.embedding}\n", "utf-8")
    samples = (ROOT / "evals/data/handbook.jsonl").read_text("utf-8").splitlines()[:SAMPLES]
    Path("samples.jsonl").write_text("\n".join(samples) + "\n", "utf-8")
    Path("low.toml").write_text('alpha = 0.05\n[[threshold]]\nmetric = "answered"\nfloor = 0.01\n', "utf-8")
    assert not main(["release", "log", "--release", "release.yaml", "--index", str(index)])
    arguments = ["--dataset", "samples.jsonl", "--thresholds", "low.toml", "--approver", "ann", "--ticket", "CHG-1"]
    with following() as entered:
        assert not main(["promote", "v1", "--to", "production", *arguments])
    return entered


if __name__ == "__main__":
    kind, index, folder = sys.argv[1:]
    walk = {"question": question, "promotion": promotion}[kind]
    Path(folder, "walk.json").write_text(json.dumps(walk(Path(index), Path(folder))), "utf-8")
