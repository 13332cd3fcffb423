"""Which exit code stands for which of our errors; the first class that fits counts."""

from ..errors import (
    AccessRefused,
    AuditUnavailable,
    BudgetExceeded,
    DeploymentFailed,
    ExtraMissing,
    FilesRefused,
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
    SnapshotError,
    SourceInvalid,
    VersionUnknown,
    WarrantInvalid,
)

UNSETTLED = 3
"""The gate cannot tell; no other error has this code, so that CI can tell the two apart."""
SNAPSHOT = 7
WITHHELD = 6
"""An index was published, but files were left out because who may read them could not be relied on."""
EXITS: dict[type[Exception], int] = {
    FilesRefused: 1,
    AccessRefused: 1,
    BudgetExceeded: 1,
    PromotionUnsettled: UNSETTLED,
    PromotionRefused: 1,
    DeploymentFailed: 1,
    QuestionInvalid: 2,
    SourceInvalid: 2,
    VersionUnknown: 2,
    WarrantInvalid: 2,
    SnapshotError: SNAPSHOT,
    ReleaseInvalid: 4,
    SettingsInvalid: 4,
    PackageBroken: 4,
    IndexBusy: 5,
    RegistryUnavailable: 5,
    RetrievalUnavailable: 5,
    ModelFailed: 5,
    AuditUnavailable: 5,
    ExtraMissing: 5,
}


def exit_code(error: Exception) -> int | None:
    """The exit code for an error of ours, or None for one that is nobody's plan."""
    return next((code for kind, code in EXITS.items() if isinstance(error, kind)), None)
