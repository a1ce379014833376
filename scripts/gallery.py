"""Make docs/streets.jpg, the picture of the README: three frames of the embedded simulator beside their labels.

python scripts/gallery.py [frame ...]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from hazardsim.dataset.reader import StoredFrame, read_split
from hazardsim.dataset.sheet import coloured

OUT = Path("out/gallery")
COMMAND = ["render", "--town", "Town05", "--anomalies", "--frames", "8", "--seed", "21", "--samples", "8"]
SIZE_PX = (800, 450)


def row(frame: StoredFrame) -> np.ndarray:
    """The picture and its labels, side by side."""
    picture = cv2.resize(frame.rgb(), SIZE_PX, interpolation=cv2.INTER_AREA)
    return np.hstack([picture, cv2.resize(coloured(frame.labels()), SIZE_PX, interpolation=cv2.INTER_NEAREST)])


def main(numbers: list[int]) -> None:
    """Render with the procedural models alone, whatever packs the user has fetched, and put three frames together."""
    alone = os.environ | {"HAZARDSIM_CACHE": str(OUT.absolute() / "cache")}
    subprocess.run([sys.executable, "-m", "hazardsim.cli", *COMMAND, "--out", OUT / "data"], check=True, env=alone)
    frames = {frame.number: frame for frame in read_split(OUT / "data", "test")}
    sheet = np.vstack([row(frames[number]) for number in numbers])
    cv2.imwrite("docs/streets.jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [6, 4, 7])
