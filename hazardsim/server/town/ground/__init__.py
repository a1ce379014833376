"""The ground: carriageway, kerbs, sidewalks, land use, paint, and which places are taken."""
