"""Towns: OpenStreetMap and OpenDRIVE files to meshes with materials and tags."""
