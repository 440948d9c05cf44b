"""Draws heat maps of random patches with NumPy and the colour maps of matplotlib.

Only developers need this. It requires numpy and matplotlib.

    python tools/make-heat-map-goldens.py      # writes test/fixtures/goldens/heat-maps.json
"""

import base64
import json
from pathlib import Path

import matplotlib
import numpy as np

GOLDEN = Path(__file__).resolve().parent.parent / "test/fixtures/goldens/heat-maps.json"
SEED = 1
WIDTH = 8  # elements per patch
IMAGE_SIZE = 56
GRIDS = {"square": (4, 4), "wide": (3, 5)}
PICTURES = {"landscape": (30, 45), "portrait": (50, 19)}  # height, width

CASES = [
    {"grid": "square", "width": 40, "height": 28},
    {"grid": "wide", "colors": "viridis"},
    {"grid": "wide", "range": [-0.2, 0.3], "width": 25},
    {"grid": "square", "text": "zero", "width": 9},
    {"grid": "square", "image": "landscape"},
    {"grid": "square", "image": "portrait", "opacity": 0.35, "colors": "viridis"},
    {"grid": "square", "image": "portrait", "opacity": 1, "range": [0, 0.5]},
]


def cosines(patches: np.ndarray, text: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(patches, axis=-1) * np.linalg.norm(text)
    return np.divide(patches @ text, lengths, out=np.zeros_like(lengths), where=lengths > 0)


def scaled(values: np.ndarray, ends: list[float] | None) -> np.ndarray:
    low, high = ends or (values.min(), values.max())
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)


def between(cells: np.ndarray, begin: float, extent: float, pixels: np.ndarray) -> np.ndarray:
    """Interpolates linearly along the first axis, between the centres of the cells."""
    middles = begin + (np.arange(len(cells)) + 0.5) * extent / len(cells)
    columns = [np.interp(pixels + 0.5, middles, column) for column in cells.T]
    return np.stack(columns, axis=1)


def crop(height: int, width: int) -> tuple[float, float, float, float]:
    """Returns the part that the model sees: left, top, width, height in pixels of the image."""
    short = min(height, width)
    edges = [int(IMAGE_SIZE * edge / short) for edge in (width, height)]
    scales = [width / edges[0], height / edges[1]]
    begins = [(edge - IMAGE_SIZE) // 2 for edge in edges]
    return (
        begins[0] * scales[0],
        begins[1] * scales[1],
        IMAGE_SIZE * scales[0],
        IMAGE_SIZE * scales[1],
    )


def draw(case: dict, patches: np.ndarray, text: np.ndarray, pictures: dict) -> np.ndarray:
    values = scaled(cosines(patches, text), case.get("range"))
    rows, columns = values.shape
    if "image" in case:
        canvas = pictures[case["image"]].astype(float)
        height, width = canvas.shape[:2]
        left, top, across, down = crop(height, width)
    else:
        width = case.get("width", 16 * columns)
        height = case.get("height", round(width * rows / columns))
        canvas = np.zeros((height, width, 3))
        left, top, across, down = 0, 0, width, height
    xs = np.array([x for x in range(width) if left <= x + 0.5 < left + across])
    ys = np.array([y for y in range(height) if top <= y + 0.5 < top + down])
    fine = between(between(values, top, down, ys).T, left, across, xs).T
    colors = matplotlib.colormaps[case.get("colors", "turbo")](fine, bytes=True)[..., :3]
    opacity = case.get("opacity", 0.6) if "image" in case else 1
    inside = canvas[np.ix_(ys, xs)]
    canvas[np.ix_(ys, xs)] = np.floor(inside + opacity * (colors - inside) + 0.5)
    return canvas.astype(np.uint8)


def text_of(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def main() -> None:
    random = np.random.default_rng(SEED)
    texts = {"some": random.standard_normal(WIDTH).astype("<f4"), "zero": np.zeros(WIDTH, "<f4")}
    grids = {
        name: random.standard_normal((*grid, WIDTH)).astype("<f4") for name, grid in GRIDS.items()
    }
    pictures = {
        name: random.integers(0, 256, (*size, 3), dtype=np.uint8)
        for name, size in PICTURES.items()
    }
    cases = []
    for case in CASES:
        text = texts[case.get("text", "some")].astype(float)
        found = draw(case, grids[case["grid"]].astype(float), text, pictures)
        cases.append(case | {"size": found.shape[1::-1], "rgb": text_of(found)})
    golden = {
        "madeBy": "tools/make-heat-map-goldens.py",
        "seed": SEED,
        "versions": {"matplotlib": matplotlib.__version__, "numpy": np.__version__},
        "imageSize": IMAGE_SIZE,
        "texts": {name: text_of(text) for name, text in texts.items()},
        "grids": {
            name: {"shape": grid.shape, "data": text_of(grid)} for name, grid in grids.items()
        },
        "pictures": {
            name: {"width": picture.shape[1], "height": picture.shape[0], "data": text_of(picture)}
            for name, picture in pictures.items()
        },
        "cases": cases,
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
