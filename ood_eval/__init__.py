"""Trains segmenters and measures which detectors find what they have never seen."""
