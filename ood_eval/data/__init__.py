"""Benchmarks on disk, and the samples they hold."""
