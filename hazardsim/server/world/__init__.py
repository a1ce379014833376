"""The state of the simulation: actors, blueprints, clock, weather."""
