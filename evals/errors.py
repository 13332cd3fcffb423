"""What can go wrong with what an evaluation is given; exit codes are those of SourceInvalid."""

from pydantic import ValidationError

from graph.errors import SourceInvalid
from graph.invalid import problem


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with a file's fields: what was wanted, and what was met; the caller says what to do."""
    return [problem(each) for each in error.errors()]


class DatasetInvalid(SourceInvalid):
    """The samples cannot be read; the message names the lines."""


class RunInvalid(SourceInvalid):
    """A run's directory is damaged, or it is of another release or dataset."""


class ThresholdsInvalid(SourceInvalid):
    """The thresholds cannot be read, are empty, or name a metric that there is not."""


class MetricInvalid(SourceInvalid):
    """A metric from outside is defined wrongly, or needs what samples do not have."""


class VerdictInvalid(SourceInvalid):
    """A verdict cannot be read, or is about another release, dataset, champion or thresholds."""


class RevisionInvalid(SourceInvalid):
    """A git revision is not there, or its own code could not make a release of it."""


class JudgeInvalid(SourceInvalid):
    """No judge can be asked as it is named, or its replies cannot be kept."""
