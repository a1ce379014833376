"""`ood_eval score`: score maps as files."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from ood_eval.errors import ConfigError
from ood_eval.options import Foreign, Maps, Training


@dataclass(frozen=True, slots=True)
class Score:
    """Score pictures and keep every score map: OUT/DETECTOR/PICTURE.npy, [H,W] float32, larger = more anomalous.

    What is there already is not scored again. `ood_eval evaluate OUT` turns the maps of a benchmark into numbers.

    Example: ood_eval score road_anomaly --checkpoint segmenter.pt --detectors maxlogit energy --out maps

    Args:
        what: a picture, a folder of them, or a benchmark as NAME or NAME=FOLDER.
        out: folder of the maps; maps.json in it says what they are of.
        data: folder of the training set, for detectors that must see it, where `ood_eval data where` does not find it.
        format: npy, npz (compressed), hdf5 (as the SegmentMeIfYouCan tool keeps maps), png16 (rounded to 65,536 steps).
    """

    what: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WHAT")]
    out: Path
    data: Path | None = None
    format: str = "npy"
    maps: Annotated[Maps, tyro.conf.OmitArgPrefixes] = field(default_factory=Maps)
    foreign: Annotated[Foreign, tyro.conf.OmitArgPrefixes] = field(default_factory=Foreign)

    def run(self) -> None:
        """Scores, and prints the folder.

        Raises:
            ConfigError: no segmenter is given, or a name or an option cannot be used.
            CheckpointError: the checkpoint is missing or damaged.
            DataError: there is nothing to score, or it is damaged.
            DetectorError: a detector cannot score.
            ResultError: the folder holds maps of something else, is full, or cannot be written.
        """
        from ood_eval.score_maps import checked_format

        checked_format(self.format)
        from ood_eval.benchmarks import BENCHMARKS
        from ood_eval.datasets import First, SegDataset
        from ood_eval.datasets.fingerprint import remembered
        from ood_eval.datasets.pictures import Pictures
        from ood_eval.engine.campaign import Campaign
        from ood_eval.engine.evaluation import checked_device
        from ood_eval.engine.fitness import read_class_map
        from ood_eval.engine.score_export import ScoreExport, prepared
        from ood_eval.engine.suite import BenchmarkSpec, load_suite
        from ood_eval.engine.workplace import exclusive

        options = self.maps
        origin = self.foreign.origin(options.checkpoint, Training(segmenter=options.segmenter, weights=options.weights))
        if origin is None:
            raise ConfigError(
                "score: give a segmenter by --checkpoint FILE, as `ood_eval train` makes it, or by --segmenter"
            )
        checked_device(options.device)
        named = self.what.partition("=")[0] in BENCHMARKS
        suite = options.selected(load_suite(self.what if named else "caos"))
        limit = options.limit_test
        campaign = Campaign(suite, self.data, lambda *_: origin, (None,), policy=options.policy, limit_test=limit)
        test: SegDataset
        with exclusive(self.out), remembered(self.out / "hashes.json") as memory:
            if named:
                ((spec, test),), _ = campaign.tests(memory)
            else:
                spec, test = BenchmarkSpec("pictures"), Pictures(Path(self.what))
                test = test if limit is None else First(test, limit)
            splits = campaign.fit_splits(memory) if self.data is not None or named else {}
            classes = None if self.foreign.class_map is None else read_class_map(self.foreign.class_map)
            insist = bool(options.detectors)
            evaluation = prepared(suite, spec, origin, test, splits, options.device, insist=insist, given=classes)
            ScoreExport(evaluation, self.format).run(self.out)
        sys.stdout.write(f"{self.out}\n")
