"""Ordinary traffic: cars, lorries, cycles and people, as CARLA's blueprints name them."""
