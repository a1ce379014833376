"""What several benchmarks share: folders and indexes, pictures and label values."""
