"""A Warrant: the evidence on which a release was let into production, as JSON stored with the model version."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import WarrantInvalid
from ..invalid import problem
from ..settings import StateSettings

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, Field(min_length=1, max_length=2000)]


class _Frozen(BaseModel):
    """Cannot be changed, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WarrantScore(_Frozen):
    """A metric's mean with its interval in the Verdict, and the champion's on the same questions if there was one."""

    value: float
    low: float
    high: float
    champion: float | None = None


class Champion(_Frozen):
    """The version that was in production when the evidence was gathered."""

    version: Annotated[int, Field(ge=1)]
    release: Sha256


class Warrant(_Frozen):
    """`release` and `dataset` are digests; `judge` names what judged the answers, a model or a person.

    `verdict` is `pass`, or `override`: let through in an emergency, without evidence, for `reason`. `evidence` is the
    SHA-256 of the evaluation's verdict that it was written from, `thresholds` that of the file of what was asked;
    without them, a person wrote it. `author` promotes, `approver` answers for it; the names of those whose key was
    checked are in `authenticated`. `signature` is an Ed25519 signature of everything else, in base64.
    """

    format: Literal[1] = 1
    release: Sha256
    dataset: Sha256 | None = None
    scores: dict[str, WarrantScore] = {}
    verdict: Literal["pass", "override"]
    reason: str = ""
    judge: Words
    author: str = ""
    approver: Words
    authenticated: tuple[str, ...] = ()
    ticket: Words
    champion: Champion | None = None
    evidence: Sha256 | None = None
    thresholds: Sha256 | None = None
    made: Words
    """When, in ISO 8601."""
    signature: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Its canonical JSON."""
        left_out = {"thresholds"} if self.thresholds is None else None  # As before there was such a field.
        return self.model_dump_json(indent=1, exclude=left_out) + "\n"

    def payload(self) -> bytes:
        """What is signed."""
        return self.model_copy(update={"signature": ""}).text().encode()


def read_warrant(text: str | bytes, where: str) -> Warrant:
    """Read a warrant; raises WarrantInvalid that says which field is wrong."""
    try:
        return Warrant.model_validate_json(text)
    except ValidationError as error:
        raise WarrantInvalid(f"{where} is not a warrant: {problem(error.errors()[0], 'the file')}.") from error


def warrant_file(path: Path) -> Warrant:
    """The warrant in a file; raises WarrantInvalid."""
    try:
        return read_warrant(path.read_bytes(), str(path))
    except OSError as error:
        raise WarrantInvalid(f"{path} cannot be read: {error.strerror}.") from error


SignatureCheck = Callable[[Warrant], bool]
"""Whether a warrant was signed by one of those who may sign."""


def any_signature(warrant: Warrant) -> bool:
    """The check where WARRANT_SIGNERS names nobody: a warrant counts without a signature."""
    return True


@dataclass(frozen=True)
class WarrantRules:
    """What settings ask of every warrant, whatever thresholds say: two persons, and `thresholds` by their SHA-256."""

    two_persons: bool = False
    thresholds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: StateSettings) -> Self:
        """WARRANT_TWO_PERSONS and WARRANT_THRESHOLDS_SHA256."""
        return cls(settings.two_persons, frozenset(filter(None, settings.thresholds_sha256.split(","))))

    def broken_by(self, warrant: Warrant) -> str:
        """What a warrant lacks; empty when it lacks nothing."""
        if self.two_persons:
            if warrant.author.casefold() in ("", warrant.approver.casefold()):
                return "its warrant names one person, and WARRANT_TWO_PERSONS asks for two"
            if unknown := {warrant.author, warrant.approver} - set(warrant.authenticated):
                return f"in its warrant {min(unknown)} is not known by a key, which WARRANT_TWO_PERSONS asks for"
        if self.thresholds and warrant.verdict == "pass" and warrant.thresholds not in self.thresholds:
            return "its warrant was not gained by thresholds that WARRANT_THRESHOLDS_SHA256 names"
        return ""


NO_RULES = WarrantRules()


def refusal(warrant: Warrant | None, release: str, is_signed: SignatureCheck, rules: WarrantRules = NO_RULES) -> str:
    """Why this warrant does not let a release with this digest into production; empty when it does."""
    if warrant is None:
        return "it has no warrant"
    if not is_signed(warrant):
        return "its warrant has no signature of a key in WARRANT_SIGNERS"
    if warrant.release != release:
        return f"its warrant was given to another release ({warrant.release[:12]}, and this is {release[:12]})"
    if why := rules.broken_by(warrant):
        return why
    if warrant.verdict == "override":
        return "" if warrant.reason.strip() else "its warrant is an override without a reason"
    return "" if warrant.dataset and warrant.scores else "its warrant names no dataset, or no scores"
