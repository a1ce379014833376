"""The served calls: each public method of these classes is one, under CARLA's own name."""
