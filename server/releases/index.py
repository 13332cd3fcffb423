"""Serves the environment's release, and follows its index: a new Snapshot is deployed without a restart.

The new Snapshot is opened and warmed up beside the current one, then swapped in atomically. Requests under way end with
the Snapshot that they began with, which is closed after the last of them. A Snapshot that cannot be opened replaces
nothing and is tried again after growing pauses, or at once on a reload.
"""

import asyncio
import logging
import weakref

from graph.errors import SnapshotError
from graph.registry.stages import PRODUCTION
from server.releases.deployments import Deployment, ServingState
from server.releases.loader import warm_up_index
from server.releases.polling import PolledDeployments

log = logging.getLogger("warrant.releases")
INDEX = "index"


class IndexDeployments(PolledDeployments):
    """One release over the current Snapshot of its index."""

    _away = ""

    async def open(self) -> None:
        """Open the release over the current Snapshot; raises a WarrantError when anything it needs is missing."""
        self._polling.join()
        self._deployed = {PRODUCTION: await self._load()}

    @property
    def state(self) -> ServingState:
        """What is deployed now, and current problems."""
        trouble = [*([self._away] if self._away else []), *self._failures.messages]
        return ServingState(dict(self._deployed), trouble=trouble, swaps=self._swaps, failures=self._failures.count)

    async def _refresh(self, *, force: bool) -> None:
        async with self._refreshing:
            try:
                newer = await asyncio.to_thread(self.agent.newer)
            except (SnapshotError, OSError) as error:
                self._away = f"{INDEX}: the current Snapshot cannot be determined ({type(error).__name__})."
                log.warning("the index cannot be checked", extra={"trouble": str(error)})
                return
            self._away, name = "", f"the Snapshot {newer}"
            self._failures.keep_only({INDEX: name})
            if newer and (force or not self._failures.backing_off(INDEX, name)):
                await self._deploy_current(name)

    async def _deploy_current(self, name: str) -> None:
        """Deploy the current Snapshot; a failure is recorded and changes nothing."""
        try:
            deployment = await self._load()
            await warm_up_index(deployment.agent)
        except Exception as error:  # noqa: BLE001 - the current deployment stays; the failure is reported and logged
            self._deploy_failed(INDEX, name, error)
            return
        self._failures.clear(INDEX, name)
        self._deploy(PRODUCTION, deployment)

    async def _load(self) -> Deployment:
        """A deployment that closes its Snapshot after its last request."""
        deployment = Deployment("", await self._new_agent())
        weakref.finalize(deployment, deployment.agent.close)
        return deployment
