"""What can go wrong, as one tree; each message says what was wanted, the value met and what to do.

WarrantError
├── QuestionInvalid          the question, its history or its groups cannot be asked
│   └── FilterInvalid        the filter is malformed or names an unknown column
├── ReleaseInvalid           release.yaml does not describe a release
├── SettingsInvalid          a setting is missing or wrong
├── SourceInvalid            a path, corpus, table or metadata file cannot be read
├── IndexBusy                another writer holds the index or the table
├── FilesRefused             a strict run met files that it had to refuse
├── BudgetExceeded           a batch would cost more than was allowed
├── SnapshotError
│   ├── SnapshotMissing      nothing is published where the Snapshot was expected
│   ├── SnapshotBroken       the directory is incomplete or damaged
│   └── SnapshotMismatch     the Snapshot was made for another embedding
├── RegistryError
│   ├── RegistryUnavailable  the model registry does not answer
│   ├── VersionUnknown       the registry has no such model, version or alias
│   ├── PackageBroken        what was logged of a release is incomplete, damaged or altered
│   ├── WarrantInvalid       the evidence given for a release cannot be read
│   └── PromotionRefused     a version may not go where it was to go
│       └── PromotionUnsettled  its evaluation cannot tell whether it is good enough
├── AccessRefused            who acts is not known by a key, or its roles do not allow it
├── AuditUnavailable         the audit log cannot be read or written
├── RetrievalUnavailable     the index does not answer
├── DeploymentFailed         what was to be deployed does not serve, and was taken back
├── ExtraMissing             an optional part of the installation is needed
└── ModelFailed              a model gave no usable reply; carries a Reason
"""

from typing import Literal

Reason = Literal[
    "error",
    "timeout",
    "circuit_open",
    "context_window",
    "content_policy",
    "unsupported",
    "no_evidence",
    "courtesy",
]
DECLINES: tuple[Reason, ...] = ("no_evidence", "courtesy")
"""The reasons that decline a question at once: no further model is asked."""


class WarrantError(Exception):
    """The root of everything that Warrant raises on purpose."""


class QuestionInvalid(WarrantError):
    """The question, its history or its groups cannot be asked as given."""


class FilterInvalid(QuestionInvalid):
    """The filter is malformed, names an unknown column or compares it with a value of another type."""


class ReleaseInvalid(WarrantError):
    """release.yaml does not describe a release; the message names file, line and field."""


class SettingsInvalid(WarrantError):
    """A setting in the environment is missing or unreadable."""


class SourceInvalid(WarrantError):
    """A path, corpus, table or metadata file that was given cannot be read."""


class IndexBusy(WarrantError):
    """Another process is writing to the same index or table."""


class FilesRefused(WarrantError):
    """A strict run met files that it had to refuse."""


class BudgetExceeded(WarrantError):
    """A batch would cost more than was allowed; the message has the estimate."""


class SnapshotError(WarrantError):
    """A Snapshot cannot be opened."""


class SnapshotMissing(SnapshotError):
    """Nothing is published where the Snapshot was expected."""


class SnapshotBroken(SnapshotError):
    """The Snapshot's directory is incomplete or damaged."""


class SnapshotMismatch(SnapshotError):
    """The Snapshot was made for another embedding than the Release names."""


class RegistryError(WarrantError):
    """A release cannot be logged, found, loaded or moved."""


class RegistryUnavailable(RegistryError):
    """The model registry did not answer."""


class VersionUnknown(RegistryError):
    """The registry has no such model, version or alias."""


class PackageBroken(RegistryError):
    """What was logged of a release is incomplete, damaged, or not what its digest says."""


class WarrantInvalid(RegistryError):
    """The evidence given for a release cannot be read."""


class PromotionRefused(RegistryError):
    """A version may not go where it was to go; the message says what is missing."""


class PromotionUnsettled(PromotionRefused):
    """The evaluation cannot tell whether a version is good enough; the message says what would settle it."""


class AccessRefused(WarrantError):
    """Who acts is not known by a key, or none of its roles has the permission that is needed."""


class AuditUnavailable(WarrantError):
    """The audit log cannot be read or written, so that what needs a record is not done."""


class RetrievalUnavailable(WarrantError):
    """The index did not answer."""


class DeploymentFailed(WarrantError):
    """What was to be deployed does not serve, or the platform refused it; the message says what is served now."""


class ExtraMissing(WarrantError):
    """An optional part of the installation is needed; the message names the extra."""


class ModelFailed(WarrantError):
    """A model gave no usable reply; `transient`: asking again may help, after `retry_after` seconds if it said so."""

    def __init__(
        self, reason: Reason, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail
        self.transient = transient
        self.retry_after = retry_after
        self.counts = True
        """Whether it says something of the endpoint to others than who asked."""
