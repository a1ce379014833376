"""A suite: which benchmarks, which detectors, which protocols; data, not code."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.build import benchmark_named
from ood_eval.config import checked, read_yaml
from ood_eval.detectors.naming import detector_label
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.errors import ConfigError
from ood_eval.metrics import PROTOCOLS, TRACKS
from ood_eval.tasks import TASKS

_HOME: Final = Path(str(resources.files("ood_eval.engine")))
_SHIPPED: Final = _HOME / "suites"


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class DetectorSpec:
    """A detector by name with the options that differ from its published settings.

    Args:
        name: of the detector, also with steps (`maxlogit+flip`), or `package.module:Class`.
        options: of its constructor.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name rows carry: the detector's, with its steps and changed options."""
        return detector_label(self.name, self.options)


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class BenchmarkSpec:
    """A data set by name, with the options of its adapter.

    Args:
        name: of the adapter.
        root: its folder; `--data` or what `ood_eval data where` shows, if not given.
        options: of the adapter, where they differ from its own.
        track: component sizes that count under `smiyc`.
        open_miou: whether the segmenter's open-set mIoU is measured, each town with a threshold from the others.
        split: which one is scored; the benchmark's own, if not given.
    """

    name: str
    root: Path | None = None
    options: dict[str, Any] = field(default_factory=dict)
    track: str = "anomaly"
    open_miou: bool = False
    split: str | None = None

    def __post_init__(self) -> None:
        if self.track not in TRACKS:
            raise ConfigError(f"benchmark {self.name}: unknown track {self.track!r}; known are {', '.join(TRACKS)}")

    @property
    def label(self) -> str:
        """The name rows carry: the set's, with its split and options where they were given."""
        given = self.options | ({} if self.split is None else {"split": self.split})
        inside = ",".join(f"{key}={value}" for key, value in sorted(given.items()))
        return f"{self.name}({inside})" if inside else self.name


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Suite:
    """One experiment.

    Args:
        name: as rows carry it.
        benchmarks: data sets that are scored, at least one, each label once.
        detectors: at least one, each label once.
        training: the data set whose training split the segmenter learns from and detectors may see.
        protocols: ways from scores to numbers.
        gallery: images of each set that are kept for the report.
        baselines: detectors that know no network and stand beside the others, in a block of their own.
        task: what is scored of an image.
        size: at which pictures are scored: training, native or WxH, as `ScoringSize.of` reads it.
    """

    name: str
    benchmarks: tuple[BenchmarkSpec, ...]
    detectors: tuple[DetectorSpec, ...]
    training: BenchmarkSpec
    protocols: tuple[str, ...]
    gallery: int = 12
    baselines: tuple[DetectorSpec, ...] = ()
    task: str = "pixel"
    size: str = "training"

    def __post_init__(self) -> None:
        ScoringSize.of(self.size)
        sets = [spec.label for spec in self.benchmarks]
        if not sets or len(set(sets)) != len(sets):
            raise ConfigError(f"suite {self.name}: needs at least one benchmark, and each only once; it has {sets}")
        if not self.protocols or len(set(self.protocols)) != len(self.protocols):
            raise ConfigError(f"suite {self.name}: needs at least one protocol, and each only once")
        if self.task not in TASKS:
            raise ConfigError(f"suite {self.name}: unknown task {self.task!r}; known are {', '.join(TASKS)}")
        for protocol in self.protocols:
            if protocol not in PROTOCOLS:
                known = ", ".join(PROTOCOLS)
                raise ConfigError(f"suite {self.name}: protocols: unknown protocol {protocol!r}; known are {known}")
        labels = [spec.label for spec in self.detectors]
        if not labels or len(set(labels)) != len(labels):
            raise ConfigError(f"suite {self.name}: needs at least one detector, and each only once; it has {labels}")

    @property
    def scored(self) -> tuple[DetectorSpec, ...]:
        """Everything that scores: the detectors, and the baselines that are not among them."""
        labels = {spec.label for spec in self.detectors}
        return (*self.detectors, *(spec for spec in self.baselines if spec.label not in labels))

    def with_detectors(self, names: Sequence[str]) -> Suite:
        """The suite with other detectors; those it already names keep their options."""
        own = {spec.name: spec for spec in self.detectors}
        return dataclasses.replace(self, detectors=tuple(own.get(name, DetectorSpec(name)) for name in names))

    def with_benchmarks(self, names: Sequence[str]) -> Suite:
        """The suite with other benchmarks, each a name or NAME=FOLDER; those it already names keep their options.

        Raises:
            ConfigError: a name is unknown.
        """
        chosen: list[BenchmarkSpec] = []
        for name in names:
            head, _, root = name.partition("=")
            own = [spec for spec in self.benchmarks if head in {spec.name, spec.label}]
            found = own or [_shipped(head)[1]]
            chosen += [dataclasses.replace(spec, root=Path(root)) if root else spec for spec in found]
        return dataclasses.replace(self, benchmarks=tuple(chosen))


def load_suite(name: str) -> Suite:
    """A suite that comes with the package, by name, one of a YAML file, by path, or one benchmark, as a suite of it.

    What a file says nothing of is as `defaults.yaml`, beside this module, has it. A benchmark, written NAME or
    NAME=FOLDER, has the detectors, protocols and training set of the first shipped suite that it is in.

    Raises:
        ConfigError: there is no such suite, or it has a misspelt key or a wrong value, which the message names.
    """
    path = suite_file(name)
    if path is None:
        path = _SHIPPED / f"{name}.yaml"
        head = name.partition("=")[0]
        if not path.is_file() and head in BENCHMARKS:
            suite, _ = _shipped(head)
            return dataclasses.replace(suite, name=head).with_benchmarks([name])
    if not path.is_file():
        known = ", ".join(shipped_suites())
        raise ConfigError(
            f"suite {name!r}: no such file or shipped suite; shipped are {known}, or name one benchmark: "
            f"{', '.join(BENCHMARKS)}"
        )
    return _read(path)


def suite_file(name: str) -> Path | None:
    """The file that a suite's name points at; None, where it is that of a shipped suite or of a benchmark."""
    return Path(name) if Path(name).suffix and name.partition("=")[0] not in BENCHMARKS else None


def shipped_suites() -> tuple[str, ...]:
    """The names of the suites that come with the package."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def _read(path: Path) -> Suite:
    given = read_yaml(path)
    if given is None or isinstance(given, dict):
        given = read_yaml(_HOME / "defaults.yaml") | (given or {})
    suite: Suite = checked(Suite, given, str(path))
    return suite


def _shipped(benchmark: str) -> tuple[Suite, BenchmarkSpec]:
    """The first shipped suite that a benchmark is in, and how; of one in none, a suite of the defaults.

    Raises:
        ConfigError: the benchmark is unknown.
    """
    entry = benchmark_named(benchmark)
    for name in shipped_suites():
        suite = _read(_SHIPPED / f"{name}.yaml")
        for spec in suite.benchmarks:
            if spec.name == benchmark:
                return suite, spec
    spec = BenchmarkSpec(benchmark)
    own = {"training": {"name": benchmark}} if "training" in entry.splits else {}
    given = read_yaml(_HOME / "defaults.yaml") | {"name": benchmark, "benchmarks": [spec]} | own
    alone: Suite = checked(Suite, given, benchmark)
    return alone, spec


def plain(value: Suite | BenchmarkSpec) -> dict[str, Any]:
    """A specification as JSON values."""
    return {key: _text_of_paths(item) for key, item in dataclasses.asdict(value).items()}


def _text_of_paths(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _text_of_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_text_of_paths(item) for item in value]
    return value
