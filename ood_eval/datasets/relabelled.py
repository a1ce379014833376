"""A split whose class labels are the channels of a network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.sample import Sample, SegDataset, identity_of, policy_of
from ood_eval.files import content_key


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A split for fitting or training beside a network of other classes; what the network lacks is void."""

    whole: SegDataset
    classes: ClassMap

    @property
    def name(self) -> str:
        """The name of the split."""
        return self.whole.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the network."""
        return self.classes.network

    @property
    def policy(self) -> str:
        """The label policy of the split, and which class became which."""
        return f"{policy_of(self.whole)} {content_key(self.classes.facts())}".strip()

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> Sample:
        sample = self.whole[index]
        if sample.classes is None:
            return sample
        return dataclasses.replace(sample, classes=self.classes.labels(sample.classes))

    def files(self, index: int) -> Sequence[Path]:
        """The files that sample `index` is read from."""
        return self.whole.files(index)

    def identity(self, index: int) -> str:
        """The name of sample `index`."""
        return identity_of(self.whole, index)
