"""How much sensitive data is found, by type, how much of what is found is sensitive, and what it costs a request.

Set: pii_presidio (GitHub microsoft/presidio-research, MIT): made-up texts with labelled spans. One counts as found when
a finding of its type covers it, or four fifths of it; a finding is right when it overlaps a span of its type. Types of
the set that are not looked for, such as places and dates, are left out. `plain_texts` counts findings for each 1,000
sentences of the sample handbook and of mtrag (CC BY-SA 4.0), where hardly anything is sensitive: an upper bound of what
is masked for nothing. CPU: milliseconds for an answer with six citations as the server masks it by default, with every
type masked, and streamed in words.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Target, begin, print_table, read_records, record
from graph.safety.recognisers import KINDS, Finding, find
from graph.safety.sensitive import PROTECTED, MaskedStream, Policy
from graph.text.sentences import units
from server.sensitive import AnswerFilter

COVERED = 0.8
BY_CHECK_DIGITS = ("CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "US_SSN")
"""The types that have a form of their own, for which little excuse is left."""
ROUNDS = 200


def main() -> None:
    data = begin(__doc__, ["pii_presidio/texts.jsonl.gz"])
    types = by_type(list(read_records(data / "pii_presidio" / "texts.jsonl.gz")))
    plain = {name: per_thousand(texts) for name, texts in _plain_texts(data)}
    results: dict[str, Any] = {"types": types, "plain_texts": plain, "cpu_ms": costs(data)}
    print_table(
        "Types", ("type", "spans", "recall", "precision"), [(kind, *row.values()) for kind, row in types.items()]
    )
    print_table("Findings for 1,000 sentences", ("text", "findings"), [(k, str(v)) for k, v in plain.items()])
    print_table("CPU", ("what", "ms"), list(results["cpu_ms"].items()))
    record("sensitive_data", results, _targets(results))


def _targets(results: dict[str, Any]) -> list[Target]:
    types = results["types"]
    return [
        *(Target(f"{kind} recall", types[kind]["recall"], at_least=0.95) for kind in BY_CHECK_DIGITS),
        *(Target(f"{kind} precision", types[kind]["precision"], at_least=0.95) for kind in types),
        Target("PHONE_NUMBER recall", types["PHONE_NUMBER"]["recall"], at_least=0.85),
        *(Target(f"CPU milliseconds, {what}", spent, at_most=2.0) for what, spent in results["cpu_ms"].items()),
    ]


def by_type(texts: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Spans, recall and precision of each type that is looked for."""
    spans, found, findings, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for each in texts:
        own = find(each["text"])
        for span in (span for span in each["spans"] if span["type"] in KINDS):
            spans[span["type"]] += 1
            covered = max((_overlap(f, span) for f in own if f.kind == span["type"]), default=0)
            found[span["type"]] += covered >= COVERED * (span["end"] - span["start"])
        for finding in own:
            findings[finding.kind] += 1
            right[finding.kind] += any(_overlap(finding, s) > 0 for s in each["spans"] if s["type"] == finding.kind)
    return {
        kind: {
            "spans": spans[kind],
            "recall": round(found[kind] / spans[kind], 4),
            "precision": round(right[kind] / max(1, findings[kind]), 4),
        }
        for kind in sorted(spans)
    }


def _overlap(finding: Finding, span: dict[str, Any]) -> int:
    return min(finding.end, int(span["end"])) - max(finding.start, int(span["start"]))


def per_thousand(texts: Iterator[str]) -> dict[str, float]:
    """Findings of each type for a thousand sentences."""
    sentences = [unit.reading for text in texts for unit in units(text)][:20_000]
    counts = Counter(finding.kind for text in sentences for finding in find(text))
    return {kind: round(1000 * count / len(sentences), 2) for kind, count in sorted(counts.items())}


def _plain_texts(data: Path) -> Iterator[tuple[str, Iterator[str]]]:
    yield "handbook", (path.read_text("utf-8") for path in sorted((ROOT / "samples" / "handbook").rglob("*.md")))
    yield "mtrag", (each["text"] for each in islice(read_records(data / "mtrag" / "corpus.jsonl.gz"), 1000))


def costs(data: Path) -> dict[str, float]:
    """Milliseconds of CPU for an answer."""
    quotes = [each["text"][:300] for each in islice(read_records(data / "mtrag" / "corpus.jsonl.gz"), 6)]
    answer = {
        "text": " ".join(quotes)[:900],
        "asked": quotes[0][:80],
        "citations": [{"quote": each} for each in quotes],
    }
    words = [f"{word} " for word in str(answer["text"]).split()]
    standard, everything = Policy(PROTECTED), Policy({"*": "mask"})

    def streamed() -> None:
        stream = MaskedStream(standard.masked)
        for word in words:
            stream.add(word)
        stream.rest()

    return {
        "default": _milliseconds(lambda: AnswerFilter(standard).apply(answer)),
        "every type": _milliseconds(lambda: AnswerFilter(everything).apply(answer)),
        "streamed": _milliseconds(streamed),
    }


def _milliseconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    for _ in range(ROUNDS):
        run()
    return round((time.process_time() - began) * 1000 / ROUNDS, 3)


if __name__ == "__main__":
    main()
