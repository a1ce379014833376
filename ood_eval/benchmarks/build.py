"""A split of a benchmark by names and options as a user gives them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.folders import FolderLayout, read_layout
from ood_eval.benchmarks.formats.labels import LabelPolicy
from ood_eval.benchmarks.roots import find_root
from ood_eval.benchmarks.sources import SOURCES
from ood_eval.datasets.sample import SegDataset
from ood_eval.errors import ConfigError, DataError


def benchmark_named(name: str) -> Benchmark:
    """The entry of a name.

    Raises:
        ConfigError: the name is unknown; close ones are suggested.
    """
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    near = difflib.get_close_matches(name, BENCHMARKS, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(BENCHMARKS)}"
    raise ConfigError(f"unknown benchmark {name!r}; {hint}")


def build_dataset(name: str, root: Path, split: str, options: Mapping[str, Any] | None = None) -> SegDataset:
    """A split of a benchmark, with options as they come from YAML or a command line.

    Pictures that a benchmark lies on (Lost and Found, Cityscapes) are also looked for where `find_root` has them.

    Raises:
        ConfigError: the name, the split or an option is unknown.
        DataError: the set is not there, damaged, or its labels are hidden.
    """
    benchmark, given = benchmark_named(name), dict(options or {})
    known = option_names(name)
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise ConfigError(f"benchmark {name}: no option {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    for option, value in given.items():
        _check_type(name, option, value)
    unfound: ConfigError | None = None
    for option, base in SOURCES[name].needs.items():
        try:
            found = find_root(base) if option not in given else None
        except ConfigError as error:
            found, unfound = None, error
        if found is not None:
            given[option] = found
    try:
        return benchmark(root, split, **given)
    except DataError as error:
        if unfound is None:
            raise
        raise DataError(f"{error} ({unfound})") from error


def _check_type(name: str, option: str, value: object) -> None:
    """Refuses what YAML or a command line made of a mistyped option.

    Raises:
        ConfigError: `official` is not true or false, or another option that takes a word or a folder is none.
    """
    if option == "official" and not isinstance(value, bool):
        raise ConfigError(f"benchmark {name}: official is true or false, not {value!r}")
    if option in {"policy", "variant"} and not isinstance(value, (str, LabelPolicy)):
        raise ConfigError(f"benchmark {name}: {option} is a word, not {value!r}")
    if option == "layout" and not isinstance(value, (Mapping, FolderLayout, type(None))):
        raise ConfigError(f"benchmark {name}: layout is a table of keys, not {value!r}")


def option_names(name: str) -> tuple[str, ...]:
    """What a benchmark takes besides root and split.

    Raises:
        ConfigError: the name is unknown.
    """
    return tuple(key for key in inspect.signature(benchmark_named(name)).parameters if key not in ("root", "split"))


def splits_of(name: str, root: Path, options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Names of the splits of a benchmark; those of `folders` are the user's own, in its `layout` or its file.

    Raises:
        ConfigError: the name is unknown, or the description of the folders is wrong.
    """
    if name != "folders":
        return benchmark_named(name).splits
    layout = (options or {}).get("layout")
    if layout is not None:
        _check_type(name, "layout", layout)
    return tuple(read_layout(root, layout).splits)
