"""The embedded simulator: speaks the CARLA 0.9.16 wire protocol and path-traces its cameras."""
