"""The reference is what the code says."""

import sys

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))
from scripts.reference import REFERENCE, pages

WRITTEN = pages()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_page_of_the_reference_is_as_the_code_is(name: str) -> None:
    assert (REFERENCE / name).read_text("utf-8") == WRITTEN[name], "run `python scripts/reference.py`"


def test_there_is_no_page_beside_them() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(WRITTEN)
