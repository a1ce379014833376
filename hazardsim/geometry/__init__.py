"""Poses, axes and boxes."""
