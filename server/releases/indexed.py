"""Serves the environment's release over whatever Snapshot its store names by now.

The Snapshot is opened and searched beside the one that is being served; then production points to it, in one step.
Whoever is being answered ends with the Snapshot that it began with, which is let go of after the last of them. What
cannot be opened never replaces what is there, and is tried again after growing pauses, or at once on a reload.
"""

import asyncio
import logging
import weakref

from graph.errors import SnapshotError
from graph.registry.stages import PRODUCTION
from server.live import State
from server.releases.polling import Polled
from server.releases.slots import Slot
from server.releases.warming import warm_index

log = logging.getLogger("warrant.releases")
INDEX = "index"


class FollowedIndex(Polled):
    """Serves one release, and follows the store that its Snapshot is in."""

    _lost = ""

    async def open(self) -> None:
        """Open the release over the Snapshot in force; raises a WarrantError when anything it needs is not there."""
        self._polling.join()
        self._slots = {PRODUCTION: await self._loaded()}

    @property
    def state(self) -> State:
        """What is served now, and what there is trouble with."""
        trouble = [*([self._lost] if self._lost else []), *self._failures.told]
        return State(dict(self._slots), trouble=trouble, swaps=self._swaps, failures=self._failures.count)

    async def _settle(self, *, force: bool) -> None:
        async with self._settling:
            try:
                newer = await asyncio.to_thread(self.agent.newer)
            except (SnapshotError, OSError) as error:
                self._lost = f"{INDEX}: it cannot be seen which Snapshot is in force ({type(error).__name__})."
                log.warning("the store does not help", extra={"trouble": str(error)})
                return
            self._lost, name = "", f"the Snapshot {newer}"
            self._failures.only({INDEX: name})
            if newer and (force or not self._failures.waits(INDEX, name)):
                await self._bring(name)

    async def _bring(self, name: str) -> None:
        """Serve the Snapshot in force by now; what goes wrong is noted and changes nothing."""
        try:
            slot = await self._loaded()
            await warm_index(slot.agent)
        except Exception as error:  # noqa: BLE001 - whatever it is, what is served stays; it is told and logged
            self._not_put(INDEX, name, error)
            return
        self._failures.settle(INDEX, name)
        self._put(PRODUCTION, slot)

    async def _loaded(self) -> Slot:
        """A slot that lets go of its Snapshot when nobody is answered by it any more."""
        slot = Slot("", await self._opened())
        weakref.finalize(slot, slot.agent.close)
        return slot
