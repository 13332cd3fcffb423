"""Build the PDF and DOCX files of the sample handbook from the text sources in sources/."""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.text import WD_BREAK
from fpdf import FPDF

SAMPLES = Path(__file__).resolve().parent
COMPANY = "Tarnwell Building Systems"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
PAGE_BREAK = "<!-- pagebreak -->"
HEADING = re.compile(r"(#{1,3}) (.+)")
NUMBERED = re.compile(r"(\d+)\. (.+)")


@dataclass(frozen=True)
class Block:
    """One piece of a source text; `kind` is heading, paragraph, bullet, number, table or break."""

    kind: str
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = field(default=())


@dataclass(frozen=True)
class Source:
    """A parsed source file: where it goes, its properties and its blocks."""

    target: str
    title: str
    created: datetime
    blocks: tuple[Block, ...]


def read_source(path: Path) -> Source:
    """Read one source file with its header of `key: value` lines."""
    _, header, body = path.read_text(encoding="utf-8").split("---\n", 2)
    meta = dict(line.split(": ", 1) for line in header.splitlines() if line)
    created = datetime.fromisoformat(meta["date"]).replace(hour=9, tzinfo=UTC)
    return Source(meta["target"], meta["title"], created, tuple(parse_blocks(body)))


def parse_blocks(body: str) -> Iterator[Block]:
    """Yield the blocks of a body; every line is a block, table lines are gathered."""
    table: list[tuple[str, ...]] = []
    for line in [*map(str.strip, body.splitlines()), ""]:
        if line.startswith("|"):
            table.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
            continue
        if table:
            yield Block("table", rows=tuple(row for row in table if not is_rule(row)))
            table = []
        if line:
            yield parse_line(line)


def is_rule(row: tuple[str, ...]) -> bool:
    """Tell whether a table row is the `| --- |` line below the header."""
    return all(set(cell) <= set("-:") for cell in row)


def parse_line(line: str) -> Block:
    """Turn one line outside a table into a block."""
    if line == PAGE_BREAK:
        return Block("break")
    if match := HEADING.fullmatch(line):
        return Block("heading", match[2], level=len(match[1]))
    if line.startswith("- "):
        return Block("bullet", line[2:])
    if match := NUMBERED.fullmatch(line):
        return Block("number", match[2], level=int(match[1]))
    return Block("paragraph", line)


class HandbookPdf(FPDF):
    """An A4 document with the title and a running page number in the footer."""

    def __init__(self, source: Source) -> None:
        """Open the first page and fix the document properties."""
        super().__init__(format="A4")
        self.source = source
        self.set_margins(22, 20)
        self.set_auto_page_break(True, margin=24)
        self.set_title(source.title)
        self.set_author(COMPANY)
        self.set_producer(COMPANY)
        self.set_creation_date(source.created)
        self.add_page()

    def footer(self) -> None:
        """Write the footer line."""
        self.set_y(-16)
        self.set_font("Helvetica", size=8)
        self.cell(0, 6, f"{COMPANY} - {self.source.title} - Page {self.page_no()} of {{nb}}", align="C")

    def write_block(self, block: Block) -> None:
        """Write one block at the current position."""
        if block.kind == "break":
            self.add_page()
        elif block.kind == "heading":
            self.write_heading(block)
        elif block.kind == "table":
            self.write_table(block)
        else:
            self.write_text(block)

    def write_heading(self, block: Block) -> None:
        """Write a heading in bold, sized by its level."""
        size = {1: 18, 2: 13, 3: 11}[block.level]
        self.ln(0 if block.level == 1 else 3)
        self.set_font("Helvetica", "B", size)
        self.multi_cell(0, size * 0.5, block.text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(2)

    def write_text(self, block: Block) -> None:
        """Write a paragraph or a list item."""
        mark = {"bullet": "- ", "number": f"{block.level}. "}.get(block.kind, "")
        self.set_font("Helvetica", size=10.5)
        self.set_x(self.l_margin + (5 if mark else 0))
        self.multi_cell(0, 5.4, mark + block.text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(1 if mark else 2.4)

    def write_table(self, block: Block) -> None:
        """Write a table whose first row is the header."""
        self.set_font("Helvetica", size=9.5)
        with self.table(line_height=5.6, text_align="LEFT", padding=1) as table:
            for cells in block.rows:
                table.row(cells)
        self.ln(3)


def pdf_bytes(source: Source) -> bytes:
    """Render a source as PDF."""
    pdf = HandbookPdf(source)
    for block in source.blocks:
        pdf.write_block(block)
    return bytes(pdf.output())


def docx_bytes(source: Source) -> bytes:
    """Render a source as DOCX."""
    document = Document()
    set_properties(document, source)
    for block in source.blocks:
        add_block(document, block)
    buffer = BytesIO()
    document.save(buffer)
    return with_fixed_times(buffer)


def set_properties(document: DocxDocument, source: Source) -> None:
    """Fill the document properties with fixed values."""
    properties = document.core_properties
    properties.title = source.title
    properties.author = properties.last_modified_by = COMPANY
    properties.comments = ""
    properties.created = properties.modified = source.created.replace(tzinfo=None)


def add_block(document: DocxDocument, block: Block) -> None:
    """Append one block to a DOCX document."""
    if block.kind == "break":
        document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    elif block.kind == "heading":
        document.add_heading(block.text, level=block.level)
    elif block.kind == "table":
        add_table(document, block)
    else:
        style = {"bullet": "List Bullet", "number": "List Number"}.get(block.kind, "Normal")
        document.add_paragraph(block.text, style=style)


def add_table(document: DocxDocument, block: Block) -> None:
    """Append a table whose first row is the header."""
    table = document.add_table(rows=0, cols=len(block.rows[0]), style="Table Grid")
    for cells in block.rows:
        for cell, text in zip(table.add_row().cells, cells, strict=True):
            cell.text = text
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True


def with_fixed_times(archive: BytesIO) -> bytes:
    """Rewrite a zip archive with one fixed time for every member."""
    result = BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, ZIP_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return result.getvalue()


RENDERERS: dict[str, Callable[[Source], bytes]] = {".pdf": pdf_bytes, ".docx": docx_bytes}


def build(sources: Path, output: Path) -> None:
    """Build every source file into the output folder."""
    for path in sorted(sources.glob("*.md")):
        source = read_source(path)
        target = output / source.target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(RENDERERS[target.suffix](source))


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, default=SAMPLES / "sources")
    parser.add_argument("--output", type=Path, default=SAMPLES / "handbook")
    arguments = parser.parse_args()
    build(arguments.sources, arguments.output)


if __name__ == "__main__":
    main()
