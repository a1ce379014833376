"""Where the user keeps each benchmark: environment variables, then a config file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.config import read_yaml
from ood_eval.errors import ConfigError, DataError


def find_root(name: str) -> Path | None:
    """The folder of a benchmark, or None where nothing says where it is.

    In this order: $OOD_EVAL_<NAME>; the key `<name>` of the config file; below $OOD_EVAL_DATA, and below the key `data`
    of the config file, a folder named like the benchmark or as its archive unpacks, with a sign of the set in it.

    Raises:
        ConfigError: the name is unknown, the config file is damaged, or a place that was given is no folder.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"unknown benchmark {name!r}; known are {', '.join(BENCHMARKS)}")
    config = _config()
    variable = f"OOD_EVAL_{name.upper()}"
    for origin, value in ((f"${variable}", os.environ.get(variable)), (f"{config_file()}: {name}", config.get(name))):
        if value:
            return _folder(origin, value)
    for origin, value in _data_roots(config):
        found = next(_below(_folder(origin, value), name), None)
        if found is not None:
            return found
    return None


def passed_over(name: str) -> Path | None:
    """The first folder below a data root that is named like the benchmark but holds no sign of it.

    Raises:
        ConfigError: the config file is damaged, or a place that was given is no folder.
    """
    for origin, value in _data_roots(_config()):
        for folder in (name, *BENCHMARKS[name].folders):
            if (_folder(origin, value) / folder).is_dir():
                return _folder(origin, value) / folder
    return None


def require_root(name: str) -> Path:
    """The folder of a benchmark.

    Raises:
        ConfigError: the config file is damaged, or a place that was given is no folder.
        DataError: nothing says where the set is; the message tells how to say it and where to get it.
    """
    root = find_root(name)
    if root is None:
        over = passed_over(name)
        there = f" ({over} holds no sign of it)" if over is not None else ""
        raise DataError(
            f"{name}: not found{there}; set OOD_EVAL_{name.upper()} or write `{name}: DIR` into {config_file()}. "
            f"It is to be had at {BENCHMARKS[name].site}"
        )
    return root


def data_roots() -> tuple[str, ...]:
    """The folders below which benchmarks are looked for, as far as they are there.

    Raises:
        ConfigError: the config file is damaged.
    """
    return tuple(value for _, value in _data_roots(_config()) if Path(value).is_dir())


def config_file() -> Path:
    """`ood_eval/data.yaml` in $XDG_CONFIG_HOME, or in ~/.config."""
    given = os.environ.get("XDG_CONFIG_HOME")
    return (Path(given) if given else Path.home() / ".config") / "ood_eval" / "data.yaml"


def _config() -> dict[str, Any]:
    path = config_file()
    if not path.is_file():
        return {}
    value = read_yaml(path)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(entry, str) for pair in value.items() for entry in pair):
        raise ConfigError(f"{path}: must be lines of `benchmark: folder`, and `data: folder` for all of them")
    unknown = sorted(value.keys() - {"data", *BENCHMARKS})
    if unknown:
        raise ConfigError(f"{path}: no benchmark {unknown[0]!r}; known are data, {', '.join(BENCHMARKS)}")
    return value


def _data_roots(config: Mapping[str, str]) -> list[tuple[str, str]]:
    """Folders of benchmarks, each with the place that names it."""
    given = (("$OOD_EVAL_DATA", os.environ.get("OOD_EVAL_DATA")), (f"{config_file()}: data", config.get("data")))
    return [(origin, value) for origin, value in given if value]


def _folder(origin: str, value: str) -> Path:
    try:
        path = Path(value).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{origin}: {value}: {error}") from error
    if not path.is_dir():
        raise ConfigError(f"{origin}: {path} is no folder")
    return path


def _below(data: Path, name: str) -> Iterator[Path]:
    """Folders of the usual names that hold a sign of the set; the same name may hold another of its owner's sets."""
    signs = BENCHMARKS[name].signs
    for folder in (name, *BENCHMARKS[name].folders):
        place = data / folder
        if place.is_dir() and (not signs or any(next(place.glob(sign), None) is not None for sign in signs)):
            yield place
