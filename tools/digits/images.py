"""scikit-learn's handwritten digits as PNGs, and as sets for training and evaluation."""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
import torch
from PIL import Image

PNG_SIZE = 32
HELD_OUT, GALLERY = 20, 10  # per class


def png(digit: np.ndarray) -> bytes:
    """Converts an 8×8 digit with 17 grey levels to a PNG of PNG_SIZE²."""
    grey = Image.fromarray(np.clip(digit * (255 / 16), 0, 255).astype(np.uint8))
    buffer = BytesIO()
    grey.resize((PNG_SIZE, PNG_SIZE), Image.Resampling.BICUBIC).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def split(labels: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Returns the indices of the held-out, gallery and training digits, in that order."""
    order = np.random.default_rng(0).permutation(len(labels))
    held_out, gallery, training = [], [], []
    for label in range(10):
        of_label = [int(i) for i in order if labels[i] == label]
        held_out += of_label[:HELD_OUT]
        gallery += of_label[HELD_OUT : HELD_OUT + GALLERY]
        training += of_label[HELD_OUT + GALLERY :]
    return held_out, gallery, training


def shifted(batch: torch.Tensor) -> torch.Tensor:
    """Rotates, stretches and shifts each image a little at random. The new edges are black."""
    count = len(batch)
    angle = (torch.rand(count) - 0.5) * 0.4
    scale = 1 + (torch.rand(count) - 0.5) * 0.2
    move = (torch.rand(count, 2) - 0.5) * 0.2
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [torch.stack([cos, -sin, move[:, 0]], 1), torch.stack([sin, cos, move[:, 1]], 1)], 1
    )
    grid = torch.nn.functional.affine_grid(theta, list(batch.shape), align_corners=False)
    return torch.nn.functional.grid_sample(
        batch, grid, align_corners=False, padding_mode="border"
    )


def names_in(folder: str, labels: np.ndarray) -> list[str]:
    """Names one file per digit, by these labels."""
    return [f"{folder}/{label}-{number:03}.png" for number, label in enumerate(labels)]


def write_pictures(path: Path, pngs: dict[str, bytes]) -> None:
    """Writes a zip archive without compression: the same images always give the same bytes."""
    with ZipFile(path, "w") as archive:
        for name in sorted(pngs):
            archive.writestr(ZipInfo(name), pngs[name])
