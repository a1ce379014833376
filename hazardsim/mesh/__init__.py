"""Triangles with materials: models, the shapes they are made of, and files they are read from."""
