"""Random views of a training sample: zoom, crop, mirror, colour."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import VOID
from ood_eval.training.recipe import Recipe

View = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def random_view(
    image: NDArray[np.uint8], classes: NDArray[np.uint8], zoom: float, recipe: Recipe, rng: np.random.Generator
) -> View:
    """A random view of an image [H,W,3] u8 and its train ids [H,W] u8, zoomed, then cropped to `crop_px` if given.

    Where the zoomed picture is smaller than the crop, the image is padded with its mean colour, the labels with 255.
    """
    image, classes = _zoomed(image, classes, zoom)
    size = recipe.crop_px or (image.shape[0], image.shape[1])
    image, classes = _padded(image, classes, size)
    top = int(rng.integers(image.shape[0] - size[0] + 1))
    left = int(rng.integers(image.shape[1] - size[1] + 1))
    window = (slice(top, top + size[0]), slice(left, left + size[1]))
    image, classes = image[window], classes[window]
    if recipe.flip and rng.random() < 0.5:
        image, classes = image[:, ::-1], classes[:, ::-1]
    if recipe.colour > 0:
        image = _recoloured(image, recipe.colour, rng)
    # Copies: a sample's own arrays are read-only.
    return np.array(image, order="C"), np.array(classes, order="C")


def _zoomed(image: NDArray[np.uint8], classes: NDArray[np.uint8], zoom: float) -> View:
    height, width = max(round(image.shape[0] * zoom), 1), max(round(image.shape[1] * zoom), 1)
    if (height, width) == image.shape[:2]:
        return image, classes
    smooth = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return (
        np.asarray(cv2.resize(image, (width, height), interpolation=smooth), dtype=np.uint8),
        np.asarray(cv2.resize(classes, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
    )


def _padded(image: NDArray[np.uint8], classes: NDArray[np.uint8], size: tuple[int, int]) -> View:
    rows, columns = max(size[0] - image.shape[0], 0), max(size[1] - image.shape[1], 0)
    if not rows and not columns:
        return image, classes
    edges = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    padded = np.full((image.shape[0] + rows, image.shape[1] + columns, 3), image.mean(axis=(0, 1)), dtype=np.uint8)
    inner = (slice(edges[0][0], edges[0][0] + image.shape[0]), slice(edges[1][0], edges[1][0] + image.shape[1]))
    padded[inner] = image
    return padded, np.pad(classes, edges, constant_values=VOID)


def _recoloured(image: NDArray[np.uint8], amount: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    brightness, contrast, saturation = rng.uniform(1.0 - amount, 1.0 + amount, size=3).astype(np.float32)
    picture = image.astype(np.float32) * brightness
    picture = (picture - picture.mean()) * contrast + picture.mean()
    grey = picture.mean(axis=2, keepdims=True)
    picture = (picture - grey) * saturation + grey
    result: NDArray[np.uint8] = np.clip(picture, 0.0, 255.0).astype(np.uint8)
    return result
