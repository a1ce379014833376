"""Objects of a town: map features, parked vehicles and people as placed models and triangles."""
