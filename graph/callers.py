"""Callers: who acts, with which roles, for which team and in which access groups; and what each role may do."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MOST_GROUPS = 1000
"""Groups of one caller."""


class Permission(StrEnum):
    """One thing that a caller may do."""

    ASK = "ask"
    """Ask production, rate its own answers, read the documents of its groups, and check answers."""
    ASK_ANY_VERSION = "ask_any_version"
    """Ask the staging alias and every pinned version, with or without a warrant."""
    RATE_ANY = "rate_any"
    """Rate the answers of others."""
    READ_METRICS = "read_metrics"
    RELOAD = "reload"
    """Have the server look for a new release or Snapshot now."""
    LOG_RELEASE = "log_release"
    """Log and register releases, from the command line."""
    PROMOTE = "promote"
    """Promote, roll back, split and shadow versions, from the command line."""
    APPROVE = "approve"
    """Answer for a promotion as its approver."""
    FORGET = "forget"
    """Delete what is stored of a caller, from the command line."""
    MANAGE_KEYS = "manage_keys"
    READ_AUDIT = "read_audit"


class Role(StrEnum):
    """Who a caller is in the organisation."""

    MLOPS_ENGINEER = "mlops_engineer"
    DATA_SCIENTIST = "data_scientist"
    APP_TEAM = "app_team"
    SECURITY_ADMIN = "security_admin"


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.MLOPS_ENGINEER: frozenset(
        (
            Permission.ASK,
            Permission.ASK_ANY_VERSION,
            Permission.RATE_ANY,
            Permission.READ_METRICS,
            Permission.RELOAD,
            Permission.LOG_RELEASE,
            Permission.PROMOTE,
            Permission.APPROVE,
        )
    ),
    Role.DATA_SCIENTIST: frozenset(
        (Permission.ASK, Permission.ASK_ANY_VERSION, Permission.READ_METRICS, Permission.LOG_RELEASE)
    ),
    Role.APP_TEAM: frozenset((Permission.ASK,)),
    Role.SECURITY_ADMIN: frozenset(
        (
            Permission.READ_METRICS,
            Permission.MANAGE_KEYS,
            Permission.READ_AUDIT,
            Permission.APPROVE,
            Permission.FORGET,
        )
    ),
}


def _group(name: str) -> str:
    """Validate a group's name."""
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError("a group's name is printable text without blanks around it")
    return name


class Caller(BaseModel):
    """Who asks; `groups` are the access groups whose documents it may see, `team` is who its usage is counted for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._:|-]{0,127}$")]
    roles: frozenset[Role] = frozenset((Role.APP_TEAM,))
    team: Annotated[str, Field(pattern=r"^[A-Za-z0-9@._-]{0,62}$")] = ""
    groups: Annotated[list[Annotated[str, AfterValidator(_group)]], Field(max_length=MOST_GROUPS)] = []

    def may(self, permission: Permission) -> bool:
        """Whether one of its roles has a permission."""
        return any(permission in PERMISSIONS[role] for role in self.roles)


ANONYMOUS = Caller(name="anonymous", roles=frozenset())
"""The caller of public paths."""
OWNER = Caller(name="anonymous", roles=frozenset(Role))
"""Every caller of a server without keys, which listens on loopback alone."""
