"""What callers see of sensitive data by their roles, and how the texts of questions are stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graph.callers import Role
from graph.errors import SettingsInvalid
from graph.safety.sensitive import Actions, MaskedStream, Policy, mask, mask_value, most_lenient
from server.settings import ServerSettings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

PROTECTED: Actions = {
    "CREDIT_CARD": "mask",
    "IBAN_CODE": "mask",
    "SECRET": "mask",
    "US_DRIVER_LICENSE": "mask",
    "US_SSN": "mask",
}
"""What nobody sees in answers unless WARRANT_SENSITIVE names the type."""
WITHHELD = "The answer is withheld: it holds data that you may not see ({})."
EMPTY = ("citations", "nearest", "repairs", "conflicts", "parts", "unanswered", "missing")
"""What of a withheld answer is left out."""
ENCRYPTED = "fernet:"
"""What a stored text begins with that is encrypted."""


def policy_of(roles: Iterable[Role], settings: ServerSettings) -> Policy:
    """What a caller with some roles sees: of several roles the most lenient counts, `*` where none is named."""
    named = [settings.sensitive[role] for role in roles if role in settings.sensitive]
    several = named or [settings.sensitive.get("*", PROTECTED)]
    return most_lenient(Policy(each if "*" in each else {**PROTECTED, **each}) for each in several)


class AnswerFilter:
    """Applies a policy to one answer, as it is streamed and as a whole."""

    def __init__(self, policy: Policy, *, whole: bool = False) -> None:
        """`whole`: nobody reads the answer's pieces, so they need not be masked one by one."""
        self._policy, self._stream = policy, MaskedStream(policy.masked)
        self.holds = whole or bool(policy.blocked)
        """Whether nothing is said before the whole answer is known."""

    def token(self, text: str) -> str:
        """What of a piece of the answer may be said now."""
        return "" if self.holds else self._stream.add(text)

    def rest(self) -> str:
        """What was held back of the pieces."""
        return self._stream.rest()

    def apply(self, public: dict[str, Any]) -> dict[str, Any]:
        """A public answer or citation as the caller may see it."""
        blocked = self._policy.blocked_in("\n".join(_texts(public))) if self._policy.blocked else []
        if blocked:
            withheld = {**public, **{name: [] for name in EMPTY}, "text": WITHHELD.format(", ".join(blocked))}
            return {**withheld, "status": "declined", "reason": "sensitive_data", "asked": mask(public["asked"])}
        masked: dict[str, Any] = mask_value(public, self._policy.masked) if self._policy.masked else public
        return masked


def _texts(value: Any) -> list[str]:
    """Every text in a JSON value."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
        case _:
            return []


@dataclass(frozen=True)
class StoredTexts:
    """Turns texts into what is stored and back, as WARRANT_STORED_TEXTS says."""

    settings: ServerSettings

    def __post_init__(self) -> None:
        """Raises SettingsInvalid where texts are to be encrypted and there is no key."""
        if self.settings.stored_texts == "encrypt" and self._fernet is None:
            raise SettingsInvalid("WARRANT_STORED_TEXTS=encrypt needs WARRANT_STORED_KEY.")

    @property
    def encrypts(self) -> bool:
        return self.settings.stored_texts == "encrypt"

    def store(self, text: str) -> str:
        if self.encrypts:
            return ENCRYPTED + self.encrypt(text.encode()).decode("ascii")
        return mask(text) if self.settings.stored_texts == "mask" else text

    def read(self, text: str) -> str:
        """What was stored, also before the setting was changed; raises SettingsInvalid where the key does not fit."""
        if not text.startswith(ENCRYPTED):
            return text
        return self.decrypt(text.removeprefix(ENCRYPTED).encode()).decode()

    def encrypt(self, content: bytes) -> bytes:
        """With the newest key; raises SettingsInvalid without one."""
        if self._fernet is None:
            raise SettingsInvalid("WARRANT_STORED_TEXTS=encrypt needs WARRANT_STORED_KEY.")
        return self._fernet.encrypt(content)

    def decrypt(self, content: bytes) -> bytes:
        """With any of the keys; raises SettingsInvalid where none fits."""
        from cryptography.fernet import InvalidToken

        if self._fernet is None:
            raise SettingsInvalid("Stored texts are encrypted: set WARRANT_STORED_KEY.")
        try:
            return self._fernet.decrypt(content)
        except InvalidToken as error:
            raise SettingsInvalid("WARRANT_STORED_KEY has no key for the texts that are stored.") from error

    @cached_property
    def _fernet(self) -> "MultiFernet | None":
        if self.settings.stored_key is None:
            return None
        from cryptography.fernet import Fernet, MultiFernet

        try:
            return MultiFernet([Fernet(key) for key in self.settings.stored_key.get_secret_value().split(",")])
        except ValueError as error:
            raise SettingsInvalid(
                "WARRANT_STORED_KEY must be Fernet keys (32 bytes in URL-safe base 64), the newest first, "
                "separated by commas."
            ) from error
