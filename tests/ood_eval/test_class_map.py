"""A network's classes as those of a set: by equal names, as the user says, and what is counted then."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ood_eval.datasets import VOID, Sample
from ood_eval.datasets.class_map import class_map
from ood_eval.datasets.relabelled import Relabelled
from ood_eval.datasets.sample import policy_of
from ood_eval.engine.fitness import classes_of, read_class_map
from ood_eval.errors import ConfigError
from ood_eval.metrics import Confusion

NETWORK = ("Road", "car", "truck", "traffic_light", "sky")
SET = ("unlabeled", "traffic-light", "road", "car")


def test_names_meet_whatever_their_case_and_joints() -> None:
    found = class_map(NETWORK, SET)
    assert found.pairs == (("Road", "road"), ("car", "car"), ("traffic_light", "traffic-light"))
    assert found.names == (*SET, "another class")
    assert found.known == SET
    assert found.predicted(np.array([[0, 1, 2, 3, 4]])).tolist() == [[2, 3, 4, 1, 4]]
    truth = found.truth(np.array([0, 1, 2, 3, VOID], dtype=np.uint8))
    assert truth is not None
    assert truth.tolist() == [VOID, 1, 2, 3, VOID]
    assert found.labels(np.array([0, 1, 2, 3, VOID], dtype=np.uint8)).tolist() == [VOID, 3, 0, 1, VOID]
    assert found.told() == (
        "3 of 4 classes of the set are known to the network; taken for another: Road as road, traffic_light as "
        "traffic-light; not counted: unlabeled"
    )


def test_equal_classes_change_nothing_and_add_no_fact() -> None:
    found = class_map(SET, SET)
    assert found.is_whole
    assert found.names == SET
    assert found.facts() == {}
    labels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(found.truth(labels), labels)
    assert np.array_equal(found.labels(labels), labels)


def test_without_a_common_class_nothing_is_counted() -> None:
    found = class_map(("class 0", "class 1"), SET)
    assert not found.counts
    assert found.truth(np.zeros(3, dtype=np.uint8)) is None
    assert found.names == ("class 0", "class 1")
    assert found.predicted(np.array([0, 1])).tolist() == [0, 1]
    assert class_map(NETWORK, ()).truth(None) is None


def test_the_users_map_goes_before_names_and_may_join_classes() -> None:
    found = class_map(NETWORK, SET, {"truck": "car", "car": "car", "sky": "unlabeled"})
    assert found.predicted(np.array([0, 1, 2, 3, 4])).tolist() == [4, 3, 3, 4, 0]
    assert found.labels(np.array([0, 1, 2, 3], dtype=np.uint8)).tolist() == [4, VOID, VOID, 1]
    assert found.facts() != class_map(NETWORK, SET).facts()
    with pytest.raises(ConfigError, match=r"the network has no class 'lorry'; it has Road"):
        class_map(NETWORK, SET, {"lorry": "car"})
    with pytest.raises(ConfigError, match=r"the set has no class 'cars'; did you mean 'car'\?"):
        class_map(NETWORK, SET, {"truck": "cars"})


def test_the_quality_is_that_of_classes_that_both_have() -> None:
    """Road is seen rightly but for a pixel that is called a truck, the only car is seen; sky and void do not count."""
    found = class_map(NETWORK, SET)
    truth = found.truth(np.array([[2, 2, 2, 2, 3, 0, VOID]], dtype=np.uint8))
    predicted = found.predicted(np.array([[0, 0, 0, 2, 1, 4, 1]]))
    confusion = Confusion(len(found.names))
    confusion.update(predicted, truth)  # type: ignore[arg-type]
    assert confusion.mean_iou() == pytest.approx((3 / 4 + 1) / 2)
    assert confusion.mean_iou_of_table(len(found.known)) == pytest.approx((3 / 4 + 1) / 4)
    assert confusion.accuracy() == pytest.approx(4 / 5)


@dataclass(frozen=True)
class Labelled:
    name: str = "mine"
    class_names: tuple[str, ...] = SET
    policy: str = "keep_all"

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return Sample("a", np.zeros((1, 4, 3), np.uint8), np.array([[0, 1, 2, 3]], np.uint8), None)

    def files(self, index: int) -> tuple[Path, ...]:
        return (Path("a.png"),)


def test_a_relabelled_split_has_the_networks_classes() -> None:
    split = Relabelled(Labelled(), class_map(NETWORK, SET))
    assert split.class_names == NETWORK
    assert split[0].classes.tolist() == [[VOID, 3, 0, 1]]  # type: ignore[union-attr]
    other = Relabelled(Labelled(), class_map(NETWORK, SET, {"truck": "car"}))
    assert policy_of(split).startswith("keep_all ")
    assert policy_of(split) != policy_of(other)
    assert split.identity(0) == "/a.png"


def test_a_file_maps_for_every_set_or_by_its_name(tmp_path: Path) -> None:
    segmenter = SimpleNamespace(class_names=NETWORK)
    path = tmp_path / "map.yaml"
    path.write_text("truck: car\n")
    assert classes_of(Labelled(), segmenter, read_class_map(path)).pairs == (("truck", "car"),)  # type: ignore[arg-type]
    path.write_text("mine: {truck: car}\nother: {truck: bus}\n")
    assert classes_of(Labelled(), segmenter, read_class_map(path)).pairs == (("truck", "car"),)  # type: ignore[arg-type]
    path.write_text("other: {truck: bus}\n")
    assert len(classes_of(Labelled(), segmenter, read_class_map(path)).pairs) == 3  # type: ignore[arg-type]
    path.write_text("truck: bus\n")
    with pytest.raises(ConfigError, match="mine: class map: the set has no class 'bus'"):
        classes_of(Labelled(), segmenter, read_class_map(path))  # type: ignore[arg-type]
    path.write_text("- truck\n")
    with pytest.raises(ConfigError, match=r"map\.yaml: must be a table of keys"):
        read_class_map(path)
