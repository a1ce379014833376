"""`hazardsim merge`: shards of a split to one finished split."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Merge:
    """Join the shards that hazardsim render --shard made; the bytes are those of one run without shards.

    Every file is checked against its record, and copied. An interrupted merge is finished by the same command.

    Example: hazardsim merge data/mine data/shard-1 data/shard-2
    """

    out: tyro.conf.Positional[Path]
    """Dataset folder of the finished split; it may be a folder that the shards were made in."""
    shards: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of the shards."""

    def run(self) -> int:
        """Merge, and say where it is."""
        from hazardsim.dataset.merge import merge

        merge(self.out, self.shards)
        sys.stdout.write(f"{self.out}\n")
        return 0
