"""Leaves out of an HTML page what its reader does not see."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree, html
from lxml.html import HtmlElement

STRUCK = ("del", "s", "strike")
HIDDEN_STYLE = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|(?:opacity|font-size)\s*:\s*0(?:\.0+)?(?:p[xt]|r?em|%)?\s*(?:!\s*important\s*)?(?:;|$))",
    re.I,
)
SHOWN_STYLE = re.compile(r"(?:^|[;{\s])(?:display\s*:\s*(?!none)|visibility\s*:\s*visible)", re.I)
STRUCK_STYLE = re.compile(r"(?:^|[;{\s])text-decoration(?:-line)?\s*:[^;]*line-through", re.I)
LIFTED_STYLE = re.compile(r"(?:^|[;{\s])vertical-align\s*:\s*(super|sub|text-top)", re.I)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
CSS_NAME = re.compile(r"([a-zA-Z][\w]*)?([.#])([\w-]+)\Z")
HIDDEN = "hidden text was left out"
STRUCK_OUT = "struck-out text was left out"


@dataclass(frozen=True)
class Styles:
    """The names that the page's own style sheet hides, strikes out, raises or lowers.

    They are `.class` or `#id`, with a tag or without.
    """

    hidden: frozenset[str]
    struck: frozenset[str]
    lifted: Mapping[str, str]
    """Each with the element that it makes of one: sup or sub."""


def styles_of(root: HtmlElement) -> Styles:
    """What the style sheets in a page say for every medium."""
    hidden: set[str] = set()
    struck: set[str] = set()
    lifted: dict[str, str] = {}
    for sheet in root.iter("style"):
        for names, rule in _rules(CSS_COMMENT.sub("", sheet.text or "")):
            if HIDDEN_STYLE.search(rule):
                hidden |= names
            if STRUCK_STYLE.search(rule):
                struck |= names
            if SHOWN_STYLE.search(rule):
                hidden -= names
            if lift := _lift(rule):
                lifted |= dict.fromkeys(names, lift)
    return Styles(frozenset(hidden), frozenset(struck), lifted)


def lift(root: HtmlElement, styles: Styles) -> None:
    """Make what a style raises or lowers the elements that stand for it."""
    for element in [*root.iter("span", "a", "font", "small", "b", "i", "em", "strong")]:
        named = next((styles.lifted[name] for name in _names(element) if name in styles.lifted), "")
        if tag := _lift(element.get("style") or "") or named:
            wrapped = html.Element(tag)
            wrapped.text, element.text = element.text, None
            wrapped.extend([*element])
            element.append(wrapped)


def _lift(style: str) -> str:
    found = LIFTED_STYLE.search(style)
    return "" if found is None else "sub" if found[1].lower() == "sub" else "sup"


def _rules(sheet: str) -> Iterator[tuple[set[str], str]]:
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
        yield {name.strip() for name in selectors.split(",") if CSS_NAME.match(name.strip())}, rule


def _names(element: HtmlElement) -> Iterator[str]:
    names = [f".{name}" for name in (element.get("class") or "").split()]
    for name in [*names, *([f"#{element.get('id')}"] if element.get("id") else [])]:
        yield name
        yield str(element.tag) + name


def leave_out(root: HtmlElement, styles: Styles) -> tuple[str, ...]:
    """Take what is hidden or struck out from a page, and say so."""
    found = set()
    for element in [*root.iter(etree.Element)]:
        if element.tag in ("html", "body", "head") or element.getparent() is None:
            continue
        sentence = _unseen(element, styles)
        if not sentence:
            continue
        if element.tag == "col":
            _leave_column(element)
        if "".join(element.itertext()).strip():
            found.add(sentence)
        element.drop_tree()
    return tuple(sorted(found))


def _unseen(element: HtmlElement, styles: Styles) -> str:
    style = element.get("style") or ""
    names = set(_names(element)) if styles.hidden or styles.struck else set()
    by_name = names & styles.hidden and not SHOWN_STYLE.search(style)
    # What is hidden "until-found" is shown to whoever searches the page.
    hidden = element.get("hidden", "until-found") != "until-found"
    if hidden or HIDDEN_STYLE.search(style) or by_name:
        return HIDDEN
    struck = element.tag in STRUCK or STRUCK_STYLE.search(style) or names & styles.struck
    return STRUCK_OUT if struck else ""


def _leave_column(column: HtmlElement) -> None:
    table = next(column.iterancestors("table"), None)
    if table is None:
        return
    place = [*table.iter("col")].index(column)
    for row in table.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if place < len(cells):
            cells[place].drop_tree()
