"""A suite: which benchmark, which detectors, which protocols; data, not code."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from ood_eval.errors import ConfigError


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class DetectorSpec:
    """A detector by name with the options that differ from its published settings."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name rows carry: the detector's, with its changed options."""
        inside = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        return f"{self.name}({inside})" if inside else self.name


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Suite:
    """One experiment.

    Args:
        name: as rows carry it.
        benchmark: which data set.
        detectors: at least one, each label once.
        protocols: ways from scores to numbers.
        gallery: test images kept for the report.
    """

    name: str
    benchmark: Literal["streethazards"]
    detectors: tuple[DetectorSpec, ...]
    protocols: tuple[Literal["caos", "dataset"], ...] = ("caos", "dataset")
    gallery: int = 12

    def __post_init__(self) -> None:
        labels = [spec.label for spec in self.detectors]
        if not labels or len(set(labels)) != len(labels):
            raise ConfigError(f"suite {self.name}: needs at least one detector, and each only once; it has {labels}")

    def with_detectors(self, names: Sequence[str]) -> Suite:
        """The suite with other detectors; those it already names keep their options."""
        own = {spec.name: spec for spec in self.detectors}
        return dataclasses.replace(self, detectors=tuple(own.get(name, DetectorSpec(name)) for name in names))


def load_suite(name: str) -> Suite:
    """A suite that comes with the package, by name, or one of a YAML file, by path.

    Raises:
        ConfigError: there is no such suite, or it has a misspelt key or a wrong value, which the message names.
    """
    path = Path(name)
    shipped = resources.files("ood_eval.experiment") / "suites" / f"{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8") if path.suffix else shipped.read_text(encoding="utf-8")
        value = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(f"suite {name!r}: no such file or shipped suite") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"suite {name!r}: not YAML ({' '.join(str(error).split())})") from error
    try:
        return TypeAdapter(Suite).validate_python(value)
    except ValidationError as error:
        found = error.errors()
        first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"suite {name!r}: {where}: {first['msg']}") from error
