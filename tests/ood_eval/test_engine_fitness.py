"""Networks of other makes through whole runs: class metrics, detectors that are left out, cells."""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.cli import main
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine import scoring
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.row import read_rows
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.files import read_json
from ood_eval.networks import Held, Segmenter, load_segmenter

STREETS = BenchmarkSpec("streethazards")
NAMES = StreetHazards.class_names


class Small(nn.Module):
    """Logits and features at a quarter of the size."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Conv2d(6, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images))


def small(*names: str, features: str | None = "body") -> Segmenter:
    torch.manual_seed(0)
    return load_segmenter(Small(len(names)), classes=names, features_layer=features)


def campaign(segmenter: Segmenter, data: Path | None, *detectors: str, **changes) -> Campaign:
    benchmark = changes.pop("benchmark", STREETS)
    suite = Suite("s", (benchmark,), tuple(map(DetectorSpec, detectors)), STREETS, ("caos",), 2)
    return Campaign(suite, data, lambda *_: Held(segmenter), (None,), **changes)


def rows_of(out: Path) -> dict[tuple[str, str], float]:
    (one,) = read_json(out / "run.json")["evaluations"]
    return {(row.detector, row.metric): row.value for row in read_rows(out / "evaluations" / one["key"] / "rows.jsonl")}


def test_equal_names_in_another_order_give_equal_class_metrics(shared_streets: Path, tmp_path: Path) -> None:
    one = small(*NAMES)
    two = small(*reversed(NAMES))
    with torch.no_grad():
        for value, other in zip(one.network.inner.head.parameters(), two.network.inner.head.parameters(), strict=True):
            other.copy_(value.flip(0))
    first = rows_of(campaign(one, shared_streets, "msp", "mahalanobis").run(tmp_path / "one"))
    second = rows_of(campaign(two, shared_streets, "msp", "mahalanobis").run(tmp_path / "two"))
    assert not np.isnan(first["segmenter", "miou"])
    for key in [*(("segmenter", name) for name in ("miou", "miou_known", "miou_table", "accuracy")), ("msp", "auroc")]:
        assert second[key] == pytest.approx(first[key], abs=1e-4), key
    assert second["mahalanobis", "auroc"] == pytest.approx(first["mahalanobis", "auroc"], abs=1e-4)
    (folder,) = (tmp_path / "two" / "evaluations").iterdir()
    assert list(read_json(folder / "segmenter.json")) == sorted(NAMES)


def test_a_network_of_other_classes_scores_anomalies_and_says_what_is_left_out(
    shared_streets: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    segmenter = small("a", "b", "c")
    out = campaign(segmenter, shared_streets, "msp", "mahalanobis", "background", "knn").run(tmp_path / "out")
    found = rows_of(out)
    assert 0 <= found["msp", "auroc"] <= 1
    assert 0 <= found["knn", "auroc"] <= 1
    assert np.isnan(found["segmenter", "miou"])
    assert "streethazards: mIoU, accuracy and open-mIoU are left out: no class of the network" in caplog.text
    left = {one["detector"]: one["reason"] for one in read_json(out / "run.json")["left_out"]}
    assert left.keys() == {"mahalanobis", "background"}
    assert "class labels of the network's own classes" in left["mahalanobis"]
    assert "no class 'unlabeled'" in left["background"]
    assert "left out: background: " in caplog.text


def test_the_class_map_counts_and_scores_only_what_depends_on_it(
    shared_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter, counted = small("a", "b", "c"), []
    plain = scoring.Pass._count

    def noting(self, index, counts, *rest) -> None:
        counted.append(sorted((cell.label, cell.measure) for cell in counts))
        plain(self, index, counts, *rest)

    campaign(segmenter, shared_streets, "msp").run(tmp_path / "out")
    monkeypatch.setattr(scoring.Pass, "_count", noting)
    out = campaign(segmenter, shared_streets, "msp", class_map={"a": "road", "b": "building"}).run(tmp_path / "out")
    found = rows_of(out)
    assert 0 <= found["segmenter", "miou"] <= 1
    assert counted == [[("segmenter", "facts")]] * 4
    with pytest.raises(ConfigError, match="the set has no class 'rod'; did you mean 'road'"):
        campaign(segmenter, shared_streets, "msp", class_map={"a": "rod"}).run(tmp_path / "out")


def test_detectors_without_data_are_left_out_unless_they_were_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    benchmark = BenchmarkSpec("road_anomaly", _road_anomaly(tmp_path), {"official": False})
    segmenter = small("road", "car", features=None)
    names = ("msp", "knn", "kl_matching", "branch", "ae")
    out = campaign(segmenter, None, *names, benchmark=benchmark).run(tmp_path / "out")
    left = {one["detector"]: one["reason"] for one in read_json(out / "run.json")["left_out"]}
    assert left == {
        "knn": "must see a training split, and none is here",
        "kl_matching": "must see a validation split, and none is here",
        "branch": "must see a training split, and none is here",
        "ae": "must see a training split, and none is here",
    }
    assert "left out: knn: must see a training split, and none is here" in caplog.text
    with pytest.raises(DetectorError, match="knn: must see a training split, and none is here; take it out of"):
        campaign(segmenter, None, *names, benchmark=benchmark, insist=True).run(tmp_path / "out")
    with pytest.raises(DetectorError, match="no detector of the suite can be used: knn: must see"):
        campaign(segmenter, None, "knn", benchmark=benchmark).run(tmp_path / "out")


def test_a_detector_says_what_stands_in_its_way() -> None:
    bare, rich = small(*NAMES, features=None), small(*NAMES)
    both = {"training": True, "validation": True}
    for name, network, labelled, reason in (
        ("msp", bare, {}, None),
        ("knn", rich, both, None),
        ("knn", rich, {"training": False}, None),
        ("knn", bare, both, "penultimate features"),
        ("mahalanobis+blur", rich, {"training": False}, "class labels"),
        ("branch", rich, {"training": False, "validation": False}, "class labels"),
        ("ae", rich, {"training": False}, None),
        ("dropout", rich, {}, "no dropout layer"),
        ("background", rich, {}, None),
    ):
        told = build_detector(name, {}, DETECTORS).obstacle(network, labelled)
        assert (told is None) if reason is None else (told is not None and reason in told), (name, told)


def test_meta_is_no_device(shared_streets: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--device meta: cannot be used here"):
        campaign(small(*NAMES), shared_streets, "msp", devices=("meta",)).run(tmp_path / "out")


FACTORY = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.Conv2d(5, 4, 1))
"""


def test_a_factory_goes_through_the_command_line_and_an_edited_one_is_scored_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = _road_anomaly(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mysegmenter.py").write_text(FACTORY)
    (tmp_path / "suite.yaml").write_text(
        f"name: mine\nbenchmarks: [{{name: road_anomaly, root: {root}, options: {{official: false}}}}]\n"
        "detectors: [{name: msp}, {name: knn}, {name: background}]\nprotocols: [dataset]\ngallery: 1\n"
    )
    command = ["ood_eval", "run", "suite.yaml", "--out", "out", "--segmenter", "mysegmenter:make"]

    def run(*more: str) -> int:
        monkeypatch.setattr(sys, "argv", [*command, *more])
        return main()

    assert run() == 0
    assert "MSP" in capsys.readouterr().out
    run_json = read_json(Path("out/run.json"))
    assert {one["detector"] for one in run_json["left_out"]} == {"knn", "background"}
    before = {path.name for path in Path("out/cells").glob("*.npz")}
    assert run() == 0
    assert {path.name for path in Path("out/cells").glob("*.npz")} == before
    (tmp_path / "mysegmenter.py").write_text(FACTORY + "\n# another thought\n")
    assert run() == 0
    assert len({path.name for path in Path("out/cells").glob("*.npz")} - before) == len(before)
    assert "was not scored" in Path("out/report/index.html").read_text()
    for more, message in (
        (("--checkpoint", "s.pt"), "each give a segmenter; give one"),
        (("--seeds", "0", "1"), "mysegmenter:make is trained already"),
        (("--encoder", "resnet18"), "--encoder is for a segmenter that is trained here"),
        (("--weights", "none.pth"), "none.pth: no such weights file"),
        (("--classes", "3"), "predicts 4 logits, but 3 class names"),
        (("--features-layer", "9"), "no layer '9'"),
        (("--detectors", "knn"), "knn: must see a training split"),
        (("--device", "meta"), "--device meta: cannot be used here"),
    ):
        assert run(*more) == 1
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert told.startswith("ood_eval: ")
        assert message in told
    monkeypatch.setattr(sys, "argv", ["ood_eval", "run", "suite.yaml", "--out", "out", "--classes", "3"])
    assert main() == 1
    assert "--classes is for a segmenter of another make" in capsys.readouterr().err


def _road_anomaly(folder: Path) -> Path:
    """Two small frames in the layout of RoadAnomaly."""
    root = folder / "RoadAnomaly_jpg"
    rng = np.random.default_rng(0)
    names = []
    for number in range(2):
        labels = np.zeros((32, 48), dtype=np.uint8)
        labels[10:20, 8:20] = 2
        (root / "frames" / f"animals{number:02d}_x.labels").mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)).save(
            root / "frames" / f"animals{number:02d}_x.jpg"
        )
        Image.fromarray(labels).save(root / "frames" / f"animals{number:02d}_x.labels" / "labels_semantic.png")
        names.append(f"animals{number:02d}_x.jpg")
    (root / "frame_list.json").write_text(json.dumps(names))
    return root
