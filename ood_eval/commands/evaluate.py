"""`ood_eval evaluate`: numbers of score maps that lie in files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from ood_eval.commands.report import Report
from ood_eval.errors import ConfigError

if TYPE_CHECKING:
    from ood_eval.networks import Origin


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Turn the score maps of a benchmark into numbers and a report, whoever made them: no network runs.

    The maps: a folder of `ood_eval score`; of the SegmentMeIfYouCan tool (METHOD/SET/IMAGE.hdf5); or any folder of npy,
    npz or 16-bit png files, IMAGE.npy or METHOD/IMAGE.npy, named as the benchmark's images. A map has the size of its
    image and is larger where a pixel is more anomalous.

    Example: ood_eval evaluate maps --benchmark road_anomaly --protocols dataset smiyc --out numbers

    Args:
        maps: the folder.
        out: where numbers and report go.
        benchmark: NAME or NAME=FOLDER; that which `ood_eval score` has noted, if not given.
        protocols: ways from scores to numbers; those of the first suite with this benchmark, if not given.
        format: of the files, where the folder holds several kinds: npy, npz, png16 or hdf5.
        policy: what becomes of the classes "unlabeled" and "other" of StreetHazards; as `ood_eval score` has noted.
        limit_test: count the first so many images only; as many as `ood_eval score` has noted, or all.
    """

    maps: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MAPS")]
    out: Path
    benchmark: str | None = None
    protocols: tuple[str, ...] = ()
    format: str | None = None
    policy: Literal["keep_all", "ignore_other", "ignore_unlabeled_and_other"] | None = None
    limit_test: int | None = None

    def run(self) -> None:
        """Counts what is not yet counted, writes the report, prints the table.

        Raises:
            ConfigError: benchmark, protocol or format are unknown, or the folder holds no maps.
            DataError: the benchmark is not here or damaged; a map is missing, not finite, of another size or no image.
            ResultError: the output folder cannot be written.
        """
        from ood_eval.benchmarks import BENCHMARKS
        from ood_eval.datasets.fingerprint import remembered
        from ood_eval.datasets.sample import identity_of
        from ood_eval.detectors import DETECTORS, detector_title
        from ood_eval.engine.campaign import Campaign
        from ood_eval.engine.map_evaluation import MapEvaluation
        from ood_eval.engine.suite import load_suite
        from ood_eval.engine.together import write_together
        from ood_eval.engine.workplace import exclusive
        from ood_eval.files import write_json
        from ood_eval.options import Scoring
        from ood_eval.score_maps.folder import find_maps, read_list

        if self.out.absolute() == self.maps.absolute():
            raise ConfigError(f"--out {self.out}: is the folder of the maps; give another")
        told = read_list(self.maps) or {}
        name = self.benchmark or told.get("benchmark")
        if name is None:
            raise ConfigError(f"{self.maps}: does not tell its benchmark; name it by --benchmark")
        if self.benchmark is None and name not in BENCHMARKS:
            raise ConfigError(
                f"{self.maps}: holds maps of {name}, which nobody has labelled; there is nothing to count"
            )
        if self.benchmark is None and told.get("root"):
            name = f"{name}={told['root']}"
        suite = Scoring(protocols=self.protocols, benchmarks=(name,)).selected(load_suite(name))
        policy = self.policy or told.get("policy") or "keep_all"
        limit = self.limit_test if self.limit_test is not None else told.get("images")
        with exclusive(self.out), remembered(self.out / "hashes.json") as memory:
            campaign = Campaign(suite, None, _no_segmenter, (None,), policy=policy, limit_test=limit)
            ((spec, test),), _ = campaign.tests(memory)
            ids = [identity_of(test, index) for index in range(len(test))]
            found = tuple(find_maps(self.maps, ids, self.format))
            size, checkpoint = str(told.get("size", "native")), str(told.get("checkpoint", ""))
            evaluation = MapEvaluation(suite, spec, test, found, size, checkpoint)
            folder = evaluation.run(self.out)
            labels = [maps.label for maps in found]
            write_together(self.out, [(spec.label, folder)], labels)
            run = {
                "score_maps": str(self.maps),
                "titles": {
                    label: detector_title(label, DETECTORS) if re.split(r"[(+]", label)[0] in DETECTORS else label
                    for label in labels
                },
                "evaluations": [{"benchmark": spec.label, "seed": None, "key": folder.name}],
                "skipped": [],
            }
            write_json(self.out / "run.json", run)
        Report((self.out,)).run()


def _no_segmenter(*_: object) -> Origin:
    raise ConfigError("score maps are evaluated without a segmenter")
