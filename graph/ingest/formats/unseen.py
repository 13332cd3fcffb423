"""Leaves out of an HTML page what its reader does not see."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lxml import etree
from lxml.html import HtmlElement

STRUCK = ("del", "s", "strike")
DECLARATION = re.compile(r"([\w-]+)\s*:\s*((?:[^;(]|\([^)]*\))+)")
NOTHING = re.compile(r"0(?:\.0+)?(?:[a-z]+|%)?\Z")
TINY = re.compile(r"(?:0|[01]?\.\d+|1)(?:px|pt)\Z")
GROUNDS = ("background", "background-color", "background-image")
COLOURS = {"color", *GROUNDS}
LOOK = {*COLOURS, "font", "font-size", "position"}
RELATIVE = re.compile(r"[\d.]+(?:em|%)\Z|inherit\Z|larger\Z|smaller\Z")
PLACED = ("left", "right", "top", "bottom", "margin-left", "margin-top", "text-indent")
FAR = re.compile(r"-(?:\d{4,}|999)")
CLIPPED = re.compile(r"rect\(\s*[01](?:px)?[\s,]+[01](?:px)?\b|inset\(\s*(?:50|100)%|circle\(\s*0")
HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})\Z")
RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:\s*[,/]\s*([\d.]+%?))?\s*\)")
NAMED = {"white": (255, 255, 255), "black": (0, 0, 0)}
ALIKE = 8
"""How much the parts of two colours may differ, of 255, that people cannot tell apart."""
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
CSS_NAME = re.compile(r"(?=.)([a-zA-Z][\w]*)?(?:([.#])[\w-]+)?\Z")
HIDDEN = "hidden text was left out"
STRUCK_OUT = "struck-out text was left out"

Colour = tuple[int, int, int] | str
"""Red, green and blue of 255, or the name of a colour."""
Style = Mapping[str, str]
"""The properties that are declared for an element."""


@dataclass(frozen=True)
class Styles:
    """The rules of a page's own style sheets by `tag`, `.class`, `#id` or `tag.class`, each with its rank.

    `whole`: no other rule can say which colours are seen.
    """

    rules: Mapping[str, Sequence[tuple[tuple[int, int], str]]]
    whole: bool

    def of(self, element: HtmlElement) -> Style:
        """What the style sheets and the element itself declare."""
        rules = sorted(rule for name in _names(element) for rule in self.rules.get(name, ())) if self.rules else []
        attributes = [f"color:{element.get('color')}"] if element.tag == "font" and element.get("color") else []
        attributes += [f"background:{element.get('bgcolor')}"] if element.get("bgcolor") else []
        attributes += ["background-image:url(picture)"] if element.get("background") else []
        return declarations(";".join([*attributes, *(text for _, text in rules), element.get("style") or ""]))


@dataclass(frozen=True)
class _Look:
    """What an element inherits or shows through; a colour that is not known is None."""

    colour: Colour | None = None
    ground: Colour | None = None
    tiny: bool = False

    @property
    def is_seen(self) -> bool:
        return not self.tiny and self.colour != "transparent" and not _alike(self.colour, self.ground)


def styles_of(root: HtmlElement) -> Styles:
    """What the style sheets in a page say for every medium."""
    rules = defaultdict(list)
    whole = not any("stylesheet" in (link.get("rel") or "").lower() for link in root.iter("link"))
    for sheet in root.iter("style"):
        text = CSS_COMMENT.sub("", sheet.text or "")
        whole = whole and "@import" not in text
        for number, (selector, rule) in enumerate(_rules(text)):
            if name := CSS_NAME.match(selector):
                rules[selector].append(((" .#".index(name[2] or " "), number), rule))
            elif ":" not in selector and COLOURS & declarations(rule).keys():
                whole = False
    return Styles(rules, whole)


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    # What holds for some media only (a phone, print) is nested one level deeper and does not count.
    depth, flat = 0, []
    for part in re.split(r"(@[^{};]*\{|[{}])", sheet):
        if part.startswith("@") or (depth and part == "{"):
            depth += 1
        elif depth and part == "}":
            depth -= 1
        elif not depth:
            flat.append(part)
    for selectors, rule in CSS_RULE.findall("".join(flat)):
        yield from ((selector.strip(), rule) for selector in selectors.split(","))


def _names(element: HtmlElement) -> Iterator[str]:
    tag = str(element.tag)
    names = [f".{name}" for name in (element.get("class") or "").split()]
    names += [f"#{element.get('id')}"] if element.get("id") else []
    yield from (tag, *names, *(tag + name for name in names))


@lru_cache(maxsize=4096)
def declarations(style: str) -> Style:
    """The properties that a style declares; of several values the last counts, or the one that is important."""
    found: dict[str, str] = {}
    important: dict[str, str] = {}
    for name, value in DECLARATION.findall(style.lower()):
        bare, sign, _ = value.partition("!")
        (important if sign else found)[name] = bare.strip()
    return found | important


def hides(style: Style) -> bool:
    """Whether a style takes an element out of sight, with all that is in it."""
    return (
        style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or style.get("mso-hide") == "all"
        or NOTHING.match(style.get("opacity", "1")) is not None
        or any(name in PLACED and FAR.match(value) for name, value in style.items())
        or any(name in ("clip", "clip-path") and CLIPPED.match(value) for name, value in style.items())
    )


def is_unseen(style: Style) -> bool:
    """Whether a text of its own on white paper would not be seen in this style."""
    return hides(style) or not _look(_Look(ground=NAMED["white"]), style, True).is_seen


def strikes(style: Style) -> bool:
    """Whether a style strikes a text out."""
    return any(name.startswith("text-decoration") and "line-through" in value for name, value in style.items())


def leave_out(root: HtmlElement, styles: Styles) -> tuple[str, ...]:
    """Take what is hidden or struck out from a page, and say so."""
    found = set()
    looks: dict[HtmlElement, _Look] = {}
    page = _Look(ground=NAMED["white"] if styles.whole else None)
    for element in [*root.iter(etree.Element)]:
        parent, style = element.getparent(), styles.of(element)
        if parent is not None and parent not in looks:
            continue  # It went with an element around it.
        is_page = element.tag in ("html", "body", "head") or parent is None
        if sentence := "" if is_page else _left_out(element, style):
            if element.tag == "col":
                _leave_column(element)
            if "".join(element.itertext()).strip():
                found.add(sentence)
            element.drop_tree()
            continue
        look = looks[element] = _look(page if parent is None else looks[parent], style, styles.whole)
        if not look.is_seen and _without_own_text(element):
            found.add(HIDDEN)
    return tuple(sorted(found))


def _left_out(element: HtmlElement, style: Style) -> str:
    # What is hidden "until-found" is shown to whoever searches the page.
    closed = element.tag == "dialog" and "open" not in element.attrib
    if element.get("hidden", "until-found") != "until-found" or closed or hides(style):
        return HIDDEN
    return STRUCK_OUT if element.tag in STRUCK or strikes(style) else ""


def _look(around: _Look, style: Style, whole: bool) -> _Look:
    if not LOOK & style.keys():
        return around
    look = (
        around if whole or not style.keys() & {"color", "background", "background-color"} else _Look(tiny=around.tiny)
    )
    if style.get("position") in ("absolute", "fixed"):
        look = replace(look, ground=None)  # It may lie over a picture.
    for name in GROUNDS:
        if name in style:
            look = replace(look, ground=_ground(style[name], look.ground))
    if style.get("color", "inherit") != "inherit":
        look = replace(look, colour=_colour(style["color"]))
    size = style.get("font-size", style.get("font", "inherit"))
    if not RELATIVE.match(size) or NOTHING.match(size):
        look = replace(look, tiny=bool(TINY.match(size) or NOTHING.match(size.partition("/")[0])))
    return look


def _ground(value: str, around: Colour | None) -> Colour | None:
    """What is behind a text; a picture or a run of colours is not known."""
    colour = _colour(value if RGB.match(value) else value.partition(" ")[0])
    if "url(" in value:
        return None
    return around if colour in ("none", "inherit", "initial", "unset", "transparent") else colour


def _colour(value: str) -> Colour | None:
    if digits := HEX.match(value):
        parts = digits[1] if len(digits[1]) > 4 else "".join(2 * digit for digit in digits[1])
        if parts[6:] == "00":
            return "transparent"
        return int(parts[:2], 16), int(parts[2:4], 16), int(parts[4:6], 16)
    if rgb := RGB.search(value):
        if rgb[4] and float(rgb[4].rstrip("%")) == 0:
            return "transparent"
        return int(rgb[1]), int(rgb[2]), int(rgb[3])
    return NAMED.get(value, value if value.isalpha() else None)


def _alike(colour: Colour | None, ground: Colour | None) -> bool:
    if isinstance(colour, tuple) and isinstance(ground, tuple):
        return all(abs(one - other) <= ALIKE for one, other in zip(colour, ground, strict=True))
    return colour is not None and colour == ground


def _without_own_text(element: HtmlElement) -> bool:
    """Take away the text of an element, not that of the elements in it; whether there was any."""
    written = "".join([element.text or "", *(child.tail or "" for child in element)])
    element.text = " " if element.text else None
    for child in element:
        child.tail = " " if child.tail else None
    return bool(written.strip())


def _leave_column(column: HtmlElement) -> None:
    table = next(column.iterancestors("table"), None)
    if table is None:
        return
    place = [*table.iter("col")].index(column)
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if place < len(cells):
            cells[place].drop_tree()
