import pytest

from graph.cli.exit_codes import EXITS, exit_code
from graph.errors import (
    ExtraMissing,
    FilesRefused,
    FilterInvalid,
    IndexBusy,
    ModelFailed,
    PackageBroken,
    PromotionRefused,
    PromotionUnsettled,
    QuestionInvalid,
    RegistryUnavailable,
    ReleaseInvalid,
    RetrievalUnavailable,
    SettingsInvalid,
    SnapshotBroken,
    SnapshotMismatch,
    SnapshotMissing,
    SourceInvalid,
    VersionUnknown,
    WarrantError,
    WarrantInvalid,
)


def concrete(kind: type[WarrantError]) -> set[type[WarrantError]]:
    below = kind.__subclasses__()
    return {kind} if not below else set().union(*map(concrete, below))


def test_only_what_an_evaluation_cannot_tell_has_the_code_3() -> None:
    assert [kind for kind, code in EXITS.items() if code == 3] == [PromotionUnsettled]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FilesRefused(), 1),
        (PromotionRefused(), 1),
        (PromotionUnsettled(), 3),
        (QuestionInvalid(), 2),
        (FilterInvalid(), 2),
        (SourceInvalid(), 2),
        (VersionUnknown(), 2),
        (WarrantInvalid(), 2),
        (SnapshotMissing(), 7),
        (SnapshotBroken(), 7),
        (SnapshotMismatch(), 7),
        (ReleaseInvalid(), 4),
        (SettingsInvalid(), 4),
        (PackageBroken(), 4),
        (IndexBusy(), 5),
        (RegistryUnavailable(), 5),
        (RetrievalUnavailable(), 5),
        (ModelFailed("error", ""), 5),
        (ExtraMissing(), 5),
    ],
)
def test_each_error_has_its_exit_code(error: WarrantError, code: int) -> None:
    assert exit_code(error) == code


def test_what_the_gate_cannot_tell_has_an_exit_code_of_its_own() -> None:
    assert [kind for kind, code in EXITS.items() if code == exit_code(PromotionUnsettled())] == [PromotionUnsettled]


def test_no_error_of_ours_is_without_an_exit_code() -> None:
    kinds = [kind for kind in concrete(WarrantError) if kind.__module__.startswith("graph.")]
    made = [kind("error", "") if issubclass(kind, ModelFailed) else kind() for kind in kinds]
    assert [error for error in made if exit_code(error) is None] == []


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), OSError()])
def test_an_error_that_nobody_planned_has_none(error: Exception) -> None:
    assert exit_code(error) is None
