"""`hazardsim assets fetch`: the default model pack, into the user's cache."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hazardsim.errors import AssetError


@dataclass(frozen=True)
class AssetsFetch:
    """Fetch the default pack of anomaly and street models and convert it into the per-user cache.

    The models come from the Debian package sweethome3d-furniture (about 120 MB; licences CC0 and CC-BY 3.0), from apt
    or from a file you give. Nothing is downloaded before you agree. A second run continues what is missing.

    Example: hazardsim assets fetch --yes
    """

    deb: Path | None = None
    """A sweethome3d-furniture .deb that you already have; nothing is downloaded then."""
    yes: bool = False
    """Do not ask before the download."""
    cache: Path | None = None
    """Cache folder; $HAZARDSIM_CACHE or ~/.cache/hazardsim if not given."""

    def run(self) -> int:
        """Say what will happen, ask, fetch, and say where it is."""
        from hazardsim.packs.sweethome3d.curated import pack_list
        from hazardsim.packs.sweethome3d.fetch import download, fetch_pack, missing_entries

        listed = pack_list()
        missing = missing_entries(listed, self.cache)
        with tempfile.TemporaryDirectory(prefix="hazardsim-fetch-") as scratch:
            deb = self.deb
            if missing and deb is None:
                size = round(listed.package.bytes / 1e6)
                sys.stderr.write(
                    f"Will download the Debian package {listed.package.name} ({size} MB) through apt-get, "
                    f"without root, and convert {len(missing)} of its models.\n"
                )
                if not self.yes:
                    _ask()
                deb = download(listed, Path(scratch))
            folder = fetch_pack(listed, deb if deb is not None else Path(scratch), self.cache)
        sys.stdout.write(f"{len(listed.entries())} models in {folder}\nattribution: {folder / 'ATTRIBUTION.md'}\n")
        return 0


def _ask() -> None:
    if not sys.stdin.isatty():
        raise AssetError("nobody to ask whether to download; repeat with --yes, or give the package with --deb FILE")
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise AssetError("not downloaded; the procedural models need no download")
