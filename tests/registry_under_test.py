"""A registry in memory over real packages: its aliases move, it may be away, a package may be broken."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from graph.errors import RegistryUnavailable, VersionUnknown
from graph.registry import Version
from graph.registry.package import cached_package, pack, package_digest
from graph.registry.stages import SHADOW_TAG, SPLIT_TAG, Placement
from graph.registry.warrant import Warrant, WarrantScore
from graph.release import Release


def warranted(digest: str, **changes: object) -> Warrant:
    """A warrant for a release with this digest."""
    fields = {
        "release": digest,
        "dataset": "d" * 64,
        "scores": {"groundedness": WarrantScore(value=0.9, low=0.85, high=0.95)},
        "verdict": "pass",
        "judge": "keyless",
        "approver": "ann",
        "ticket": "CHG-1",
        "made": "2026-11-23T00:00:00Z",
    }
    return Warrant.model_validate({**fields, **changes})


def key_pair(place: Path, name: str, key: Any = None) -> tuple[Path, Path]:
    """A private and a public key as files."""
    key = key or Ed25519PrivateKey.generate()
    private, public = place / f"{name}.pem", place / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@dataclass
class MemoryRegistry:
    """What a server follows, in the test's own hands."""

    home: Path
    index: Path
    names: dict[str, int] = field(default_factory=dict)
    shares: dict[int, float] = field(default_factory=dict)
    shadowed: float = 0.0
    away: bool = False
    versions: dict[int, Version] = field(default_factory=dict)
    warrants: dict[int, Warrant | None] = field(default_factory=dict)
    looked: list[int] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)

    def log(self, release: Release, *, broken: bool = False) -> int:
        """Register a release as the next version, with a warrant; a broken one cannot be opened."""
        number = len(self.versions) + 1
        root = self.home / f"v{number}"
        root.mkdir(parents=True)
        pack(root, release, self.index, external=False)
        if broken:
            (root / "snapshot" / "manifest.json").write_text("{}")
        digest = package_digest(root)
        self.versions[number] = Version(number, release.label, digest)
        self.warrants[number] = warranted(digest)
        return number

    def placement(self) -> Placement:
        self._there()
        tags = {SPLIT_TAG: json.dumps(self.shares), SHADOW_TAG: str(self.shadowed)}
        return Placement(dict(self.names), tags)

    def version(self, number: int) -> Version:
        self._there()
        self.looked.append(number)
        if number not in self.versions:
            raise VersionUnknown(f"There is no version {number}.")
        return self.versions[number]

    def fetch(self, version: Version, home: Path) -> Path:
        self._there()

        def bring(arriving: Path) -> Path:
            self.fetched.append(version.number)
            return Path(shutil.copytree(self.home / f"v{version.number}", arriving / "package"))

        return cached_package(home, version.digest, bring)

    def warrant(self, version: Version) -> Warrant | None:
        self._there()
        return self.warrants[version.number]

    def _there(self) -> None:
        if self.away:
            raise RegistryUnavailable("nobody answers")
