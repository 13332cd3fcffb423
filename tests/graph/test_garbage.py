"""Nothing is collected while libraries are imported, and everything afterwards is."""

import gc
import weakref

import pytest

from graph.garbage import importing


class Knot:
    """Refers to itself, so that only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_importing_collects_nothing_and_then_collects_again() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()
    knot = weakref.ref(Knot())
    gc.collect()
    assert knot() is None


def test_a_failed_import_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()
