"""An anomaly of one's own: a mesh file, added to the catalogue and rendered on a street.

    python examples/own_anomaly.py Town05

Any GLB, glTF, OBJ, PLY or STL file takes the place of the one that is made here.
"""

import subprocess
import sys
from pathlib import Path

import trimesh

OUT = Path("out/own-anomaly")
SCENARIO = """
name: saucers
anomalies: {categories: [spaceship], count: [1, 1], distance_m: [5, 12], min_pixels: 20}
"""


def hazardsim(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "hazardsim.cli", *map(str, words)], check=True)


def saucer() -> trimesh.Scene:
    """A flying saucer on three legs; metres, z up."""
    hull, dome = trimesh.creation.icosphere(radius=1.0), trimesh.creation.icosphere(radius=0.4)
    hull.apply_scale((1.0, 1.0, 0.25))
    hull.apply_translation((0.0, 0.0, 0.6))
    dome.apply_translation((0.0, 0.0, 0.8))
    legs = [trimesh.creation.cylinder(0.05, 0.5, transform=None) for _ in range(3)]
    for leg, (x, y) in zip(legs, ((0.5, 0.0), (-0.3, 0.4), (-0.3, -0.4)), strict=True):
        leg.apply_translation((x, y, 0.25))
    for mesh, colour in ((hull, (190, 190, 200)), (dome, (60, 160, 90)), *((leg, (40, 40, 40)) for leg in legs)):
        mesh.visual.face_colors = colour
    return trimesh.Scene([hull, dome, *legs])


def main(town: str = "Town05") -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    saucer().export(OUT / "saucer.glb")
    (OUT / "saucers.yaml").write_text(SCENARIO)
    kind = ["--id", "saucer", "--category", "spaceship", "--split", "test", "--up", "z"]
    hazardsim("assets", "add", OUT / "saucer.glb", *kind)
    options = ["--anomalies", "--frames", 1, "--width", 320, "--height", 180, "--samples", 2]
    hazardsim("render", "--scenario", OUT / "saucers.yaml", "--town", town, *options, "--out", OUT / "data")
    hazardsim("show", OUT / "data")


if __name__ == "__main__":
    main(*sys.argv[1:])
