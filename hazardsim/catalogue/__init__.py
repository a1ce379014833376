"""Anomaly models and street models: what they are, where they come from, whether they may be used."""
