"""Evaluate score maps that were made elsewhere: here of a method that is no network, the colourfulness of a pixel.

python examples/evaluate_score_maps.py data/first out/colour
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from ood_eval.benchmarks.generated import Generated


def main(data: str = "data/first", out: str = "out/colour") -> None:
    split = Generated(Path(data), "test")
    for index in range(len(split)):
        sample = split[index]
        colourfulness = np.ptp(sample.image.astype(np.float32), axis=2)  # [H,W]; larger = more anomalous
        path = Path(out) / "maps/colourfulness" / f"{sample.id}.npy"  # METHOD/IMAGE.npy
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, colourfulness)
    command = ["evaluate", f"{out}/maps", "--benchmark", f"generated={data}", "--protocols", "caos", "dataset"]
    subprocess.run([sys.executable, "-m", "ood_eval.cli", *command, "--out", f"{out}/numbers"], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
