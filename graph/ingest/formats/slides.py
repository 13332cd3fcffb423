"""Reads PowerPoint files as their audience sees them: each slide is a page."""

from collections.abc import Iterator

from lxml import etree

from ..document import Document, File
from .blocks import ABOVE, LEFT, Blocks, Run, RunStyle, line_of
from .package import Package, R
from .raised import Position
from .unseen import HIDDEN

Element = etree._Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
MAIN = "ppt/presentation.xml"
TITLES, REPEATED = ("title", "ctrTitle"), ("dt", "ftr", "hdr")
"""Placeholders whose text is the slide's title, and those that stand alike on many slides."""
LONGEST_TITLE = 150
"""Letters up to which the first text of a slide without a title is its title."""
ROW = 360_000
"""How far shapes of one row may stand apart, in the unit of PowerPoint: a centimetre."""
UNLISTED = ("subTitle", *REPEATED)
"""Placeholders whose paragraphs are no items of a list."""
DIAGRAM = "/diagramData"


def slides(file: File) -> Document:
    """A presentation as a document; raises Refused."""
    return _Slides(Package(file.content)).read()


class _Slides:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._blocks = Blocks()
        self._left_out: set[str] = set()
        self._seen: set[str] = set()
        self._untitled = False

    def read(self) -> Document:
        for number, name in enumerate(self._names(), 1):
            if number > 1:
                self._blocks.page()
            root = self._package.tree(name)
            if root is not None and root.get("show") in ("0", "false"):
                self._left_out.add("hidden slides were left out")
            elif root is not None:
                self._slide(root, name)
        return self._blocks.document(self._package.title(), sorted(self._left_out))

    def _names(self) -> list[str]:
        """The parts of the slides in the order in which they are shown."""
        main = self._package.main(MAIN)
        root, targets = self._package.tree(main), self._package.related(main)
        listed = root.iter(f"{P}sldId") if root is not None else ()
        return [targets[key] for slide in listed if (key := slide.get(f"{R}id") or "") in targets]

    def _slide(self, root: Element, name: str) -> None:
        self._untitled = not any(_placeholder(shape) in TITLES for shape in root.iter(f"{P}sp"))
        for tree in root.iter(f"{P}spTree"):
            self._shapes(tree)
        for part in self._package.related(name, DIAGRAM).values():
            diagram = self._package.tree(part)
            for paragraph in diagram.iter(f"{A}p") if diagram is not None else ():
                self._blocks.item(0, self._line(paragraph))

    def _shapes(self, group: Element) -> None:
        for shape in sorted(group, key=_place):
            about = shape.find("*/{*}cNvPr")
            if about is not None and about.get("hidden") in ("1", "true"):
                self._left_out.add(HIDDEN)
            elif shape.tag == f"{P}grpSp":
                self._shapes(shape)
            elif shape.tag == f"{P}pic" and about is not None:
                self._blocks.paragraph(about.get("descr") or "")
            elif shape.tag == f"{P}sp":
                self._text(shape)
            elif shape.tag == f"{P}graphicFrame":
                for table in shape.iter(f"{A}tbl"):
                    self._blocks.table([[*self._cells(row)] for row in table.iter(f"{A}tr")])

    def _text(self, shape: Element) -> None:
        kind = _placeholder(shape)
        lines = [(paragraph, self._line(paragraph)) for paragraph in shape.iter(f"{A}p")]
        lines = [(paragraph, text) for paragraph, text in lines if text.strip()]
        title = " ".join(text for _, text in lines)
        if kind in TITLES or (title and self._untitled and len(title) <= LONGEST_TITLE):
            self._blocks.heading(2, title)
            self._untitled = False
            return
        if kind == "sldNum" or (kind in REPEATED and all(text in self._seen for _, text in lines)):
            return
        self._seen |= {text for _, text in lines}
        counts: dict[int, int] = {}
        for paragraph, text in lines:
            level, sign = _bullet(paragraph, listed=bool(kind) and kind not in UNLISTED and len(lines) > 1)
            counts = {each: count for each, count in counts.items() if each <= level and sign == "buAutoNum"}
            if sign == "buNone":
                self._blocks.paragraph(text)
            else:
                counts[level] = counts.get(level, 0) + 1
                self._blocks.item(level, text, f"{counts[level]}." if sign == "buAutoNum" else "")

    def _cells(self, row: Element) -> Iterator[str]:
        for cell in row.iter(f"{A}tc"):
            if cell.get("vMerge") in ("1", "true"):
                yield ABOVE
            elif cell.get("hMerge") in ("1", "true"):
                yield LEFT
            else:
                yield " ".join(filter(None, (self._line(paragraph).strip() for paragraph in cell.iter(f"{A}p"))))

    def _line(self, paragraph: Element) -> str:
        return line_of(_runs(paragraph), self._left_out, bold=False)


def _placeholder(shape: Element) -> str:
    """What a shape stands for on its slide, such as a title; empty for a free one."""
    placeholder = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return placeholder.get("type", "obj") if placeholder is not None else ""


def _place(shape: Element) -> tuple[int, int, int]:
    """Where a shape is read: the title first, what stands on many slides last, the others by rows."""
    kind = _placeholder(shape)
    offset = shape.find("*/{*}off")
    offset = shape.find("*/{*}xfrm/{*}off") if offset is None else offset
    x, y = (int(offset.get(name) or 0) for name in "xy") if offset is not None else (-ROW, -ROW)
    return (kind not in TITLES) + (kind in REPEATED), round(y / ROW), x


def _bullet(paragraph: Element, *, listed: bool) -> tuple[int, str]:
    """How deep a paragraph stands in a list, and what kind of sign is before it."""
    properties = paragraph.find(f"{A}pPr")
    if properties is None:
        return 0, "buChar" if listed else "buNone"
    level = int(properties.get("lvl") or 0)
    signs = [sign for sign in ("buNone", "buChar", "buBlip", "buAutoNum") if properties.find(f"{A}{sign}") is not None]
    return level, signs[0] if signs else "buChar" if listed or level else "buNone"


def _runs(paragraph: Element) -> Iterator[Run]:
    for part in paragraph:
        if part.tag == f"{A}br":
            yield "\n", RunStyle()
        elif part.tag in (f"{A}r", f"{A}fld"):
            properties = part.find(f"{A}rPr")
            struck = properties is not None and properties.get("strike", "noStrike") != "noStrike"
            yield part.findtext(f"{A}t") or "", RunStyle(struck=struck, position=_position(properties))


def _position(properties: Element | None) -> Position:
    baseline = properties.get("baseline", "0").rstrip("%") if properties is not None else "0"
    return "" if baseline in ("0", "") else "down" if baseline.startswith("-") else "up"
