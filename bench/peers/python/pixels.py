"""Files of preprocessed images: little-endian float32, [n, 3, S, S]."""

import numpy as np


def read(path: str, size: int, offset: int, batch: int) -> np.ndarray:
    """Reads `batch` images from `offset` on: [batch, 3, S, S]. After the last it continues with
    the first."""
    pictures = every(path, size)
    return pictures[np.arange(offset, offset + batch) % len(pictures)]


def every(path: str, size: int) -> np.ndarray:
    """Maps all images, which are read when they are used: [n, 3, S, S]."""
    values = np.memmap(path, dtype="<f4", mode="r")
    if values.size % (3 * size * size) != 0:
        raise ValueError(f"expected whole pictures of 3·{size}·{size} floats in {path}")
    return values.reshape(-1, 3, size, size)
