"""Callers: who asks, with which roles, for which team, and in which access groups."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from graph.steps.preprocess import MOST_GROUPS
from server.roles import PERMISSIONS, Permission, Role


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
