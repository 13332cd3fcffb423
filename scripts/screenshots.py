"""Takes the screenshots in docs: `make screenshots` (needs Chromium and the sample index).

The server is a real one over the index that WARRANT_INDEX names. The report is of a release that is worse on purpose.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TextIO

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
QUESTIONS = ("What is the hotel limit in the EU?", "How often is the door seal of the Brisel renewed?")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@contextmanager
def server() -> Iterator[str]:
    """The address of `warrant serve` on a free port."""
    command = [sys.executable, str(ROOT / "warrant.py"), "serve", "--port", "0"]
    with TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            while not (found := ADDRESS.search(_read(log))):
                if process.poll() is not None:
                    raise SystemExit(f"The server did not start:\n{_read(log)}")
                time.sleep(0.1)
            yield found.group()
        finally:
            process.terminate()


def _read(log: TextIO) -> str:
    return os.pread(log.fileno(), 1_000_000, 0).decode()


def ask(page: Page, question: str) -> None:
    """Ask, and wait for the checked answer."""
    answered = page.locator(".facts").count()
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")
    page.locator(".facts").nth(answered).wait_for()


def evaluated() -> Path:
    """The report on a release that reads one passage, against the default one; runs that are there are used again."""
    narrow = ROOT / ".warrant" / "narrow.yaml"
    narrow.write_text("name: narrow\nreranking: {passages: 1}\n", "utf-8")
    dataset = ["-d", str(ROOT / "evals" / "data" / "handbook.jsonl")]
    champion, run = (warrant("eval", "run", *dataset, *more)[-1] for more in ((), ("--release", str(narrow))))
    verdict, out = ROOT / ".warrant" / "verdict.json", ROOT / ".warrant" / "report"
    warrant("eval", "gate", run, "--champion", champion, "--out", str(verdict))
    warrant("eval", "report", str(verdict), "--run", run, "--champion", champion, "--out", str(out))
    return out / "report.html"


def warrant(*arguments: str) -> list[str]:
    """The lines that a command prints; raises SystemExit unless it ended or its gate decided."""
    command = [sys.executable, str(ROOT / "warrant.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()


def main(folder: Path) -> None:
    """Write page-start.png, page.png, page-document.png and report.png to a directory."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    folder.mkdir(parents=True, exist_ok=True)
    with server() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1100, "height": 1000}, device_scale_factor=1.5, color_scheme="light")
        page.goto(url)
        page.locator("#examples button").first.wait_for()
        page.screenshot(path=folder / "page-start.png")
        for question in QUESTIONS:
            ask(page, question)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=folder / "page.png")
        page.get_by_role("button", name="Open document").first.click()
        page.locator("#document .marked").wait_for()
        page.screenshot(path=folder / "page-document.png")
        page.goto(evaluated().as_uri())
        page.screenshot(path=folder / "report.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
