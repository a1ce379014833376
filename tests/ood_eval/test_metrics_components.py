"""SMIYC's component metrics on cases counted by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ood_eval.errors import DetectorError
from ood_eval.metrics import TRACKS, Components, Track

EVERY = Track(1, 1)


def counted(truth: list[str], predicted: list[str], track: Track = EVERY) -> dict[str, float]:
    """Numbers of maps drawn with # (anomaly or called), . (known), x (void)."""
    anomaly = np.array([[{"#": 1, ".": 0, "x": 255}[sign] for sign in line] for line in truth], dtype=np.uint8)
    scores = np.array([[float(sign == "#") for sign in line] for line in predicted], dtype=np.float32)
    components = Components(track)
    components.update(scores, anomaly, 0.5)
    return {number.metric: number.value for number in components.compute()}


def test_a_perfect_prediction() -> None:
    found = counted(["##..#"], ["##..#"])
    assert (found["siou"], found["ppv"], found["f1_star"], found["f1_75"]) == (1.0, 1.0, 1.0, 1.0)


def test_a_split_object_is_scored_as_its_union() -> None:
    found = counted(["######"], ["##..##"])
    assert found["siou"] == pytest.approx(4 / 6)
    assert found["ppv"] == 1.0
    # 2/3 reaches 0.25, ..., 0.65: nine thresholds with TP 1, then two with FN 1.
    assert found["f1_star"] == pytest.approx(9 / 11)


def test_a_merged_prediction_is_not_charged_for_the_other_object() -> None:
    found = counted(["##..##"], ["######"])
    # Each object: common 2, union 2 + 6 - 2 - 2 in the other = 4.
    assert found["siou"] == pytest.approx(2 / 4)
    assert found["ppv"] == pytest.approx(4 / 6)
    # tau <= 0.5: TP 2, FP 0 -> 1 (six of them); 0.55..0.65: FN 2, FP 0 -> 0; 0.7, 0.75: FN 2, FP 1 -> 0.
    assert found["f1_star"] == pytest.approx(6 / 11)


@pytest.mark.parametrize(("common", "size"), [(1, 4), (3, 10), (7, 20), (2, 5), (9, 20), (11, 20), (3, 5), (13, 20)])
def test_a_tie_at_tau_counts_as_found(common: int, size: int) -> None:
    """sIoU and PPV exactly tau: TP there and below, and no false positive."""
    truth, predicted = ["#" * common + "." * (size - common)], ["#" * size]
    found = counted(truth, predicted)
    assert found["siou"] == found["ppv"] == pytest.approx(common / size)
    reached = round(common / size * 20) - 5 + 1
    assert found["f1_star"] == pytest.approx(reached / 11)


def test_components_touch_by_their_corners() -> None:
    assert counted(["#.", ".#"], ["#.", "#."])["siou"] == pytest.approx(1 / 3)


def test_no_prediction_gives_no_division_by_zero() -> None:
    found = counted(["##.."], ["...."])
    assert (found["siou"], found["f1_star"]) == (0.0, 0.0)
    assert np.isnan(found["ppv"])


def test_only_false_alarms() -> None:
    found = counted(["...."], ["#..#"])
    assert np.isnan(found["siou"])
    assert (found["ppv"], found["f1_star"]) == (0.0, 0.0)


def test_nothing_at_all_is_undefined() -> None:
    assert all(np.isnan(value) for value in counted(["...."], ["...."]).values())


def test_void_pixels_are_never_called() -> None:
    found = counted(["##xx"], ["####"])
    assert (found["siou"], found["ppv"]) == (1.0, 1.0)


def test_small_predictions_vanish_and_small_truths_turn_void() -> None:
    track = Track(predicted_px=2, truth_px=3)
    # The lone predicted pixel is dropped; the truth of two pixels is void, and its prediction with it.
    found = counted(["###...##"], ["###.#.##"], track)
    assert (found["siou"], found["ppv"], found["f1_star"]) == (1.0, 1.0, 1.0)


def test_small_truths_cut_predictions_after_these_are_formed() -> None:
    track = Track(predicted_px=4, truth_px=2)
    # Five called pixels pass the limit as one component; the single true pixel inside turns void and leaves four.
    found = counted(["..#..", "....."], ["#####", "....."], track)
    assert np.isnan(found["siou"])
    assert found["ppv"] == 0.0
    assert found["f1_star"] == 0.0


def test_the_tracks_limits() -> None:
    assert (TRACKS["anomaly"].predicted_px, TRACKS["anomaly"].truth_px) == (500, 100)
    assert (TRACKS["obstacle"].predicted_px, TRACKS["obstacle"].truth_px) == (50, 10)
    one = np.zeros((40, 40), dtype=np.uint8)
    one[:5, :2] = 1
    scores = np.zeros((40, 40), dtype=np.float32)
    scores[:5, :10] = 1.0
    obstacle = Components(TRACKS["obstacle"])
    obstacle.update(scores, one, 0.5)
    assert obstacle.compute()[0].value == pytest.approx(10 / 50)
    anomaly = Components(TRACKS["anomaly"])
    anomaly.update(scores, one, 0.5)
    assert np.isnan(anomaly.compute()[0].value)


def maps(seed: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    blocks = np.kron((rng.random((8, 8)) < 0.2).astype(np.uint8), np.ones((4, 4), dtype=np.uint8))
    return (blocks + rng.normal(0, 0.4, blocks.shape)).astype(np.float32), blocks


def by_definition(scores: NDArray[np.float32], anomaly: NDArray[np.uint8], threshold: float) -> tuple[float, float]:
    """Mean sIoU and PPV with sets of pixels and scipy's labels."""
    ndimage = pytest.importorskip("scipy.ndimage")
    labels = [ndimage.label(mask, np.ones((3, 3)))[0] for mask in (anomaly == 1, scores > threshold)]
    truths, predictions = ([set(map(tuple, np.argwhere(one == k))) for k in range(1, one.max() + 1)] for one in labels)
    sious = []
    for k in truths:
        touching = set().union(*(p for p in predictions if p & k))
        others = set().union(*(t for t in truths if t is not k))
        sious.append(len(k & touching) / len((k | touching) - (touching & others)))
    everything = set().union(*truths)
    return float(np.mean(sious)), float(np.mean([len(p & everything) / len(p) for p in predictions]))


@pytest.mark.parametrize("seed", range(6))
def test_numbers_equal_the_definition_on_sets(seed: int) -> None:
    components = Components(EVERY)
    components.update(*maps(seed), 0.5)
    found = components.compute()
    assert (found[0].value, found[1].value) == pytest.approx(by_definition(*maps(seed), 0.5))


def test_images_merge_in_any_order() -> None:
    whole, left, right = (Components(EVERY) for _ in range(3))
    for seed in range(4):
        whole.update(*maps(seed), 0.5)
        (left if seed % 2 else right).update(*maps(seed), 0.5)
    left.merge(right)
    for one, other in zip(whole.compute(), left.compute(), strict=True):
        assert one.value == pytest.approx(other.value)
        assert (one.images, one.pixels) == (other.images, other.pixels) == (4, 4 * 32 * 32)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DetectorError, match="shape"):
        Components(EVERY).update(np.zeros((2, 2), dtype=np.float32), np.zeros((2, 3), dtype=np.uint8), 0.0)
