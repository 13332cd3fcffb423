"""The examples of docs/verification.md are true."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "verification.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str) -> None:
    exec(compile(example, str(PAGE), "exec"), {})


def test_there_are_examples() -> None:
    assert EXAMPLES
