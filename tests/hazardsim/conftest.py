"""Small scenes and frames made by hand."""

import numpy as np
import pytest

from hazardsim.capture.frames import frame_from_pictures
from hazardsim.channels import CHANNELS
from hazardsim.channels.wire import SensorImage
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene, SceneCamera, SceneWeather
from hazardsim.taxonomy import ANOMALY_TAG, TAG

WEATHER = SceneWeather("clear", (5.0, 0, 0, 10.0, 120.0, 45.0, 2.0, 0.75, 0.1, 0, 1.0, 0.03, 0.0331, 0))


@pytest.fixture
def make_scene():
    def make(index=0, town="Town05", anomalies=1, width=32, height=18):
        camera = SceneCamera(width, height, 90.0, Pose(1.0, 2.0, 1.5, 30.0, 2.0))
        placed = tuple(
            PlacedAnomaly(f"procedural-{k}", "sofa", Pose(8.0 + k, 2.0, 0.0, 10.0), 1.0, (2.0, 0.9, 0.8), "road")
            for k in range(anomalies)
        )
        actors = (PlacedActor("vehicle.seat.leon", Pose(20.0, 2.0, 0.0), (10, 20, 30)),)
        name = f"{town}-7-{index:06d}"
        return Scene(name, "test", 7, index, town, Pose(0.5, 2.0, 0.0, 30.0), camera, WEATHER, actors, placed)

    return make


@pytest.fixture
def make_frame(make_scene):
    """A frame whose anomaly is a rectangle; `tag_shift` moves the semantic mask against the instance mask."""

    def make(index=0, tag_shift=0, **options):
        scene = make_scene(index, **options)
        height, width = scene.camera.height_px, scene.camera.width_px
        rng = np.random.default_rng(index)
        shape = (height, width, 4)
        pictures = {
            "rgb": rng.integers(0, 256, shape, dtype=np.uint8),
            "semantic_segmentation": np.zeros(shape, dtype=np.uint8),
            "instance_segmentation": np.zeros(shape, dtype=np.uint8),
            "depth": rng.integers(0, 200, shape, dtype=np.uint8),
        }
        pictures["semantic_segmentation"][..., 2] = TAG["Roads"]
        first = 300
        for k, _ in enumerate(scene.anomalies):
            rows, columns = slice(4, 12), slice(3 + 10 * k, 11 + 10 * k)
            actor = first + len(scene.actors) + k
            pictures["instance_segmentation"][rows, columns, 1] = actor & 255
            pictures["instance_segmentation"][rows, columns, 0] = actor >> 8
            shifted = slice(columns.start + tag_shift, columns.stop + tag_shift)
            pictures["semantic_segmentation"][rows, shifted, 2] = ANOMALY_TAG
        ids = [first + k for k in range(len(scene.actors) + len(scene.anomalies))]
        plain = SensorImage(bytes(4 * height * width), width, height)
        images = {row.sensor: plain for row in CHANNELS.values()}
        images |= {f"sensor.camera.{k}": SensorImage(p.tobytes(), width, height) for k, p in pictures.items()}
        return frame_from_pictures(scene, images, ids, {"server": "0.9.16", "client": "0.9.16"})

    return make


@pytest.fixture
def assert_stands():
    """Checks that a model has a size, stands on the origin, and is sound."""

    def check(model, size_m):
        low, high = model.bounds()
        assert high - low == pytest.approx(size_m, rel=0.01)
        assert low[2] == pytest.approx(0.0, abs=1e-4)
        assert (low + high)[:2] / 2 == pytest.approx([0.0, 0.0], abs=1e-3)
        for item in model.parts:
            assert np.isfinite(item.vertices).all()
            assert len(item.faces) > 0
            assert item.normals is not None
            assert np.linalg.norm(item.normals, axis=1) == pytest.approx(1.0, abs=1e-3)

    return check
