"""Rendering jobs: what to make, who makes it, and how it survives being killed."""
