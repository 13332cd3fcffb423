"""A release.yaml with other thresholds keeps its comments, order and styles, or is refused."""

import pytest

from evals.calibration.calibrate import rewritten
from graph.errors import ReleaseInvalid
from graph.release_yaml import parse_release

CHANGES = {"name": "new", "routing": {"answer_from": 0.25, "read_from": 0.05}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "name: new\nrouting:\n  answer_from: 0.25\n  read_from: 0.05\n"),
        ("# nothing yet", "# nothing yet\nname: new\nrouting:\n  answer_from: 0.25\n  read_from: 0.05\n"),
        (
            "# ours\nname: old   # the name\nrouting:\n  answer_from: 0.4  # decided in May\n\nretrieval: {pool: 50}\n",
            "# ours\nname: new   # the name\nrouting:\n  answer_from: 0.25 # decided in May\n"
            "\n  read_from: 0.05\nretrieval: {pool: 50}\n",
        ),
        ("routing: {read_from: 0.3}", "routing: {read_from: 0.05, answer_from: 0.25}\nname: new\n"),
        ("name: 'old'\nrouting: {}\n", "name: 'new'\nrouting:\n  answer_from: 0.25\n  read_from: 0.05\n"),
        ("prompts:\n  answer: |\n    Answer.\n\n    Cite.\n", None),
    ],
)
def test_only_the_fields_that_change_do(old: str, new: str | None) -> None:
    found = rewritten(old, CHANGES, "release.yaml")
    assert found == new if new else found.startswith(old)
    read = parse_release(found, "x")
    assert (read.name, read.routing.answer_from, read.routing.read_from) == ("new", 0.25, 0.05)


def test_a_name_that_yaml_would_take_for_something_else_stays_a_name() -> None:
    assert parse_release(rewritten("", {"name": "2025"}, "x"), "x").name == "2025"


def test_a_release_with_aliases_is_refused_and_not_changed() -> None:
    with pytest.raises(ReleaseInvalid, match=r"release.yaml.*aliases"):
        rewritten("routing: &r {answer_from: &low 0.3, read_from: *low}\n", CHANGES, "release.yaml")
