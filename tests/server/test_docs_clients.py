"""The examples in docs/clients do what they say."""

import re
from pathlib import Path

import pytest
from support import ROOT

DOCS = sorted((ROOT / "docs" / "clients").glob("*.md"))
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
EXAMPLES = [
    pytest.param(found.group(1), id=f"{path.stem}-{number}")
    for path in DOCS
    for number, found in enumerate(EXAMPLE.finditer(path.read_text("utf-8")), 1)
]


def test_every_client_has_examples() -> None:
    assert {path.stem for path in DOCS} == {"langserve", "mcp", "openai"}
    assert len(EXAMPLES) >= len(DOCS)


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(server: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "example", "exec"), {"url": server, "__name__": "example"})
    assert capsys.readouterr().out.strip()


def test_the_readme_names_them(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert all(f"docs/clients/{path.name}" in text for path in DOCS)
