"""Furniture, vehicles and people of Debian's sweethome3d-furniture, under CC0 and CC-BY."""
