"""Makes the images of test/fixtures/images: each kind of file that decoding must handle.

    python tools/make-image-fixtures.py

Requires Pillow, numpy and scikit-learn. Most images are made from its two photographs (CC BY 2.0).
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_image
import sklearn.datasets

OUT = Path(__file__).parent.parent / "test/fixtures/images"
ORIGINALS = Path(sklearn.datasets.__file__).parent / "images"

china = Image.fromarray(load_sample_image("china.jpg"))
flower = Image.fromarray(load_sample_image("flower.jpg"))
small = china.resize((160, 107))
blossom = flower.crop((120, 40, 440, 360)).resize((120, 120))


def save(image: Image.Image, name: str, **options) -> None:
    image.save(OUT / name, **options)


def with_alpha(image: Image.Image) -> Image.Image:
    """Adds an alpha channel with every opacity from left to right. Alpha must not change the
    colours."""
    width, height = image.size
    alpha = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    return Image.merge("RGBA", (*image.split(), Image.fromarray(alpha)))


def noise(width: int, height: int, cell: int) -> Image.Image:
    """Makes random colours that are blended over `cell` pixels, so that they compress like a
    photograph."""
    rng = np.random.default_rng(7)
    grid = rng.integers(0, 256, (height // cell + 2, width // cell + 2, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(width: int, height: int, depth: int, colour: int, rows: bytes, level: int = 9) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, level))
        + chunk(b"IEND", b"")
    )


def sixteen_bit(image: Image.Image, colour: int) -> bytes:
    """Makes a 16-bit PNG whose low bytes differ from its high bytes."""
    values = np.asarray(image).astype(np.uint16) * 256
    values += np.arange(values.size, dtype=np.uint16).reshape(values.shape) % 256
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(image.width, image.height, 16, colour, rows)


def jpegs() -> None:
    save(small, "baseline-420.jpg", quality=85, subsampling="4:2:0")
    save(small, "baseline-422.jpg", quality=85, subsampling="4:2:2")
    save(small, "baseline-444.jpg", quality=85, subsampling="4:4:4")
    save(small, "progressive.jpg", quality=85, progressive=True)
    save(small.convert("L"), "grey.jpg", quality=85)
    save(small.convert("CMYK"), "cmyk.jpg", quality=85)
    save(china.crop((160, 20, 310, 420)).resize((150, 400)), "portrait-tall.jpg", quality=80)
    save(flower.rotate(90, expand=True).resize((130, 195)), "portrait.jpg", quality=80)
    save(noise(2800, 2000, 80), "large.jpg", quality=50)
    save(noise(65_000, 8, 400), "wide.jpg", quality=40)


def pngs() -> None:
    save(blossom, "rgb.png", optimize=True)
    save(blossom.convert("L"), "grey.png", optimize=True)
    save(with_alpha(blossom), "rgba.png", optimize=True)
    save(with_alpha(blossom).convert("LA"), "grey-alpha.png", optimize=True)
    save(blossom.quantize(64), "palette.png", optimize=True)
    save(blossom.quantize(16), "palette-transparent.png", transparency=3, optimize=True)
    save(blossom.convert("1"), "bilevel.png", optimize=True)
    (OUT / "grey-16.png").write_bytes(sixteen_bit(blossom.resize((60, 60)).convert("L"), 0))
    (OUT / "rgb-16.png").write_bytes(sixteen_bit(blossom.resize((60, 60)), 2))
    save(noise(1, 300, 20), "one-wide.png")
    save(noise(1, 65_000, 300), "one-wide-long.png", optimize=True)
    save(noise(65_000, 1, 300), "one-high-long.png", optimize=True)
    save(Image.new("RGB", (1, 1), (200, 100, 50)), "one.png")
    save(small.resize((23, 17)), "tiny.png")


def others() -> None:
    save(small, "lossy.webp", quality=80)
    save(blossom.resize((60, 60)), "lossless.webp", lossless=True)
    save(with_alpha(small), "alpha.webp", quality=80)
    frames = [small.resize((80, 54)).quantize(32), blossom.resize((80, 54)).quantize(32)]
    save(frames[0], "animated.gif", save_all=True, append_images=frames[1:], duration=100)
    save(small.resize((80, 54)), "lzw.tiff", compression="tiff_lzw")
    save(small, "rgb.avif", quality=70)


def oriented() -> None:
    """Writes the same stored pixels with each EXIF orientation."""
    image = small.resize((72, 48))
    ImageDraw.Draw(image).rectangle((0, 0, 18, 12), fill=(255, 0, 0))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save(image, f"exif-{orientation}.jpg", quality=85, exif=exif)


def broken() -> None:
    (OUT / "empty.jpg").write_bytes(b"")
    for name in ("baseline-420.jpg", "progressive.jpg", "rgb.png", "lossy.webp", "lzw.tiff"):
        data = (OUT / name).read_bytes()
        (OUT / f"truncated-{name}").write_bytes(data[: len(data) * 2 // 3])
    gif = (OUT / "animated.gif").read_bytes()
    (OUT / "truncated-animated.gif").write_bytes(gif[: len(gif) // 4])
    (OUT / "header-only.jpg").write_bytes((OUT / "baseline-420.jpg").read_bytes()[:30])
    (OUT / "bomb.png").write_bytes(bomb(64_250))
    (OUT / "drawing.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>\n'
    )
    (OUT / "page.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
    (OUT / "words.txt").write_text("not a picture\n")


def bomb(side: int) -> bytes:
    """Makes a bilevel PNG whose header declares side² pixels. Its 5 kB contain only the first
    rows."""
    return png(side, side, 1, 0, (b"\0" + bytes(side // 8 + 1)) * 600)


OUT.mkdir(parents=True, exist_ok=True)
for original in ("china.jpg", "flower.jpg"):
    (OUT / original).write_bytes((ORIGINALS / original).read_bytes())
jpegs()
pngs()
others()
oriented()
broken()
