"""Buildings: what they look like, their walls and roofs."""
