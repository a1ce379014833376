"""The map: OpenStreetMap features, lanes and junctions, in metres."""
