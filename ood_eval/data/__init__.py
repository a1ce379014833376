"""Benchmarks on disk, and the samples they hold."""

from ood_eval.data.fingerprint import dataset_hash
from ood_eval.data.labels import LabelPolicy
from ood_eval.data.sample import ANOMALY, KNOWN, VOID, First, Sample, SegDataset, samples
from ood_eval.data.streethazards import StreetHazards

__all__ = [
    "ANOMALY",
    "KNOWN",
    "VOID",
    "First",
    "LabelPolicy",
    "Sample",
    "SegDataset",
    "StreetHazards",
    "dataset_hash",
    "samples",
]
