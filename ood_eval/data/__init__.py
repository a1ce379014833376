"""Benchmarks on disk, and the samples they hold."""

from ood_eval.data.benchmarks import BENCHMARKS, Benchmark, benchmark_named, build_dataset
from ood_eval.data.check import Survey, check_dataset
from ood_eval.data.fingerprint import dataset_hash
from ood_eval.data.labels import LabelPolicy
from ood_eval.data.roots import find_root, passed_over, require_root
from ood_eval.data.sample import ANOMALY, KNOWN, VOID, First, Sample, SegDataset, attributes_of, samples
from ood_eval.data.streethazards import StreetHazards

__all__ = [
    "ANOMALY",
    "BENCHMARKS",
    "KNOWN",
    "VOID",
    "Benchmark",
    "First",
    "LabelPolicy",
    "Sample",
    "SegDataset",
    "StreetHazards",
    "Survey",
    "attributes_of",
    "benchmark_named",
    "build_dataset",
    "check_dataset",
    "dataset_hash",
    "find_root",
    "passed_over",
    "require_root",
    "samples",
]
