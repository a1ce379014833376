"""Render a scene from Python, and look at what is known of every pixel.

python examples/render_a_scene.py out/scene Town05
"""

import sys
from pathlib import Path

from PIL import Image

from hazardsim import render


def main(out: str = "out/scene", town: str = "Town05") -> None:
    frames = render(out, town=town, anomalies=True, frames=1, seed=4, width=480, height=270, samples=2)
    for frame in frames:
        scene = frame.record["scene"]
        print(f"frame {frame.number}: {scene['weather']['condition']}, {len(scene['actors'])} cars and people")
        for seen in frame.record["anomalies"]:
            pixels = frame.instances() == seen["instance"]
            metres = frame.depth()[pixels].mean() * 1000 / (2**24 - 1)
            print(f"  {seen['category']}: {pixels.sum()} pixels, {metres:.1f} m away on average")
        cut_out = frame.rgb() * (frame.labels() == 14)[..., None]
        Image.fromarray(cut_out).save(Path(out) / f"anomalies-{frame.number}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
