"""The types of what lies on the device, one value a lane; for annotations alone.

Mitsuba's classes exist only once a variant is chosen, so at run time these names stand for nothing; the type checker
reads them from Mitsuba's stub files. `Native` is any other object of Mitsuba: a scene, a shape, a texture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from drjit.auto.ad import Bool, Float, UInt32
    from mitsuba import Color3f, Point2f, Point3f, Ray3f, Vector3f
else:
    Bool = Color3f = Float = Point2f = Point3f = Ray3f = UInt32 = Vector3f = Any

Native = Any
Image = NDArray[np.float32]
"""[H,W,3] or [H,W] f32."""

__all__ = ["Bool", "Color3f", "Float", "Image", "Native", "Point2f", "Point3f", "Ray3f", "UInt32", "Vector3f"]
