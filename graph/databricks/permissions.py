"""Who may do what with an endpoint or an app, by group."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

Levels = dict[str, list[str]]
MANAGE = "CAN_MANAGE"


class Permissions:
    """The direct permissions of an object: the groups of a deployment file, and whoever deploys.

    `groups`: by level; None: they are left as they are.
    """

    def __init__(self, client: "WorkspaceClient", kind: str, groups: Mapping[Any, Sequence[str]] | None) -> None:
        self._client, self._kind, self._groups = client, kind, groups
        self._me = str(client.current_user.me().user_name) if groups is not None else ""

    @property
    def wanted(self) -> Levels:
        """Who should have each level; whoever deploys keeps managing it, and could not deploy again otherwise."""
        if self._groups is None:
            return {}
        levels = {level: sorted(names) for level, names in self._groups.items() if names}
        return {**levels, MANAGE: sorted({*levels.get(MANAGE, []), self._me})}

    def now(self, name: str | None) -> Levels:
        """Who has each level; nobody where there is no such object yet."""
        if self._groups is None or name is None:
            return {}
        levels: Levels = {}
        for each in self._client.permissions.get(self._kind, name).access_control_list or []:
            who = each.group_name or each.user_name or each.service_principal_name or ""
            for held in each.all_permissions or []:
                if held.permission_level and not held.inherited:
                    levels.setdefault(held.permission_level.value, []).append(who)
        return {level: sorted(names) for level, names in levels.items()}

    def set(self, name: str) -> None:
        """Give the groups what they should have, and nobody else anything."""
        requests = [self._request(who, PermissionLevel(level)) for level, names in self.wanted.items() for who in names]
        self._client.permissions.set(self._kind, name, access_control_list=requests)

    def _request(self, who: str, level: PermissionLevel) -> AccessControlRequest:
        if who != self._me:
            return AccessControlRequest(group_name=who, permission_level=level)
        # A service principal's user name is its application's id.
        if "@" in who:
            return AccessControlRequest(user_name=who, permission_level=level)
        return AccessControlRequest(service_principal_name=who, permission_level=level)
