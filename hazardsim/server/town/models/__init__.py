"""Models that stand about: plants, furniture, signs; each on its origin."""
