"""The main job on real documents: index the sample handbook, ask it four questions, show the cited answers."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

HERE = Path(__file__).resolve().parent
STORE = HERE.parent / ".warrant" / "handbook"
sys.path.insert(0, str(HERE.parent))


@dataclass(frozen=True)
class Asked:
    """A question of the demonstration, and what it shows."""

    shows: str
    text: str
    options: list[str] = field(default_factory=list)


QUESTIONS = [
    Asked("A simple question", "What is the minimum number of characters for my password?"),
    Asked(
        "A question that needs two documents",
        "How long is the warranty on a Corrento pump in Europe, and with what torque are the housing screws tightened?",
    ),
    Asked(
        "A question under a metadata filter (region APAC, in force since 2024)",
        "How long is the warranty on the pump?",
        ["--filter", "region=APAC", "--filter", "product_line=Corrento"],
    ),
    Asked("A question that the documents cannot answer", "Who won the football world championship in 1998?"),
]


def main() -> int:
    """Run everything through the command line, as a user would."""
    import warrant

    console = Console()
    began = time.perf_counter()
    code: int = warrant.main(["index", str(HERE / "handbook"), "--out", str(STORE), "--prune"]) or 0
    for asked in QUESTIONS:
        console.print()
        console.print(Rule(asked.shows, align="left"))
        console.print(" ".join(["[bold]warrant ask[/]", repr(asked.text), *asked.options]), highlight=False)
        code = code or warrant.main(["ask", asked.text, "--index", str(STORE), "--trace", *asked.options]) or 0
    console.print(f"\nDone in {time.perf_counter() - began:.1f} s. Ask your own: .venv/bin/warrant ask -i {STORE.name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
