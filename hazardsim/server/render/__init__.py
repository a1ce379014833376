"""Cameras: from a town, actors and weather to pictures and labels, with Mitsuba 3."""
