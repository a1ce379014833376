import json

import numpy as np
import pytest

from hazardsim.errors import SimulatorError
from hazardsim.frame import Frame
from hazardsim.frame_checks import fault
from hazardsim.scenario.scene import scene_from_data, scene_to_data


def test_a_scene_survives_json(make_scene):
    scene = make_scene(3, anomalies=2)
    assert scene_from_data(json.loads(json.dumps(scene_to_data(scene)))) == scene
    assert scene.without_anomalies().anomalies == ()


def test_seen_anomalies_are_measured(make_frame):
    frame = make_frame(anomalies=2)
    first, second = frame.anomalies
    assert first.pixels == second.pixels == 64
    assert first.box_px == (3, 4, 11, 12)
    assert (first.instance, second.instance) == (2, 3)


def test_a_frame_is_frozen_and_checked(make_frame):
    frame = make_frame()
    with pytest.raises(ValueError):
        frame.rgb[0, 0, 0] = 1
    with pytest.raises(TypeError):
        frame.channels["rgb"] = frame.rgb
    with pytest.raises(SimulatorError, match="semantic image is uint8"):
        Frame(frame.scene, {**frame.channels, "semantic": frame.semantic[:-1]}, (), {})
    with pytest.raises(SimulatorError, match="instance image is int64"):
        Frame(frame.scene, {**frame.channels, "instance": frame.instance.astype(np.int64)}, (), {})
    with pytest.raises(SimulatorError, match="depth missing"):
        Frame(frame.scene, {name: c for name, c in frame.channels.items() if name != "depth"}, (), {})
    with pytest.raises(SimulatorError, match="smell missing from the frame or the table"):
        Frame(frame.scene, {**frame.channels, "smell": frame.depth}, (), {})


def test_the_farthest_depth_is_sky(make_frame):
    frame = make_frame()
    sky = Frame(frame.scene, {**frame.channels, "depth": np.full_like(frame.depth, 2**24 - 1)}, (), {})
    assert np.isinf(sky.depth_m).all()
    assert frame.depth_m.max() < 1000.0


def test_a_good_frame_is_kept(make_frame):
    assert fault(make_frame(), min_pixels=60) is None


def test_disagreeing_masks_are_refused(make_frame):
    assert "disagree" in str(fault(make_frame(tag_shift=1), min_pixels=60))


def test_a_hidden_anomaly_is_refused(make_frame):
    assert "fewer than 65" in str(fault(make_frame(), min_pixels=65))


def test_a_black_picture_is_refused(make_frame):
    frame = make_frame()
    black = Frame(frame.scene, {**frame.channels, "rgb": np.zeros_like(frame.rgb)}, frame.anomalies, {})
    assert "black" in str(fault(black, min_pixels=1))
