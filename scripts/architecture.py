"""Writes the drawing in docs/architecture.md: which part of `graph` imports which, and who imports `graph`.

`python scripts/architecture.py` writes it; a test compares it with the committed one. A part is a folder of a top-level
package, or a file beside its folders.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
PACKAGES = ("graph", "server", "evals")
BEGIN, END = "```mermaid\n", "```\n"
Needs = Mapping[str, set[str]]


def absolute(path: Path, node: ast.ImportFrom) -> str:
    """The module that is imported from, whether it is named from here or from the top."""
    if not node.level:
        return node.module or ""
    here = path.relative_to(ROOT).parent.parts
    return ".".join([*here[: len(here) - node.level + 1], *([node.module] if node.module else [])])


def parts(package: str) -> dict[str, set[str]]:
    """The parts that each part of a package imports, lazily or not."""
    needs: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / package).rglob("*.py")):
        own = _part_of(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
        for module in _imported(path, package):
            needs[own] |= {_part_of(module)} - {own}
    return needs


def _imported(path: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            names = [f"{module}.{name.name}" for name in node.names] if module == package else [module]
            yield from (name for name in names if name.startswith(f"{package}."))


def _part_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def drawing() -> str:
    """The folders of `graph` in Mermaid; an arrow leads from a part to one that it imports, by itself or by others.

    An arrow is left out where others lead the same way.
    """
    reached = _reached(parts("graph"))
    drawn = {f"graph.{path.name}" for path in (ROOT / "graph").iterdir() if (path / "__init__.py").is_file()}
    needs = {part: reached[part] & drawn for part in sorted(drawn)}
    lines = ["flowchart TD", "  subgraph graph"]
    for part, below in needs.items():
        direct = below - {further for other in below for further in needs[other]}
        names = [name.partition(".")[2] for name in (part, *sorted(direct))]
        lines += [f"    {names[0]} --> {' & '.join(names[1:])}" if direct else f"    {names[0]}"]
    above = [package for package in PACKAGES[1:] if _imports(package, "graph")]
    return "\n".join([*lines, "  end", *(f"  {package} --> graph" for package in above)]) + "\n"


def _reached(needs: Needs) -> dict[str, set[str]]:
    """What each part imports, by itself or by what it imports; there are no circles."""
    found: dict[str, set[str]] = {}

    def of(part: str) -> set[str]:
        if part not in found:
            found[part] = set[str]().union(*({other} | of(other) for other in needs.get(part, ())))
        return found[part]

    for part in list(needs):
        of(part)
    return found


def _imports(package: str, other: str) -> bool:
    return any(next(_imported(path, other), "") for path in (ROOT / package).rglob("*.py"))


def page() -> str:
    """The page with the drawing as the imports are."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}{drawing()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
