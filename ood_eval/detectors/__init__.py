"""Out-of-distribution detectors: one method, one file, one formula."""
