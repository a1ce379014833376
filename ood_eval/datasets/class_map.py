"""From a network's classes to those of a set: by equal names, or as the user says."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import VOID
from ood_eval.errors import ConfigError

# What a network's class is counted as that is none of the set's.
OTHER: Final = "another class"


@dataclass(frozen=True)
class ClassMap:
    """Which class of a set each class of a network is.

    A class that the set lacks is wrong wherever it is predicted; a true class that no class of the network stands for
    does not count.

    Args:
        network: names of the logits.
        set_names: names of the set's train ids.
        pairs: by name of the network's class, the name of the set's.
    """

    network: tuple[str, ...]
    set_names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]

    @property
    def is_whole(self) -> bool:
        """Whether both have the same classes in the same order."""
        return self.network == self.set_names

    @property
    def counts(self) -> bool:
        """Whether any class of the network is one of the set, so that predictions can be right or wrong."""
        return bool(self.pairs)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what predictions are counted as: the set's classes, and one for all others that the network has."""
        if not self.counts:
            return self.network
        return self.set_names if len(self.pairs) == len(self.network) else (*self.set_names, OTHER)

    @property
    def known(self) -> tuple[str, ...]:
        """Those of `names` that are classes."""
        return tuple(name for name in self.names if name is not OTHER)

    def facts(self) -> dict[str, object]:
        """What a result depends on that is counted in the set's classes, as JSON values; nothing, if they are equal."""
        return {} if self.is_whole or not self.counts else {"class_map": [list(self.set_names), dict(self.pairs)]}

    def predicted(self, channels: NDArray[np.integer]) -> NDArray[np.int64]:
        """Channels of the network as places in `names`."""
        found: NDArray[np.int64] = self._of_network[channels]
        return found

    def truth(self, classes: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        """Train ids of the set, void where the network has no class for them; None where nothing can be counted."""
        return self._counted[classes] if classes is not None and self.counts else None

    def labels(self, classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Train ids of the set as channels of the network, void where it has none: what a detector may be fitted on.

        Of several channels that are one class of the set, the one of its name stands for it, or else the first.
        """
        return self._to_network[classes]

    def told(self) -> str:
        """What is mapped to what, in a few words."""
        if not self.counts:
            return "no class of the network has the name of one of the set"
        met = {theirs for _, theirs in self.pairs}
        absent = [name for name in self.set_names if name not in met]
        renamed = [f"{own} as {theirs}" for own, theirs in self.pairs if own != theirs]
        words = [f"{len(met)} of {len(self.set_names)} classes of the set are known to the network"]
        words += [f"taken for another: {', '.join(renamed)}"] if renamed else []
        words += [f"not counted: {', '.join(absent)}"] if absent else []
        return "; ".join(words)

    @cached_property
    def _of_network(self) -> NDArray[np.int64]:
        if not self.counts:
            return np.arange(len(self.network))
        places, names = dict(self.pairs), self.names
        return np.array([names.index(places.get(name, OTHER)) for name in self.network], dtype=np.int64)

    @cached_property
    def _counted(self) -> NDArray[np.uint8]:
        met = {theirs for _, theirs in self.pairs}
        return self._table(lambda name, place: place if name in met else VOID)

    @cached_property
    def _to_network(self) -> NDArray[np.uint8]:
        chosen: dict[str, str] = {}
        for own, theirs in self.pairs:
            if _plain(own) == _plain(theirs) or theirs not in chosen:
                chosen[theirs] = own
        return self._table(lambda name, _: self.network.index(chosen[name]) if name in chosen else VOID)

    def _table(self, entry: Callable[[str, int], int]) -> NDArray[np.uint8]:
        """What becomes of each label; one that is no class stays, for those to refuse who count it."""
        table = np.arange(256, dtype=np.uint8)
        for place, name in enumerate(self.set_names):
            table[place] = entry(name, place)
        return table


def class_map(network: tuple[str, ...], set_names: tuple[str, ...], given: Mapping[str, str] | None = None) -> ClassMap:
    """The map by equal names, whatever their case and whether words are joined by spaces, hyphens or underscores.

    Args:
        network: names of the logits.
        set_names: of the set.
        given: the user's, by name of the network's class the name of the set's; instead of equal names.

    Raises:
        ConfigError: the user's map names a class that there is not.
    """
    if given is not None:
        for kind, names, known in (("network", given, network), ("set", given.values(), set_names)):
            for name in names:
                if name not in known:
                    near = difflib.get_close_matches(name, known, n=1)
                    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
                    raise ConfigError(f"class map: the {kind} has no class {name!r}; {hint}")
        return ClassMap(network, set_names, tuple((name, given[name]) for name in network if name in given))
    plain = {_plain(name): name for name in set_names}
    return ClassMap(network, set_names, tuple((name, plain[_plain(name)]) for name in network if _plain(name) in plain))


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter not in " -_")
