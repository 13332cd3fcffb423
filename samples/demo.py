"""The main job on real documents: index the sample handbook, ask it four questions, show the cited answers."""

import os
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule

HERE = Path(__file__).resolve().parent
STORE = Path(".warrant/handbook")
sys.path.insert(0, str(HERE.parent))


@dataclass(frozen=True)
class Asked:
    """A question of the demonstration, and what it shows."""

    shows: str
    text: str
    options: list[str] = field(default_factory=list)


QUESTIONS = [
    Asked("A simple question", "After how many years do I get a new laptop?"),
    Asked(
        "A question that needs two documents",
        "What is the hotel limit in the EU and how long are customer service records kept?",
    ),
    Asked(
        "The same policy under a metadata filter: what held before 2024",
        "What is the hotel limit in the EU?",
        ["--filter", "effective_date<2024-01-01"],
    ),
    Asked("A question that the documents cannot answer", "How much does Tarnwell contribute to my pension?"),
]


def main() -> int:
    """Run everything through the command line, as a user would."""
    import warrant

    os.chdir(HERE.parent)
    console = Console()
    began = time.perf_counter()
    code: int = warrant.main(["index", "samples/handbook", "--out", str(STORE), "--prune"]) or 0
    for asked in QUESTIONS:
        console.print()
        console.print(Rule(asked.shows, align="left"))
        command = ["ask", asked.text, "--index", str(STORE), "--trace", *asked.options]
        console.print(escape(f"warrant {shlex.join(command)}"), style="bold", highlight=False)
        code = code or warrant.main(command) or 0
    spent = time.perf_counter() - began
    console.print(f"\nDone in {spent:.1f} s. Ask your own: .venv/bin/warrant ask --index {STORE}", highlight=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
