"""The simulator client: the only room that talks to a CARLA server."""
