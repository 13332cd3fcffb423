"""Masks an answer as it is streamed, and stores the texts of questions."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from graph.errors import SettingsInvalid
from graph.safety.sensitive import MaskedStream, Policy, mask
from server.settings import ServerSettings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

ENCRYPTED = "fernet:"
"""What a stored text begins with that is encrypted."""


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
        return self._policy.apply(public)


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
