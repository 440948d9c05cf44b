"""Preprocesses the images in test/fixtures/images with Pillow and CLIPImageProcessorPil.

    python tools/make-image-goldens.py

Writes golden.json (sha256 of the 8-bit crop and of its normalised floats at each size) and
golden-56.png (the crops at 56 px, stacked vertically, so that differing bytes can be counted).
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image, ImageOps
from transformers import CLIPImageProcessorPil

FOLDER = Path(__file__).parent.parent / "test/fixtures/images"
SIZES = (336, 224, 56)
# Files that Pillow rejects, and this script's own output.
SKIPPED = {"empty.jpg", "header-only.jpg", "bomb.png", "golden-56.png"}
LARGEST = 60_000_000  # pixels; Pillow is allowed to hold this many

Image.MAX_IMAGE_PIXELS = None


def open_rgb(path: Path, oriented: bool) -> Image.Image:
    image = Image.open(path)
    if oriented:
        image = ImageOps.exif_transpose(image)
    if image.mode == "I;16":
        # This is the only deviation: Pillow clips 16-bit grey at 255, whereas it scales 16-bit RGB.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    rgb = image.convert("RGB")
    # Otherwise the processor would convert again, and blend a palette's transparency that is still
    # in `info`.
    rgb.info.clear()
    return rgb


def strip(image: Image.Image, size: int) -> Image.Image:
    """
    Returns the crop of an image that would fill the memory if it were resized completely: it
    resizes the long edge, cuts out the centre, and then resizes the short edge. Pillow also
    resizes widths first. If the width is 1, the order does not matter: each row repeats one pixel.
    """
    width, height = image.size
    longest = int(size * max(image.size) / min(image.size))
    first = (longest - size) // 2
    if width > height:
        centre = image.resize((longest, height)).crop((first, 0, first + size, height))
    else:
        assert width == 1
        centre = image.resize((width, longest)).crop((0, first, width, first + size))
    return centre.resize((size, size))


def golden(image: Image.Image, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the crop [S, S, 3] in bytes and the normalised [3, S, S] floats."""
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    )
    if size**2 * max(image.size) / min(image.size) > LARGEST:
        image = strip(image, size)
    crop = processor(image, do_rescale=False, do_normalize=False)["pixel_values"][0]
    floats = processor(image)["pixel_values"][0]
    assert crop.dtype == np.uint8 and floats.dtype == np.float32
    return np.ascontiguousarray(crop.transpose(1, 2, 0)), floats


def sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def main() -> None:
    crops: list[np.ndarray] = []
    pictures = []
    for path in sorted(FOLDER.iterdir()):
        if path.name in SKIPPED or path.name.startswith("truncated-"):
            continue
        if path.suffix not in (".jpg", ".png", ".webp", ".gif", ".tiff", ".avif"):
            continue
        for oriented in (False, True) if path.name.startswith("exif-") else (False,):
            image = open_rgb(path, oriented)
            entry = {"file": path.name, "autoOrient": oriented, "row": len(crops), "sizes": {}}
            for size in SIZES:
                crop, floats = golden(image, size)
                entry["sizes"][size] = {"crop": sha256(crop), "floats": sha256(floats)}
            crops.append(crop)
            pictures.append(entry)
    versions = {"pillow": PIL.__version__, "transformers": transformers.__version__}
    text = json.dumps({"madeBy": versions, "pictures": pictures}, indent=1)
    (FOLDER / "golden.json").write_text(text + "\n")
    Image.fromarray(np.concatenate(crops)).save(FOLDER / "golden-56.png", optimize=True)


main()
