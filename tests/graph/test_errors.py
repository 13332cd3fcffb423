import re

from graph import errors
from graph.errors import FilterInvalid, ModelFailed, QuestionInvalid, WarrantError


def drawn(docstring: str) -> dict[str, str]:
    """Each class in the docstring's tree with the one that it hangs under."""
    parents: dict[str, str] = {}
    above: dict[int, str] = {}
    for branch, name in re.findall(r"^((?:│   |    )*[├└]── |)([A-Z]\w+)(?:  |$)", docstring, re.MULTILINE):
        depth = len(branch) // 4
        above[depth] = name
        parents[name] = above[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert drawn(errors.__doc__ or "") == {kind.__name__: kind.__base__.__name__ for kind in kinds if kind.__base__}


def test_a_bad_filter_is_a_bad_question() -> None:
    assert issubclass(FilterInvalid, QuestionInvalid)


def test_a_failed_model_carries_its_reason_and_says_its_detail() -> None:
    error = ModelFailed("timeout", "no reply in 20 s", transient=True)
    assert isinstance(error, WarrantError)
    assert (error.reason, error.detail, error.transient, str(error)) == (
        "timeout",
        "no reply in 20 s",
        True,
        "no reply in 20 s",
    )


def test_a_failed_model_is_not_worth_asking_again_unless_said() -> None:
    assert ModelFailed("error", "bad key").transient is False
