"""A split of a benchmark by names and options as a user gives them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.roots import find_root
from ood_eval.config import checked
from ood_eval.datasets import SegDataset
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
        ConfigError: the name, the split or an option is unknown, or an option has a wrong value.
        DataError: the set is not there, damaged, or its labels are hidden.
    """
    benchmark = benchmark_named(name)
    given = _checked_options(name, options)
    unfound: ConfigError | None = None
    for option, base in benchmark.needs.items():
        try:
            found = find_root(base) if option not in given else None
        except ConfigError as error:
            found, unfound = None, error
        if found is not None:
            given[option] = found
    try:
        return benchmark.adapter(root, split, **given)
    except DataError as error:
        if unfound is None:
            raise
        raise DataError(f"{error} ({unfound})") from error


def splits_of(name: str, root: Path, options: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Names of the splits of a benchmark; where they are the user's own, those that root and options tell of.

    Raises:
        ConfigError: the name is unknown, or an option or the user's own description of the set is wrong.
    """
    benchmark = benchmark_named(name)
    given = _checked_options(name, options)
    return benchmark.splits if benchmark.splits_in is None else benchmark.splits_in(root, given)


def _checked_options(name: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options, each of the type that the benchmark's adapter gives it.

    Raises:
        ConfigError: an option is unknown or has a wrong value.
    """
    known = benchmark_named(name).options
    given = dict(options or {})
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise ConfigError(f"benchmark {name}: no option {unknown[0]!r}; it has {', '.join(known) or 'none'}")
    where = f"benchmark {name}: option"
    return {option: checked(known[option], value, f"{where} {option}", strict=True) for option, value in given.items()}
