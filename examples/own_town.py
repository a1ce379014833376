"""A town of one's own: write a crossing with houses and trees as OpenStreetMap, render two frames of it.

    python examples/own_town.py

Any extract of openstreetmap.org takes the place of the file that is written here.
"""

import subprocess
import sys
from pathlib import Path

OUT = Path("out/own-town")
MIDDLE, METRE = (48.0, 11.0), (1 / 111_200, 1 / 74_500)  # degrees of latitude and longitude a metre


class Extract:
    """OSM XML, with places given in metres east and north of the middle."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[float, float], str] = {}
        self.ways: list[str] = []

    def way(self, places: list[tuple[float, float]], **tags: str) -> None:
        """A line, or an area whose last place is its first."""
        for place in places:
            self.nodes.setdefault(place, str(len(self.nodes) + 1))
        refs = "".join(f'<nd ref="{self.nodes[place]}"/>' for place in places)
        keys = "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())
        self.ways.append(f'<way id="{1000 + len(self.ways)}">{refs}{keys}</way>')

    def text(self) -> str:
        """The whole file."""
        nodes = "".join(
            f'<node id="{number}" lat="{MIDDLE[0] + y * METRE[0]:.7f}" lon="{MIDDLE[1] + x * METRE[1]:.7f}"/>'
            for (x, y), number in self.nodes.items()
        )
        return f'<osm version="0.6">{nodes}{"".join(self.ways)}</osm>'


def crossing() -> str:
    """Two streets that meet, and houses along one of them."""
    town = Extract()
    for ends in ([(-150, 0), (0, 0), (150, 0)], [(0, -150), (0, 0), (0, 150)]):
        town.way(ends, highway="residential", lanes="2", maxspeed="30", sidewalk="both")
    for x in (-120, -90, -60, -30, 20, 50, 80, 110):
        for y in (14, -28):
            house = [(x, y), (x + 16, y), (x + 16, y + 12), (x, y + 12)]
            town.way([*house, house[0]], building="house", building__levels="2")
    return town.text()


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "crossing.osm").write_text(crossing())
    command = ["render", "--town", OUT / "crossing.osm", "--anomalies", "--frames", "2", "--width", "320"]
    command += ["--height", "180", "--samples", "2", "--out", OUT / "data"]
    subprocess.run([sys.executable, "-m", "hazardsim.cli", *map(str, command)], check=True)


if __name__ == "__main__":
    main()
