"""The one table of classes: CARLA 0.9.16 tags, their folder words and colours, and StreetHazards ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SemanticClass:
    """One CARLA tag: its id, the word in an asset path, its palette colour and StreetHazards id.

    `street_hazards` is 0-based (0 unlabeled .. 12 traffic sign, 13 anomaly); files hold it plus one.
    """

    tag: int
    name: str
    folder: str
    colour: tuple[int, int, int]
    street_hazards: int


# Source: carla.CityObjectLabel and ColorConverter.CityScapesPalette of carla 0.9.16; the last column is the
# project's mapping onto the label table of the public StreetHazards files.
_ROWS: Final = (
    (0, "NONE", "None", (0, 0, 0), 0),
    (1, "Roads", "Road", (128, 64, 128), 7),
    (2, "Sidewalks", "SideWalk", (244, 35, 232), 8),
    (3, "Buildings", "Building", (70, 70, 70), 1),
    (4, "Walls", "Wall", (102, 102, 156), 11),
    (5, "Fences", "Fence", (190, 153, 153), 2),
    (6, "Poles", "Pole", (153, 153, 153), 5),
    (7, "TrafficLight", "TrafficLight", (250, 170, 30), 12),
    (8, "TrafficSigns", "TrafficSign", (220, 220, 0), 12),
    (9, "Vegetation", "Vegetation", (107, 142, 35), 9),
    (10, "Terrain", "Terrain", (152, 251, 152), 9),
    (11, "Sky", "Sky", (70, 130, 180), 0),
    (12, "Pedestrians", "Pedestrian", (220, 20, 60), 4),
    (13, "Rider", "Rider", (255, 0, 0), 4),
    (14, "Car", "Car", (0, 0, 142), 10),
    (15, "Truck", "Truck", (0, 0, 70), 10),
    (16, "Bus", "Bus", (0, 60, 100), 10),
    (17, "Train", "Train", (0, 80, 100), 13),
    (18, "Motorcycle", "Motorcycle", (0, 0, 230), 10),
    (19, "Bicycle", "Bicycle", (119, 11, 32), 10),
    (20, "Static", "Static", (110, 190, 160), 3),
    (21, "Dynamic", "Dynamic", (170, 120, 50), 3),
    (22, "Other", "Other", (55, 90, 80), 3),
    (23, "Water", "Water", (45, 60, 150), 3),
    (24, "RoadLines", "RoadLine", (157, 234, 50), 6),
    (25, "Ground", "Ground", (81, 0, 81), 3),
    (26, "Bridge", "Bridge", (150, 100, 100), 3),
    (27, "RailTrack", "RailTrack", (230, 150, 140), 3),
    (28, "GuardRail", "GuardRail", (180, 165, 180), 2),
)

CLASSES: Final = tuple(SemanticClass(*row) for row in _ROWS)
TAG: Final = {c.name: c.tag for c in CLASSES}
TAG_OF_FOLDER: Final = {c.folder: c.tag for c in CLASSES}

ANOMALY_TAG: Final = TAG["Train"]
ANOMALY_FOLDER: Final = "Train"

STREET_HAZARDS_NAMES: Final = (
    "unlabeled",
    "building",
    "fence",
    "other",
    "pedestrian",
    "pole",
    "road line",
    "road",
    "sidewalk",
    "vegetation",
    "car",
    "wall",
    "traffic sign",
    "anomaly",
)
STREET_HAZARDS_COLOURS: Final = (
    (0, 0, 0),
    (70, 70, 70),
    (190, 153, 153),
    (250, 170, 160),
    (220, 20, 60),
    (153, 153, 153),
    (157, 234, 50),
    (128, 64, 128),
    (244, 35, 232),
    (107, 142, 35),
    (0, 0, 142),
    (102, 102, 156),
    (220, 220, 0),
    (60, 250, 240),
)
STREET_HAZARDS_ANOMALY: Final = 13


def street_hazards_from_tags(tags: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """StreetHazards raw label values (1..14) of an [H,W] image of CARLA tags.

    >>> street_hazards_from_tags(np.array([[TAG["Roads"], TAG["Car"], ANOMALY_TAG]], dtype=np.uint8))
    array([[ 8, 11, 14]], dtype=uint8)

    Raises:
        ValueError: a tag is outside the table.
    """
    if tags.size and int(tags.max()) >= len(CLASSES):
        raise ValueError(f"CARLA tag {int(tags.max())} is outside the table of {len(CLASSES)} tags")
    table = np.array([c.street_hazards + 1 for c in CLASSES], dtype=np.uint8)
    return table[tags]
