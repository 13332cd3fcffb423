"""Serves what a registry's aliases name: production, staging, traffic splits, a shadow, and pinned versions.

A version is fetched, checked, opened and warmed up beside what is deployed, then swapped in atomically. Requests under
way end with the deployment that they began with. A version that cannot be loaded replaces nothing and is tried again
after growing pauses, or at once on a reload.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from graph.callers import Caller
from graph.errors import PromotionRefused, RegistryError, RegistryUnavailable, VersionUnknown
from graph.registry import RegistryReader
from graph.registry.signing import signature_check
from graph.registry.stages import PRODUCTION, SHADOW, STAGING
from graph.registry.warrant import WarrantRules
from server.releases.deployments import (
    Deployment,
    ServingState,
    ShadowCandidate,
    check_may_ask,
    hash_fraction,
    not_deployed,
    pinned_version,
)
from server.releases.loader import PackageOpener, VersionLoader
from server.releases.polling import PolledDeployments
from server.releases.retention import LastGood, PackageCache
from server.settings import ServerSettings

log = logging.getLogger("warrant.releases")
FOLLOWED = (PRODUCTION, STAGING, SHADOW)


class RegistryDeployments(PolledDeployments):
    """Deploys what the aliases of a registered model name."""

    def __init__(
        self,
        open_registry: Callable[[], RegistryReader],
        open_package: PackageOpener,
        settings: ServerSettings,
    ) -> None:
        """`open_registry` is called in a thread when the registry is first needed. Raises SettingsInvalid."""
        super().__init__(settings)
        self._open_registry, self._settings = open_registry, settings
        self._registry: RegistryReader | None = None
        self._packages = PackageCache(settings.state / "releases" / settings.registered_model)
        signed, rules = signature_check(settings.signers), WarrantRules.of(settings)
        self._loader = VersionLoader(open_package, self._packages, settings.override, signed, rules)
        if settings.signers is None:
            log.warning("WARRANT_SIGNERS is not set: whoever may write to MLflow's runs may write a warrant.")
        self._pinning = asyncio.Lock()
        self._split: dict[str, float] = {}
        self._shadow_share = 0.0
        self._pins: dict[str, float] = {}
        self._away = ""

    async def open(self) -> None:
        """Load what the aliases name, or what was served last; raises a WarrantError when there is nothing to serve."""
        self._polling.join()
        await self._refresh(force=True, first=True)
        if not self.ready:
            why = (
                "; ".join(each.rstrip(".") for each in self.state.trouble)
                or f"no version of {self._settings.registered_model} is in production"
            )
            raise PromotionRefused(f"There is nothing to serve: {why}. `warrant promote VERSION --to production`.")

    async def select(self, target: str, key: str, caller: Caller) -> Deployment:
        """The deployment for a question: a share of production's by `key`, a pinned version loaded on demand."""
        check_may_ask(caller, target)
        if number := pinned_version(target):
            return self._loaded(number) or await self._pin(number)
        return self._at(self._split_target(key) if target == PRODUCTION and self._split else target)

    def candidate(self) -> ShadowCandidate | None:
        """The version that the shadow alias names."""
        shadow = self._deployed.get(SHADOW)
        return (
            ShadowCandidate(shadow.version, shadow.agent, self._shadow_share) if shadow and self._shadow_share else None
        )

    @property
    def state(self) -> ServingState:
        """What is deployed now, and current problems."""
        return ServingState(
            deployments=dict(self._deployed),
            split=dict(self._split),
            registry="away" if self._away else "ok",
            trouble=[*([self._away] if self._away else []), *self._failures.messages],
            swaps=self._swaps,
            failures=self._failures.count,
        )

    async def _refresh(self, *, force: bool, first: bool = False) -> None:
        """Deploy what the registry says; `force`: retry recent failures; `first`: skip staging and the shadow."""
        async with self._refreshing:
            try:
                registry = await self._connect()
                places = await asyncio.to_thread(registry.placement)
                split, shadow = places.split, places.shadow
            except RegistryError as error:
                unknown = isinstance(error, VersionUnknown)
                self._away = "The registry has no such model." if unknown else "The registry is away."
                log.warning("the registry cannot be read", extra={"trouble": str(error)})
                await self._deploy_last_good(None)
                return
            self._away = ""
            wanted = {target: places.aliases[target] for target in FOLLOWED if target in places.aliases}
            wanted |= {f"split-v{number}": number for number in split}
            self._failures.keep_only({target: f"v{number}" for target, number in wanted.items()})
            for target, number in wanted.items():
                if not first or target not in (STAGING, SHADOW):
                    await self._deploy_version(registry, target, number, force=force)
            if PRODUCTION in wanted:
                await self._deploy_last_good(registry, wanted[PRODUCTION])
            self._unload(wanted)
            self._shadow_share = shadow[1] if shadow else 0.0
            self._split = {f"split-v{n}": share for n, share in split.items() if f"split-v{n}" in self._deployed}
            await asyncio.to_thread(self._prune)

    async def _connect(self) -> RegistryReader:
        if self._registry is None:
            self._registry = await asyncio.to_thread(self._open_registry)
        return self._registry

    async def _deploy_version(self, registry: RegistryReader, target: str, number: int, *, force: bool) -> None:
        """Deploy a version unless it is deployed; a failure is recorded and changes nothing.

        `force`: check the warrant of a deployed version again.
        """
        current = self._deployed.get(target)
        same = current if current and current.version == str(number) else None
        if not force and (same or self._failures.backing_off(target, f"v{number}")):
            return
        try:
            needs_warrant = target == PRODUCTION or target.startswith("split-")
            loaded = list(self._deployed.values())
            deployment = await self._loader.load(registry, number, loaded, needs_warrant=needs_warrant)
        except Exception as error:  # noqa: BLE001 - the current deployment stays; the failure is reported and logged
            self._deploy_failed(target, f"v{number}", error)
            return
        self._failures.clear(target, f"v{number}")
        standing, reason, digest = deployment.standing, deployment.reason, deployment.digest
        if same and (same.standing, same.reason, same.digest) == (standing, reason, digest):
            return
        self._deploy(target, deployment)
        good = LastGood(version=deployment.version, digest=digest, standing=standing, reason=reason)
        await asyncio.to_thread(self._packages.save_last_good, target, good)

    async def _deploy_last_good(self, registry: RegistryReader | None, wanted: int | None = None) -> None:
        """With nothing in production: deploy what was served last, unless the registry now refuses that version."""
        good = None if self.ready else await asyncio.to_thread(self._packages.last_good, PRODUCTION)
        if good is None or (good.version == str(wanted) and self._failures.refused(PRODUCTION, f"v{wanted}")):
            return
        try:
            deployment = await self._load_last_good(registry, good)
        except Exception as error:
            log.exception("the version that was served last cannot be loaded", exc_info=error)
            return
        self._deployed = {**self._deployed, PRODUCTION: deployment}
        extra = {"version": deployment.version, "release": deployment.agent.label}
        log.warning("serving the version that was served last", extra=extra)

    async def _load_last_good(self, registry: RegistryReader | None, good: LastGood) -> Deployment:
        """The version that was served last, with its warrant checked if the registry still knows it."""
        if registry:
            with suppress(RegistryUnavailable, VersionUnknown):
                return await self._loader.load(registry, int(good.version), [], needs_warrant=True)
        return await self._loader.load_last_good(good)

    def _unload(self, wanted: Iterable[str]) -> None:
        """Unload targets that no alias names any more, and idle pins; production stays."""
        now, pins = time.monotonic(), self._pins
        recent = sorted(pins, key=lambda target: -pins[target])[: self._settings.pinned]
        self._pins = {target: pins[target] for target in recent if now - pins[target] < self._settings.pinned_idle}
        stays = {PRODUCTION, *wanted, *self._pins}
        self._deployed = {target: each for target, each in self._deployed.items() if target in stays}

    def _prune(self) -> None:
        self._packages.set_in_use([deployment.digest for deployment in self._deployed.values()])
        self._packages.prune()

    def _split_target(self, key: str) -> str:
        """Production, or the part of its split that a key falls into; the same in every process."""
        position = hash_fraction(f"split/{key}")
        for target in sorted(self._split):
            position -= self._split[target]
            if position < 0:
                return target if target in self._deployed else PRODUCTION
        return PRODUCTION

    def _loaded(self, number: int) -> Deployment | None:
        """A version that is loaded, for whatever target."""
        target = f"v{number}"
        if target in self._deployed:
            self._pins[target] = time.monotonic()
            return self._deployed[target]
        return next((each for each in self._deployed.values() if each.version == str(number)), None)

    async def _pin(self, number: int) -> Deployment:
        """Load a pinned version, one at a time; raises RequestRefused (404) when there is none, or a RegistryError."""
        target = f"v{number}"
        async with self._pinning:
            if loaded := self._loaded(number):
                return loaded
            if error := self._failures.pin_failure(number):
                raise not_deployed(target) if isinstance(error, VersionUnknown) else error
            try:
                others = list(self._deployed.values())
                deployment = await self._loader.load(await self._connect(), number, others, needs_warrant=False)
            except VersionUnknown as error:
                self._failures.record_pin(number, error)
                raise not_deployed(target) from None
            except Exception as error:
                log.warning("not pinned", exc_info=error, extra={"version": str(number)})
                raise self._failures.record_pin(number, error) from error
            self._deployed, self._pins[target] = {**self._deployed, target: deployment}, time.monotonic()
        self._unload([name for name in self._deployed if pinned_version(name) is None])
        return deployment
