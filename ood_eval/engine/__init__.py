"""Suites: one pass over a benchmark, all detectors, rows of results."""
