"""Where each benchmark is to be had, and under which folder names it is usually unpacked. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set comes from.

    Args:
        site: of its owner.
        terms: licence or registration, as far as known; read them there.
        size: of the download.
        folders: usual names of its root, besides the benchmark's own.
        needs: other sets that it lies on, by the option that takes their root.
        signs: patterns of which a root matches one; none, if any folder of the name will do.
    """

    site: str
    terms: str
    size: str
    folders: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    signs: tuple[str, ...] = ()


_SMIYC: Final = ("labels_masks/*", "*/labels_masks/*")

# Sources: the sets' own pages and archives; sizes as published there.
SOURCES: Final[dict[str, Source]] = {
    "streethazards": Source(
        "https://github.com/hendrycks/anomaly-seg: streethazards_train.tar and streethazards_test.tar",
        "free to download",
        "11 GB",
        ("StreetHazards", "street_hazards"),
    ),
    "generated": Source("made by `hazardsim render --out DIR`", "yours", "about 1 MB an image", ("hazardsim",)),
    "bdd_anomaly": Source(
        "https://bdd-data.berkeley.edu: 10K images and semantic segmentation labels of BDD100K",
        "registration; BDD100K licence",
        "1.3 GB",
        ("bdd100k", "BDD100K"),
    ),
    "fishyscapes_lostandfound": Source(
        "https://fishyscapes.com/dataset: fishyscapes_lostandfound.zip (masks)",
        "free to download; the pictures have the terms of Lost and Found",
        "0.7 MB, and 5.8 GB of pictures",
        ("Fishyscapes", "fishyscapes", "dataset_FishyLAF", "fs_lost_found", "FS_LostFound_full", "fs_lost_and_found"),
        {"images": "lost_and_found"},
        (
            "[0-9]*_[0-9][0-9]_[A-Z]*_labels.*",
            "[0-9][0-9]_[A-Z]*_labels.*",
            "fishyscapes_lostandfound/*_labels.*",
            "labels/val/*",
            "*/labels/val/*",
            "validation/gtFine/*",
            "*/validation/gtFine/*",
            "original/*",
            "images/*",
            "LostAndFound/original/*",
            "*/LostAndFound/original/*",
            "FS_LostFound_full/images/*",
            "fs_lost_and_found/*/*",
        ),
    ),
    "fishyscapes_static": Source(
        "https://fishyscapes.com/dataset: validation overlays (fs_val_v1 to v3)",
        "free to download; the pictures need the Cityscapes licence",
        "some MB, and 11 GB of pictures",
        ("Fishyscapes", "fishyscapes", "fs_static", "FS_Static", "fs_val_v3"),
        {"cityscapes": "cityscapes"},
        (
            "*rgb.npz",
            "fishyscapes_static/*rgb.npz",
            "fs_val_v*/*rgb.npz",
            "original/*",
            "images/*",
            "Static/original/*",
            "*/Static/original/*",
            "FS_Static/images/*",
            "fs_static/*/*",
        ),
    ),
    "road_anomaly": Source(
        "https://www.epfl.ch/labs/cvlab/data/road-anomaly: RoadAnomaly_jpg.zip",
        "free to download; credits of each photograph are in the archive",
        "some ten MB",
        ("RoadAnomaly_jpg", "RoadAnomaly"),
        signs=("frame_list.json", "*/frame_list.json", "original/*", "images/*", "*/original/*", "*/images/*"),
    ),
    "road_anomaly_21": Source(
        "https://segmentmeifyoucan.com/datasets: dataset_AnomalyTrack.zip (zenodo 5270237)",
        "free to download; labels of the test split are hidden",
        "some ten MB",
        ("dataset_AnomalyTrack", "RoadAnomaly21", "RoadAnomaly21_AnomalyTrack"),
        signs=_SMIYC,
    ),
    "road_obstacle_21": Source(
        "https://segmentmeifyoucan.com/datasets: dataset_ObstacleTrack.zip (zenodo 5281633)",
        "free to download; labels of the test splits are hidden",
        "some hundred MB",
        ("dataset_ObstacleTrack", "RoadObstacle21", "RoadObsticle21", "road_obsticle_21"),
        signs=_SMIYC,
    ),
    "lost_and_found": Source(
        "http://www.6d-vision.com/lostandfounddataset: leftImg8bit.zip and gtCoarse.zip",
        "free for research; the host is often down",
        "5.8 GB",
        ("LostAndFound", "dataset_LostAndFound", "lostandfound"),
    ),
    "folders": Source(
        "your own disk: a folder of images, one of masks, a folders.yaml that tells of them; ClimaOoD is not public",
        "its owner's",
        "its own",
        ("climaood", "ClimaOoD"),
    ),
    "cityscapes": Source(
        "https://www.cityscapes-dataset.com: leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip",
        "registration; for research",
        "11 GB",
        ("Cityscapes",),
    ),
}
