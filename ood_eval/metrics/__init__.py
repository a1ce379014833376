"""Pixel metrics under named protocols."""
