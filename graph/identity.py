"""Who a command acts as: the caller of WARRANT_KEY where there is a key file, else the user of this machine."""

from dataclasses import dataclass
from typing import Literal

from .audit import AuditLog
from .callers import OWNER, PERMISSIONS, Permission, Role
from .errors import AccessRefused
from .keys import KeyFile
from .settings import Settings


@dataclass(frozen=True)
class Identity:
    """A name, and how it is known; only a key tells who it really is."""

    name: str
    by: Literal["key", "this machine"]

    @property
    def authenticated(self) -> frozenset[str]:
        """Its name, if a key proves it."""
        return frozenset((self.name,) if self.by == "key" else ())


def require(settings: Settings, permission: Permission, act: str, target: str) -> Identity:
    """Who runs this command, if a role allows it; raises AccessRefused, which the audit log tells.

    Without a key file roles are not checked: whoever may use this machine's files may act.
    """
    return _require(settings, "WARRANT_KEY", permission, act, target) or Identity(settings.who, "this machine")


def approver(settings: Settings, act: str, target: str) -> Identity | None:
    """Who approves by WARRANT_APPROVER_KEY; None when it is not set. Raises AccessRefused."""
    if settings.approver_key is None:
        return None
    if settings.keys is None:
        raise AccessRefused("WARRANT_APPROVER_KEY needs WARRANT_KEYS, the key file that it is checked against.")
    return _require(settings, "WARRANT_APPROVER_KEY", Permission.APPROVE, act, target)


def roles(settings: Settings) -> frozenset[Role]:
    """The roles of WARRANT_KEY's caller; all without a key file, none without a key of it."""
    if settings.keys is None:
        return OWNER.roles
    found = KeyFile(settings.keys).find(settings.key.get_secret_value()) if settings.key else None
    return found.roles if found else frozenset()


def _require(settings: Settings, variable: str, permission: Permission, act: str, target: str) -> Identity | None:
    """The caller of a key; None without a key file."""
    if settings.keys is None:
        return None
    key = settings.key if variable == "WARRANT_KEY" else settings.approver_key
    caller = KeyFile(settings.keys).find(key.get_secret_value()) if key else None
    if caller and caller.may(permission):
        return Identity(caller.name, "key")
    roles = " or ".join(sorted(role for role, has in PERMISSIONS.items() if permission in has))
    why = (
        f"{caller.name} may not: it needs the role {roles}"
        if caller
        else f"{variable} {'is no valid key of' if key else 'is needed: a key of a caller in'} {settings.keys}"
    )
    name = caller.name if caller else settings.who
    AuditLog.of(settings).append(name, act, target, "refused", permission=str(permission))
    raise AccessRefused(f"{act} was refused: {why}.")
