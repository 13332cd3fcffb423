"""Fills the templates: everything that is not a template of ours is escaped, as HTML or as Markdown."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.report.wording import title

TEMPLATES = Path(__file__).parent / "templates"
STYLE, SCRIPT = "page.css", "page.js"
MARKED = {ord(letter): f"&#{ord(letter)};" for letter in "&<>|`*_~[]#\\$"}
"""Letters that Markdown, HTML or GitHub's mathematics would take for their own, as entities, which stay letters."""
UNLINKED = {"@": "@\u2060", "://": ":\u2060//", "www.": "www\u2060."}
"""What GitHub would turn into mentions, which send e-mail, and links, kept apart by a joiner of no width."""


def page(told: Mapping[str, object]) -> str:
    """The page, with its style, its script and the policy that lets no other run."""
    parts = {name: (TEMPLATES / name).read_text("utf-8") for name in (STYLE, SCRIPT)}
    ours = {"style": parts[STYLE], "script": parts[SCRIPT], "policy": policy(*parts.values())}
    return _environment(escaped=True).get_template("page.html").render({**told, **ours})


def summary(told: Mapping[str, object]) -> str:
    """The summary, as Markdown; what is not of the template goes through the filter `plain`."""
    return _environment(escaped=False).get_template("summary.md").render(told)


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that knows one style and one script by their digests, and fetches nothing."""
    return (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def plain(text: object, most: int = 0) -> str:
    """Text as one line of Markdown that looks as it is, of at most so many letters; 0 for all."""
    line = " ".join(str(text).split())
    line = f"{line[: most - 1]}…" if 0 < most < len(line) else line
    for letters, apart in UNLINKED.items():
        line = line.replace(letters, apart)
    return line.translate(MARKED)


def _environment(*, escaped: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"plain": plain, "title_of": title}
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _source(text: str) -> str:
    """How a policy names what stands between two tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
