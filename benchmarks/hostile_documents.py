"""What documents that break libraries cost: does the run end, is every file accounted for, how much memory is taken?

Nothing is read from the data folder; everything is made here with a fixed seed:
- 29,729 pages in the manner of annual reports, as a corpus: no-break and other odd spaces anywhere, control and
  zero-width characters, tables with leaders and amounts in brackets, ligatures, runs of capitals;
- 12 PDF files of such pages;
- a CSV file of 200,000 rows, indexed again after one row has changed;
- archives that unpack to 2.4 GB, a corpus whose one line has 3 GB, front matter that expands without end, a name of 255
  bytes, a name that is not UTF-8.
Each group is indexed by `warrant index` in a process of its own with static vectors; its memory is the largest resident
set of any process of the run.
"""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fpdf import FPDF

from benchmarks.record import ROOT, Target, begin, print_table, record, timed

PAGES, PDFS, ROWS = 29_729, 12, 200_000
MOST_MEGABYTES = 3072
MEASURED = """import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)"""
ODD = "\u00a0\u2007\u2009\u202f\u3000\u200b\u2028\u0085\x0b\x0c\x1f\ufeff\u00ad"
WORDS = """the company revenue net income of and in fiscal year ended December segment operating expenses increased due
to primarily lower higher costs Notes Consolidated Statements U.S. Inc. No. Item 7A. approx. see pp. Ltd. vs. ofﬁce
ﬁnancial liabilities deferred tax (loss) per-share §1.2 ASC 606 N.V. Corp. management's""".split()


def main() -> None:
    begin(__doc__)
    groups: dict[str, Callable[[Path], int]] = {
        "pages of reports": write_pages,
        "PDF files": write_pdfs,
        "table": write_table,
        "bombs and names": write_bombs,
    }
    with tempfile.TemporaryDirectory() as place:
        results = {name: measure(Path(place) / name.replace(" ", "_"), write) for name, write in groups.items()}
        results["table, one row changed"] = change_row(Path(place) / "table")
    columns = ("written", "indexed", "refused", "seconds", "megabytes")
    rows = [(name, *(row[column] for column in columns)) for name, row in results.items()]
    print_table("Documents that break libraries", ("group", *columns), rows)
    record("hostile_documents", results, targets_of(results))


def targets_of(results: dict[str, Any]) -> list[Target]:
    lost = sum(row["written"] - row["accounted"] for row in results.values())
    most = max(row["megabytes"] for row in results.values())
    again = results["table, one row changed"]["indexed"]
    return [
        Target("documents lost", lost, at_most=0),
        Target("pages of reports indexed", results["pages of reports"]["indexed"], at_least=PAGES),
        Target("parts of the table indexed again", again, at_most=1),
        Target("megabytes of the largest process", most, at_most=MOST_MEGABYTES),
    ]


def measure(folder: Path, write: Callable[[Path], int]) -> dict[str, Any]:
    """Write a group and index it."""
    (folder / "docs").mkdir(parents=True)
    return index(folder, write(folder / "docs"))


def index(folder: Path, written: int) -> dict[str, Any]:
    """Run the command on a folder's documents, with what it took; raises SystemExit when it fails."""
    release = folder / "release.yaml"
    release.write_text("embedding: wordllama-256\n", "utf-8")
    command = [
        sys.executable,
        "-m",
        "warrant",
        "index",
        folder / "docs",
        "-o",
        folder / "store",
        "-r",
        release,
        "--json",
    ]
    run = timed(subprocess.run, [sys.executable, "-c", MEASURED, *map(str, command)], cwd=ROOT, capture_output=True)
    memory = int(run.value.stderr.split()[-1])
    found = json.loads(run.value.stdout)
    files = {name.rpartition("#")[0] or name for name in found["indexed"]}
    return {
        "written": written,
        "accounted": min(written, len(files | {each["file"] for each in found["refused"]})),
        "indexed": len(found["indexed"]),
        "refused": len(found["refused"]),
        "reasons": sorted({each["reason"] for each in found["refused"]}),
        "seconds": round(run.seconds, 1),
        "megabytes": round(memory / 1024),
    }


def write_pages(docs: Path) -> int:
    chance = random.Random(1)
    with (docs / "corpus.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(PAGES):
            lines.write(json.dumps({"id": f"page-{number}", "text": page(chance)}) + "\n")
    return PAGES


def page(chance: random.Random) -> str:
    """A page of a report: paragraphs and tables, with odd characters put in anywhere."""
    blocks = (table(chance) if chance.random() < 0.3 else paragraph(chance) for _ in range(chance.randrange(1, 6)))
    text = list("\n\n".join(blocks))
    for _ in range(chance.randrange(12)):
        text.insert(chance.randrange(len(text)), chance.choice(ODD))
    return "".join(text)


def paragraph(chance: random.Random) -> str:
    words = chance.choices(WORDS, k=chance.randrange(5, 120))
    return " ".join(word + "." if chance.random() < 0.06 else word for word in words)


def table(chance: random.Random) -> str:
    """Rows with leaders, and amounts in brackets."""
    leader = chance.choice([" . . . . ", "......", "\t", "\u00a0\u00a0"])
    rows = (
        f"{chance.choice(WORDS)} {chance.choice(WORDS)}{leader}{amount(chance)}\u00a0 {amount(chance)}"
        for _ in range(9)
    )
    return "\n".join(rows)


def amount(chance: random.Random) -> str:
    value = f"{chance.randrange(10**7):,}"
    return chance.choice([f"$ {value}", f"({value})", f"$\u00a0({value})", "—", f"{chance.random():.1%}"])


def write_pdfs(docs: Path) -> int:
    chance = random.Random(2)
    for number in range(PDFS):
        pdf = FPDF()
        pdf.set_font("courier", size=9)
        for _ in range(20):
            pdf.add_page()
            pdf.multi_cell(0, text=page(chance).encode("latin-1", "ignore").decode("latin-1"))
        pdf.output(str(docs / f"report{number}.pdf"))
    return PDFS


def write_table(docs: Path) -> int:
    with (docs / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(orders())
    return 1


def orders() -> Iterator[list[str]]:
    chance = random.Random(3)
    yield ["order", "customer", "city", "amount in EUR", "status"]
    for number in range(ROWS):
        city, status = chance.choice(["Gent", "Lyon", "Porto", "Turku"]), chance.choice(["open", "paid"])
        yield [str(number), f"customer {chance.randrange(9999)}", city, f"{chance.random() * 1000:.2f}", status]


def change_row(folder: Path) -> dict[str, Any]:
    """Change one row in the middle of the table and index it again."""
    path = folder / "docs" / "orders.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    lines[ROWS // 2] = "x,a new customer,Gent,1.00,open\n"
    path.write_text("".join(lines), "utf-8")
    return index(folder, 1)


def write_bombs(docs: Path) -> int:
    write_archive(docs / "bomb.docx", "word/document.xml")
    write_archive(docs / "bomb.epub", "OEBPS/chapter.xhtml")
    with gzip.open(docs / "corpus.jsonl.gz", "wb", compresslevel=1) as file:
        file.write(b'{"id": "long", "text": "')
        for _ in range(3072):
            file.write(b"a" * (1 << 20))
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    (docs / "aliases.md").write_text(f"---\nl0: &l0 [a]\n{levels}---\nText.\n", "utf-8")
    (docs / ("n" * 252 + ".md")).write_text("The name has 255 bytes.\n", "utf-8")
    Path(os.fsdecode(os.fsencode(docs) + b"/\xff\xfe.md")).write_text("The name is not UTF-8.\n", "utf-8")
    (docs / "good.md").write_text("The quota is 50 GB.\n", "utf-8")
    return 7


def write_archive(path: Path, member: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open(member, "w", force_zip64=True) as inside:
        for _ in range(2400):
            inside.write(b" " * (1 << 20))


if __name__ == "__main__":
    main()
