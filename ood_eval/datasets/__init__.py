"""Samples, splits of them, their contract and their fingerprint."""

from ood_eval.datasets.check import Survey, check_dataset
from ood_eval.datasets.fingerprint import dataset_hash
from ood_eval.datasets.sample import (
    ANOMALY,
    KNOWN,
    VOID,
    First,
    Sample,
    SegDataset,
    attributes_of,
    instances_of,
    samples,
)

__all__ = [
    "ANOMALY",
    "KNOWN",
    "VOID",
    "First",
    "Sample",
    "SegDataset",
    "Survey",
    "attributes_of",
    "check_dataset",
    "dataset_hash",
    "instances_of",
    "samples",
]
