"""The models of Debian's sweethome3d-furniture."""
