"""What a request asks: production, staging, or one version; the first part of the path says so.

`/staging/...` and `/versions/12/...` are every door over again, for the staging alias and for a pinned version: the
part is taken off as ASGI's root_path, so that routes, the playground and the pages work under it as they do at the top.
"""

import re
from collections.abc import Mapping

from starlette.types import Scope

from graph.registry.stages import PRODUCTION, STAGING

PREFIX = re.compile(r"/(?:staging|versions/([1-9][0-9]{0,8}))(?=/|\Z)")
ROOT = "warrant_root"
"""Where the scope keeps the part of the path that named the track."""


def settle_track(scope: Scope) -> tuple[Scope, str, str]:
    """The scope with the track's part as its root_path, the track, and the path without that part."""
    found = PREFIX.match(scope["path"])
    if found is None:
        return scope, PRODUCTION, scope["path"]
    root = scope.get("root_path", "") + found.group()
    rest = scope["path"][found.end() :] or "/"
    path = scope["path"] if scope["path"] != found.group() else scope["path"] + "/"
    track = f"v{found.group(1)}" if found.group(1) else STAGING
    return {**scope, "root_path": root, "path": path, ROOT: root}, track, rest


def path_in(scope: Mapping[str, object]) -> str:
    """A mount's own path, without the part that names the track: there are as many of those as versions."""
    return str(scope.get("root_path") or "").removeprefix(str(scope.get(ROOT) or ""))
