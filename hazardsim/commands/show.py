"""`hazardsim show`: a contact sheet of a dataset."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from hazardsim.errors import ConfigError


@dataclass(frozen=True)
class Show:
    """Draw a contact sheet of a dataset: rgb | labels | anomaly, one row a frame."""

    data: tyro.conf.Positional[Path]
    """Dataset folder."""
    out: Path | None = None
    """PNG to write; DIR/contact-sheet.png if not given."""
    frames: int = 12
    """At most so many frames, spread over the dataset."""
    width: int = 480
    """Width of each picture in pixels."""

    def run(self) -> int:
        """Draw, write, and say where it is."""
        from hazardsim.channels.png import png_from_rgb
        from hazardsim.dataset.reader import read_all
        from hazardsim.dataset.sheet import contact_sheet
        from hazardsim.files import write_whole

        if self.frames < 1 or self.width < 32:
            raise ConfigError("show: --frames must be at least 1 and --width at least 32")
        total = sum(1 for _ in read_all(self.data))
        step = max(1, -(-total // self.frames))
        chosen = [frame for i, frame in enumerate(read_all(self.data)) if i % step == 0]
        target = self.out or self.data / "contact-sheet.png"
        write_whole(target, [png_from_rgb(contact_sheet(chosen, self.width))])
        sys.stdout.write(f"{target}\n")
        return 0
