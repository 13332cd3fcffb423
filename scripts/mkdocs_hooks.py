"""Lets MkDocs build the site from files that also read well in the repository.

README.md becomes the first page; CONTRIBUTING, SECURITY and CHANGELOG become pages too. Links are written for the
repository: those to pages lead within the site, those to other files of the repository become plain text, and one that
leads nowhere fails the build.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "benchmarks/RESULTS.md": "project/results.md",
}
"""Pages that do not lie in docs/: where they are in the repository, and in the site."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for source, target in PAGES.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, target, content=(ROOT / source).read_text("utf-8")))
    for path in sorted((ROOT / "benchmarks" / "results").glob("*.png")):
        files.append(File.generated(config, f"project/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    source = next((path for path, target in PAGES.items() if target == page.file.src_uri), f"docs/{page.file.src_uri}")
    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(_rewriter(source, page, files), part) for part in parts)


def _rewriter(source: str, page: Page, files: Files) -> Callable[[re.Match[str]], str]:
    """Rewrites one link of a page whose file in the repository is `source`."""

    def rewrite(link: re.Match[str]) -> str:
        image, label, target, anchor = link[1], link[2], link[3], link[4] or ""
        path = PurePosixPath(os.path.normpath(PurePosixPath(source).parent / target))
        if not (ROOT / path).exists():
            raise PluginError(f"{source} links to {target}, which is not there.")
        here = _in_site(str(path))
        if files.get_file_from_path(here) is None:
            return f"{label} (`{path}`)"
        return f"{image}[{label}]({os.path.relpath(here, PurePosixPath(page.file.src_uri).parent)}{anchor})"

    return rewrite


def _in_site(path: str) -> str:
    if path.startswith("benchmarks/results/"):
        return f"project/{PurePosixPath(path).name}"
    return PAGES.get(path, path.removeprefix("docs/"))
