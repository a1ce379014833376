"""The sensors that an actor can be: one file a family."""
