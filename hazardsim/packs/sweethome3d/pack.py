"""The pack: which package it is, how apt fetches it, and its models one by one."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hazardsim.errors import AssetError
from hazardsim.packs.entries import PackContents, PackEntry
from hazardsim.packs.pack import ConvertedModel, Provenance
from hazardsim.packs.sweethome3d.curated import CuratedList, curated_list
from hazardsim.packs.sweethome3d.debian_package import sha256_of, unpack_deb
from hazardsim.packs.sweethome3d.furniture_library import Furniture, FurnitureLibrary

_LOG: Final = logging.getLogger(__name__)
_POOL: Final = "https://deb.debian.org/debian/pool/main/s/sweethome3d-furniture/"


@dataclass(frozen=True, slots=True)
class SweetHome3D:
    """The pack; `chosen` replaces the curated list that comes with hazardsim."""

    chosen: CuratedList | None = None

    @property
    def listed(self) -> CuratedList:
        """The package, its libraries and what is taken out of them."""
        return self.chosen if self.chosen is not None else curated_list()

    @property
    def name(self) -> str:
        """The folder in the cache."""
        return "sweethome3d"

    @property
    def version(self) -> str:
        """Debian's version."""
        return self.listed.package.version

    def contents(self) -> PackContents:
        """What is taken out of it."""
        return self.listed.contents()

    def origin(self) -> Mapping[str, object]:
        """Name, version, size and checksum of the package."""
        return asdict(self.listed.package)

    def attribution(self) -> Sequence[str]:
        """Which package the models are from."""
        package = self.listed.package
        return (
            f"Models of the Debian package {package.name} {package.version}",
            f"(SHA-256 `{package.sha256}`), converted by hazardsim for use on this machine.",
        )

    def download_notice(self) -> str:
        """The package, its size, and that apt fetches it."""
        package = self.listed.package
        return f"the Debian package {package.name} ({round(package.bytes / 1e6)} MB) through apt-get, without root,"

    def download(self, into: Path) -> Path:
        """Let apt put the package into the folder `into`; needs no root.

        Raises:
            AssetError: apt is absent, does not know the package, or fails.
        """
        package = self.listed.package
        hint = f"download {package.name}_{package.version}_all.deb from {_POOL} and give it with --deb"
        apt = shutil.which("apt-get")
        if apt is None:
            raise AssetError(f"apt-get is not on this system; {hint}")
        done = subprocess.run([apt, "download", package.name], cwd=into, capture_output=True, text=True, check=False)
        found = sorted(into.glob(f"{package.name}_*.deb"))
        if done.returncode != 0 or not found:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise AssetError(f"apt-get download {package.name} failed: {last}; run 'apt-get update' first, or {hint}")
        return found[0]

    def models(
        self, archive: Path, wanted: Sequence[PackEntry], scratch: Path
    ) -> Iterator[tuple[PackEntry, Provenance, ConvertedModel]]:
        """The wanted models, library by library.

        Raises:
            AssetError: the package or a library fails its checksum, or a model is missing or cannot be converted.
        """
        from hazardsim.packs.sweethome3d.fit import convert  # imports trimesh, which only a fetch needs

        package = self.listed.package
        paths = self._libraries(archive, scratch)
        left = {entry.model: entry for entry in wanted}
        for library in self.listed.libraries:
            source = f"Debian {package.name} {package.version}, {library.file}"
            with FurnitureLibrary(paths[library.file]) as opened:
                for model in [m for m in left if m in opened.furniture]:
                    entry, item = left.pop(model), opened.furniture[model]
                    whose = _provenance(item, library.licence, library.licence_url, source)
                    yield entry, whose, convert(opened, item, entry.turn_deg)
        if left:
            raise AssetError(f"no library holds {', '.join(sorted(left))}; correct assets/sweethome3d.yaml")

    def _libraries(self, deb: Path, scratch: Path) -> dict[str, Path]:
        """The libraries out of the package; if its checksum is another, each library must have its own."""
        wanted = {library.file: library for library in self.listed.libraries}
        known = sha256_of(deb) == self.listed.package.sha256
        paths = unpack_deb(deb, wanted, scratch)
        if not known:
            _LOG.info("%s is another build than the pinned one; checking each library", deb)
            for name, library in wanted.items():
                found = sha256_of(paths[name])
                if found != library.sha256:
                    raise AssetError(f"{deb}: {name} has SHA-256 {found}, expected {library.sha256}; refused")
        return paths


def _provenance(item: Furniture, licence: str, licence_url: str, source: str) -> Provenance:
    return Provenance(item.id, item.name, item.creator, licence, licence_url, source)
