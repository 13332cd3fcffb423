"""Reads Word files as their reader sees them: headers, notes and text boxes too."""

import re
from collections.abc import Iterator

from lxml import etree

from ..document import Document, File, Refused
from .blocks import ABOVE, LEFT, PAGE, Blocks, Run, RunStyle, count_of, line_of
from .package import Package, R, remove
from .raised import formula
from .unseen import HIDDEN
from .word_styles import Element, Numbering, W, is_on, own_style, styles_of, value_of

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
BLANKS = {"tab": "  ", "ptab": "  ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
GONE = (f"{W}del", f"{W}moveFrom", f"{W}commentReference")
LINEAR = ("oMath", "oMathPara", "r", "e", "sup", "sub", "num", "den", "sSup", "sSub", "f", "d")
"""What of a formula can be written on a line."""
PAGE_FIELD = re.compile(r"^\s*(?:PAGE|NUMPAGES|SECTION|SECTIONPAGES)\b", re.IGNORECASE)


def word(file: File) -> Document:
    """A Word file as a document; raises Refused."""
    package = Package(file.content)
    main = package.main("word/document.xml")
    root = package.tree(main)
    body = root.find(f"{W}body") if root is not None else None
    if root is None or body is None:
        raise Refused("corrupt: it holds no text of Word")
    return _Word(package, main).read(root, body)


class _Word:
    def __init__(self, package: Package, main: str) -> None:
        self._package, self._main = package, main
        self._styles = styles_of(package.tree(package.beside(main, "styles")))
        self._numbering = Numbering(package.tree(package.beside(main, "numbering")))
        self._links: dict[str, str] = {}
        self._noted: dict[tuple[str, str], str] = {}
        self._note_parts: dict[tuple[str, str], Element] = {}
        self._blocks = Blocks()
        self._left_out: set[str] = set()
        self._fields: list[str] = []
        self._breaks = "br"
        # What a paragraph refers to, until it is written.
        self._boxes: list[Element] = []
        self._notes: list[tuple[str, str]] = []

    def read(self, root: Element, body: Element) -> Document:
        # Where Word has noted how it broke the pages, what forces a break is counted already.
        self._breaks = "lastRenderedPageBreak" if root.find(f".//{W}lastRenderedPageBreak") is not None else "br"
        for text in self._running(root, "header"):
            self._blocks.paragraph(text)
        self._clean(root)
        self._links = self._package.links(self._main)
        self._walk(body)
        self._links = {}
        for text in self._running(root, "footer"):
            self._blocks.paragraph(text)
        return self._blocks.document(self._package.title(), sorted(self._left_out))

    def _clean(self, root: Element) -> None:
        """Take away what was deleted, hidden rows, and the second of two forms of a drawing."""
        for both in [*root.iter(f"{MC}AlternateContent")]:
            # Word writes a drawing twice, for programs of today and of yesterday.
            for other in [part for part in both if len(part)][1:]:
                both.remove(other)
        for element in [*root.iter(*GONE)]:
            # A deleted row says so in its properties; elsewhere what was deleted stands inside the element.
            row = element.getparent()
            remove(row.getparent() if row is not None and row.tag == f"{W}trPr" else element)
        for row in [*root.iter(f"{W}tr")]:
            if is_on(row.find(f"{W}trPr"), "hidden"):
                self._left_out.add(HIDDEN)
                remove(row)
        for prompt in [*root.iter(f"{W}showingPlcHdr")]:
            remove(next(prompt.iterancestors(f"{W}sdt"), None))

    def _walk(self, parent: Element) -> None:
        for child in parent:
            if child.tag == f"{W}p":
                self._paragraph(child)
            elif child.tag == f"{W}tbl":
                self._table(child)
            else:
                self._walk(child)

    def _paragraph(self, paragraph: Element) -> None:
        properties = paragraph.find(f"{W}pPr")
        style = own_style(properties).inherit(self._base(paragraph))
        if is_on(properties, "pageBreakBefore") and self._breaks == "br":
            self._blocks.page()
        text = self._text(paragraph, bold=not style.heading)
        label = self._numbering.label(*style.numbering) if style.numbering and text.strip() else None
        if style.heading:
            self._blocks.heading(style.heading, f"{label or ''} {text}")
        elif style.numbering is None or label is None:
            self._blocks.paragraph(text)
        elif re.search(r"\w[.)]\w", label):  # A clause such as 4.2 is a paragraph rather than an item.
            self._blocks.paragraph(f"{label} {text}")
        else:
            self._blocks.item(style.numbering[1], text, label)
        self._what_it_refers_to()

    def _what_it_refers_to(self) -> None:
        notes, boxes = self._notes, self._boxes
        self._notes, self._boxes = [], []
        for key in notes:
            self._blocks.note(self._note(key))
        for box in boxes:
            self._walk(box)

    def _note(self, key: tuple[str, str]) -> Iterator[str]:
        if not self._note_parts:
            for kind in ("footnote", "endnote"):
                root = self._package.tree(self._package.beside(self._main, f"{kind}s"))
                found = root.iter(f"{W}{kind}") if root is not None else ()
                self._note_parts |= {(kind, note.get(f"{W}id") or ""): note for note in found}
        if key in self._note_parts:
            note, links = self._note_parts[key], self._links
            self._links = {}  # Those of the notes have the same names.
            self._clean(note)
            lines = [text for paragraph in note.iter(f"{W}p") if (text := self._text(paragraph).strip())]
            self._links = links
            yield from [f"{self._noted[key]} {lines[0]}", *lines[1:]] if lines else []

    def _table(self, table: Element) -> None:
        if len([*table.iter(f"{W}tc")]) == 1:  # A frame around text.
            self._walk(table)
            return
        rows = [row for row in table.iter(f"{W}tr") if next(row.iterancestors(f"{W}tbl"), None) is table]
        self._blocks.table([self._row(row) for row in rows])
        self._boxes = []
        self._what_it_refers_to()

    def _row(self, row: Element) -> list[str]:
        properties = row.find(f"{W}trPr")
        before = value_of(properties, "gridBefore")
        cells = [""] * (count_of(before) if before else 0)
        for cell in row.iter(f"{W}tc"):
            if next(cell.iterancestors(f"{W}tr"), None) is not row:
                continue
            properties = cell.find(f"{W}tcPr")
            merged = properties.find(f"{W}vMerge") if properties is not None else None
            continues = merged is not None and merged.get(f"{W}val", "continue") == "continue"
            paragraphs = (self._text(paragraph, bold=False).strip() for paragraph in cell.iter(f"{W}p"))
            text = ABOVE if continues else " ".join(filter(None, paragraphs))
            beside = ABOVE if continues else LEFT
            cells += [text, *[beside] * (count_of(value_of(properties, "gridSpan")) - 1)]
        return cells

    def _base(self, paragraph: Element) -> RunStyle:
        return self._styles.get(value_of(paragraph.find(f"{W}pPr"), "pStyle"), RunStyle())

    def _text(self, paragraph: Element, *, bold: bool = True) -> str:
        runs = self._runs(paragraph, self._base(paragraph)._replace(heading=None, numbering=None))
        return line_of(runs, self._left_out, bold=bold)

    def _runs(self, parent: Element, base: RunStyle) -> Iterator[Run]:
        for child in parent:
            if child.tag == f"{W}r":
                yield from self._run(child, base)
            elif child.tag == f"{W}hyperlink" and (address := self._links.get(child.get(f"{R}id") or "")):
                runs = [*self._runs(child, base)]
                yield from [("[", base), *runs, (f"]({address})", base)] if "".join(text for text, _ in runs) else []
            elif child.tag in (f"{M}oMath", f"{M}oMathPara"):
                yield _linear(child), RunStyle()
            elif child.tag != f"{W}p" and not PAGE_FIELD.match(child.get(f"{W}instr") or ""):
                yield from self._runs(child, base)

    def _run(self, run: Element, base: RunStyle) -> Iterator[Run]:
        properties = run.find(f"{W}rPr")
        named = self._styles.get(value_of(properties, "rStyle"), RunStyle())
        style = own_style(properties).inherit(named).inherit(base)
        style = style._replace(hidden=True) if _is_white(run) else style
        for child in run.iter():
            if next(child.iterancestors(f"{W}r"), None) is run and (text := self._piece(child)):
                is_note = child.tag in (f"{W}footnoteReference", f"{W}endnoteReference")
                yield text, style._replace(position=None) if is_note else style

    def _piece(self, element: Element) -> str:
        """What one part of a run adds to its text."""
        name = etree.QName(element).localname
        if name in ("fldChar", "instrText"):
            return self._field(element)
        if any(map(PAGE_FIELD.match, self._fields)):
            return ""
        if name == "txbxContent":
            self._boxes.append(element)
        if name in ("footnoteReference", "endnoteReference"):
            return self._mark(name.removesuffix("Reference"), element.get(f"{W}id") or "")
        if name == self._breaks and (name != "br" or element.get(f"{W}type") == "page"):
            return PAGE
        if name in BLANKS:
            return BLANKS[name] if element.get(f"{W}type", "textWrapping") == "textWrapping" else ""
        if name == "docPr":  # A picture by its description.
            return (element.get("descr") or "").strip()
        return (element.text or "") if element.tag == f"{W}t" else ""

    def _field(self, element: Element) -> str:
        """Follow the parts of a field, which say nothing themselves."""
        kind = element.get(f"{W}fldCharType")
        if kind is None and self._fields:
            self._fields[-1] += element.text or ""
        elif kind == "begin":
            self._fields.append("")
        elif kind == "end" and self._fields:
            self._fields.pop()
        return ""

    def _mark(self, kind: str, number: str) -> str:
        count = sum(known == kind for known, _ in self._noted) + 1
        mark = self._noted.setdefault((kind, number), f"[^{count}]" if kind == "footnote" else f"[^e{count}]")
        self._notes.append((kind, number))
        return f" {mark}"

    def _running(self, root: Element, kind: str) -> Iterator[str]:
        """The texts of all headers or of all footers, each once, without page numbers."""
        targets, seen = self._package.related(self._main), set[str]()
        for name in dict.fromkeys(reference.get(f"{R}id") for reference in root.iter(f"{W}{kind}Reference")):
            part = self._package.tree(targets.get(name or "", ""))
            if part is None:
                continue
            self._clean(part)
            for line in (" ".join(line.split()) for line in self._lines(part)):
                if line not in seen:
                    seen.add(line)
                    yield line

    def _lines(self, root: Element) -> Iterator[str]:
        """The paragraphs and table rows of a part as lines of text."""
        for child in root:
            if child.tag == f"{W}tr":
                cells = [cell for cell in self._row(child) if cell.strip() and cell not in (ABOVE, LEFT)]
                yield (": " if len(cells) == 2 and not cells[0].endswith(":") else "  ").join(cells)
            elif child.tag == f"{W}p":
                yield self._text(child, bold=False).replace("\n", "  ")
                boxes, self._boxes = self._boxes, []
                for box in boxes:
                    yield from self._lines(box)
            else:
                yield from self._lines(child)


def _is_white(run: Element) -> bool:
    """Whether a run is white, and nothing around it has a ground or a style that may give it one."""
    if value_of(run.find(f"{W}rPr"), "color").upper() != "FFFFFF":
        return False
    around = [run, *run.iterancestors()]
    properties = [part.find(f"{W}{etree.QName(part).localname}Pr") for part in around]
    grounds = [f"{W}{name}" for name in ("shd", "highlight", "pStyle", "tblStyle")]
    return not any(found is not None and any(map(found.findall, grounds)) for found in properties) and not any(
        part.tag == f"{W}txbxContent" for part in around
    )


def _linear(element: Element) -> str:
    """A formula of powers, indices and fractions on one line; of others what their parts say."""
    name = etree.QName(element).localname
    if name == "t":
        return element.text or ""
    parts = [_linear(child) for child in element if not etree.QName(child).localname.endswith("Pr")]
    return formula(name, parts) if name in LINEAR else " ".join(parts)
