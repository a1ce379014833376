"""`hazardsim assets fetch`: a model pack, into the user's cache."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from hazardsim.errors import AssetError


@dataclass(frozen=True)
class AssetsFetch:
    """Fetch a pack of anomaly and street models and convert it into the per-user cache.

    The default pack is the Debian package sweethome3d-furniture (about 120 MB; licences CC0 and CC-BY 3.0), from apt
    or from a file you give. Nothing is downloaded before you agree. A second run continues what is missing.

    Example: hazardsim assets fetch --yes
    """

    pack: str | None = None
    """Which pack, if not the default one."""
    archive: Annotated[Path | None, tyro.conf.arg(aliases=["--deb"])] = None
    """The pack's file (the default pack's .deb), if you have it already; nothing is downloaded then."""
    yes: bool = False
    """Do not ask before the download."""
    cache: Path | None = None
    """Cache folder; $HAZARDSIM_CACHE or ~/.cache/hazardsim if not given."""

    def run(self) -> int:
        """Say what will happen, ask, fetch, and say where it is."""
        from hazardsim.packs import PACKS
        from hazardsim.packs.fetch import fetch_pack, missing_entries

        name = self.pack if self.pack is not None else next(iter(PACKS))
        if name not in PACKS:
            raise AssetError(f"no pack {name!r}; there are: {', '.join(PACKS)}")
        pack = PACKS[name]
        missing = missing_entries(pack, self.cache)
        with tempfile.TemporaryDirectory(prefix="hazardsim-fetch-") as scratch:
            archive = self.archive
            if missing and archive is None:
                sys.stderr.write(f"Will download {pack.download_notice()} and convert {len(missing)} of its models.\n")
                if not self.yes:
                    _ask()
                archive = pack.download(Path(scratch))
            folder = fetch_pack(pack, archive, self.cache)
        count = len(pack.contents().entries())
        sys.stdout.write(f"{count} models in {folder}\nattribution: {folder / 'ATTRIBUTION.md'}\n")
        return 0


def _ask() -> None:
    if not sys.stdin.isatty():
        raise AssetError("nobody to ask whether to download; repeat with --yes, or give its --archive FILE")
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise AssetError("not downloaded; the procedural models need no download")
