"""Makes test/fixtures/image-kinds: small files of kinds that decoders treat differently.

    python tools/make-image-kinds.py

golden.json contains the result of Pillow 13's Image.open(f).convert("RGB") for each file, unchanged
and after ImageOps.exif_transpose: the size and the sha256 of the bytes, or for AVIF the bytes
themselves. For files of a kind that this library rejects, it contains the name of that kind.
Requires Pillow, numpy, tifffile and imagecodecs.
"""

import base64
import hashlib
import io
import json
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import PIL
import tifffile
from PIL import Image, ImageOps

OUT = Path(__file__).parent.parent / "test/fixtures/image-kinds"
WIDTH, HEIGHT = 23, 14

rng = np.random.default_rng(13)
# Smooth like a photograph, and different in every corner.
picture = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize(
    (WIDTH, HEIGHT), Image.Resampling.BICUBIC
)
rgb = np.asarray(picture)
grey = np.asarray(picture.convert("L"))
opacity = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
undecoded: dict[str, str] = {}


def wide(values: np.ndarray) -> np.ndarray:
    """Returns 16-bit values whose low bytes differ from the high bytes."""
    return values.astype(np.uint16) * 256 + rng.integers(0, 256, values.shape, dtype=np.uint16)


def tiff(name: str, values: np.ndarray, called: str | None = None, **options) -> None:
    tifffile.imwrite(OUT / name, values, metadata=None, software=False, **options)
    if called is not None:
        undecoded[name] = called


def tiffs() -> None:
    turn = lambda number: {"photometric": "rgb", "extratags": [(274, 3, 1, number, True)]}
    for number in range(10):  # 0 and 9 are not valid orientations
        tiff(f"orientation-{number}.tif", rgb, **turn(number))
    tiff("orientation-6-lzw.tif", rgb, compression="lzw", **turn(6))
    tiff("orientation-5-tiled.tif", rgb, tile=(16, 16), **turn(5))
    tiff("orientation-7-big.tif", rgb, bigtiff=True, **turn(7))
    inks = np.dstack([rgb, grey])
    for order, letter in (("<", "le"), (">", "be")):
        tiff(f"cmyk-16-{letter}.tif", wide(inks), photometric="separated", byteorder=order)
        tiff(f"rgb-16-{letter}.tif", wide(rgb), photometric="rgb", byteorder=order)
    tiff("cmyk-16-lzw.tif", wide(inks), photometric="separated", compression="lzw")
    tiff("cmyk.tif", inks, photometric="separated")
    tiff("cmyk-extra.tif", np.dstack([inks, grey]), photometric="separated", extrasamples=[0])
    for kind, extra in (("unspecified", 0), ("premultiplied", 1), ("opacity", 2)):
        tiff(f"rgba-{kind}.tif", np.dstack([rgb, opacity]), photometric="rgb", extrasamples=[extra])
    tiff("rgba-16-premultiplied.tif", wide(np.dstack([rgb, opacity])), photometric="rgb", extrasamples=[1])
    six = np.dstack([rgb, opacity, grey, grey])
    tiff("six-samples.tif", six, photometric="rgb", extrasamples=[2, 0, 0])
    tiff("grey-opacity.tif", np.dstack([grey, opacity]), photometric="minisblack", extrasamples=[2], planarconfig="contig")
    tiff("white-is-zero.tif", grey, photometric="miniswhite")
    tiff("bilevel.tif", grey > 128, photometric="minisblack")
    tiff("bilevel-white-is-zero.tif", grey > 128, photometric="miniswhite")
    colours = rng.integers(0, 65536, (3, 256), dtype=np.uint16)
    tiff("palette.tif", grey, photometric="palette", colormap=colours)
    tiff("signed-8.tif", (grey.astype(int) - 128).astype(np.int8), photometric="minisblack")
    tiff("signed-16.tif", (grey.astype(int) * 3 - 100).astype(np.int16), photometric="minisblack")
    tiff("unsigned-32.tif", grey.astype(np.uint32) * 2, photometric="minisblack")
    tiff("float-32.tif", grey.astype(np.float32) * 1.7 - 50, photometric="minisblack")
    planes = np.moveaxis(rgb, 2, 0)
    tiff("planar.tif", planes, photometric="rgb", planarconfig="separate")
    tiff("two-pages.tif", np.stack([rgb, 255 - rgb]), photometric="rgb")
    tiff("jpeg-ycbcr.tif", rgb, compression="jpeg", photometric="ycbcr", subsampling=(2, 2))
    for compression in ("packbits", "tiff_adobe_deflate", "group3", "group4"):
        mode = "1" if compression.startswith("group") else "RGB"
        picture.convert(mode).save(OUT / f"{compression}.tif", compression=compression)


def undecoded_tiffs() -> None:
    tiff("cielab.tif", rgb, "CIELAB TIFF", photometric="cielab")
    tiff("icclab.tif", rgb, "ICCLAB TIFF", photometric="icclab")
    tiff("mosaic.tif", grey, "colour filter array TIFF", photometric="cfa")
    for compression in ("zstd", "lzma", "webp", "lerc"):
        called = compression.upper() if compression in ("lzma", "lerc") else compression
        called = "WebP" if compression == "webp" else called
        tiff(f"{compression}.tif", rgb, f"{called} TIFF", compression=compression, photometric="rgb")
    tiff("float-64.tif", grey.astype(np.float64), "64-bit floating-point grey TIFF", photometric="minisblack")
    tiff("rgb-32.tif", rgb.astype(np.uint32), "32-bit RGB TIFF", photometric="rgb")
    tiff("rgb-float.tif", rgb.astype(np.float32), "32-bit floating-point RGB TIFF", photometric="rgb")
    tiff("jpeg-12.tif", wide(grey) >> 4, "12-bit grey TIFF", compression="jpeg", photometric="minisblack")
    ycbcr = np.asarray(picture.convert("YCbCr"))
    tiff("ycbcr-lzw.tif", ycbcr, "YCbCr (not JPEG-compressed) TIFF", photometric="ycbcr", subsampling=(1, 1), compression="lzw")
    tiff("tiled-planar.tif", np.moveaxis(rgb, 2, 0), "tiled, planar TIFF", photometric="rgb", planarconfig="separate", tile=(16, 16))


def lzw_codes(indices: bytes, bits: int) -> bytes:
    """GIF data without compression: the table is cleared before the codes become longer."""
    clear = 1 << bits
    value = length = 0
    out = bytearray()
    for place, index in enumerate(indices):
        for code in ([clear] if place % (clear - 2) == 0 else []) + [index]:
            value |= code << length
            length += bits + 1
    value |= (clear + 1) << length
    length += bits + 1
    out = value.to_bytes((length + 7) // 8, "little")
    blocks = b"".join(bytes([len(out[i : i + 255])]) + out[i : i + 255] for i in range(0, len(out), 255))
    return bytes([bits]) + blocks + b"\0"


def flags_of(palette: bytes | None) -> int:
    return 0 if palette is None else 0x80 | (len(palette) // 3 - 1).bit_length() - 1


def gif(name: str, *, at=(5, 3), canvas=(40, 30), palette=None, own=None, transparent=None,
        background=0, interlaced=False, disposal=0, before=b"") -> None:
    control = b""
    if transparent is not None or disposal:
        control = bytes([0x21, 0xF9, 4, disposal << 2 | (transparent is not None), 0, 0, transparent or 0, 0])
    rows = list(range(HEIGHT))
    if interlaced:
        rows = [*rows[0::8], *rows[4::8], *rows[2::4], *rows[1::2]]
    indices = (grey >> 2)[rows].tobytes()
    (OUT / name).write_bytes(
        b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x70 | flags_of(palette), background, 0)
        + (palette or b"") + before + control
        + b"," + struct.pack("<HHHHB", *at, WIDTH, HEIGHT, flags_of(own) | 0x40 * interlaced)
        + (own or b"") + lzw_codes(indices, 7) + b";"
    )


def gifs() -> None:
    colours = lambda count: rng.integers(0, 256, 3 * count, dtype=np.uint8).tobytes()
    shared, own = colours(64), colours(64)
    gif("partial.gif", palette=shared)
    gif("partial-background.gif", palette=shared, background=9, disposal=2)
    gif("partial-transparent.gif", palette=shared, transparent=7)
    gif("partial-transparent-beyond.gif", palette=shared, transparent=200, background=3)
    gif("partial-interlaced.gif", palette=shared, interlaced=True, transparent=20)
    gif("partial-own-palette.gif", palette=shared, own=own)
    gif("partial-own-palette-alone.gif", own=own, transparent=11)
    gif("partial-no-palette.gif")
    gif("partial-no-palette-transparent.gif", transparent=40)
    gif("partial-grey-own-palette.gif", palette=shared, own=bytes(i // 3 for i in range(192)))
    gif("partial-short-palette.gif", palette=colours(8))
    gif("outside.gif", palette=shared, canvas=(10, 8))
    gif("outside-transparent.gif", palette=shared, canvas=(10, 8), transparent=1)
    gif("whole-transparent.gif", palette=shared, canvas=(WIDTH, HEIGHT), at=(0, 0), transparent=20)
    comments = b"!\xfe\x05hello\0!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0!\xf9\x04\x01\0\0\x09\0"
    gif("partial-extensions.gif", palette=shared, before=comments)


def with_orientation(number: int) -> dict:
    exif = Image.Exif()
    exif[0x0112] = number
    return {"exif": exif}


def replaced(source: str, name: str, old: bytes, new: bytes) -> None:
    """Writes a copy of a file in which `new` replaces `old`. Both have the same length."""
    data = (OUT / source).read_bytes()
    assert old in data and len(old) == len(new)
    (OUT / name).write_bytes(data.replace(old, new, 1))


def avifs() -> None:
    lossless = {"quality": 100, "subsampling": "4:4:4"}
    for number in range(1, 9):  # Pillow stores them as irot and imir
        picture.save(OUT / f"turned-{number}.avif", **lossless, **with_orientation(number))
    # Pillow removes the orientation from EXIF. If it stays there, libavif ignores it.
    entry = b"\x13\x01\x03\0\x01\0\0\0\x06\0\0\0"
    stored = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + b"\0\0\0\0"
    picture.save(OUT / "exif-alone.avif", exif=stored, **lossless)
    replaced("exif-alone.avif", "exif-alone.avif", entry, b"\x12" + entry[1:])
    frames = [picture.rotate(180), picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    picture.save(OUT / "sequence.avif", save_all=True, append_images=frames, **lossless)
    see_through = Image.merge("RGBA", (*picture.split(), Image.fromarray(opacity)))
    more = [see_through.rotate(180)]
    see_through.save(OUT / "sequence-alpha.avif", save_all=True, append_images=more, **lossless)
    replaced("sequence.avif", "sequence-as-still.avif", b"ftypavis", b"ftypavif")
    replaced("sequence.avif", "sequence-of-others.avif", b"ftypavis", b"ftypmsf1")
    picture.save(OUT / "subsampled.avif", quality=90)


def others() -> None:
    see_through = Image.merge("RGBA", (*picture.split(), Image.fromarray(opacity)))
    partial = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    partial.paste(see_through.crop((4, 4, 16, 11)), (6, 2))
    more = {"save_all": True, "append_images": [see_through.rotate(180)], "duration": 100}
    partial.save(OUT / "animated.webp", lossless=True, background=(255, 99, 0, 255), **more)
    picture.save(OUT / "turned-6.webp", lossless=True, **with_orientation(6))
    picture.save(OUT / "turned-6.png", **with_orientation(6))
    picture.save(OUT / "animated.apng", format="PNG", **more)
    see_through.save(OUT / "opacity.png")
    inks = np.dstack([rgb, grey])
    for space in ("CMYK", "YCCK"):
        data = imagecodecs.jpeg8_encode(inks, level=95, colorspace="CMYK", outcolorspace=space)
        (OUT / f"{space.lower()}.jpg").write_bytes(data)
    picture.save(OUT / "rgb.jpg", keep_rgb=True)


def undecoded_others() -> None:
    files = {
        "jpeg-12.jpg": (imagecodecs.jpeg8_encode(wide(grey) >> 4, bitspersample=12), "12-bit JPEG"),
        "lossless.jpg": (imagecodecs.jpeg8_encode(rgb, lossless=True), "lossless JPEG"),
        "jpeg-ls.jls": (imagecodecs.jpegls_encode(rgb), "JPEG-LS"),
        "codestream.jxl": (imagecodecs.jpegxl_encode(rgb), "JPEG XL"),
        "boxes.jxl": (imagecodecs.jpegxl_encode(rgb, usecontainer=True), "JPEG XL"),
        "codestream.j2k": (imagecodecs.jpeg2k_encode(rgb, codecformat="j2k"), "JPEG 2000"),
        "boxes.jp2": (imagecodecs.jpeg2k_encode(rgb, codecformat="jp2"), "JPEG 2000"),
        "picture.jxr": (imagecodecs.jpegxr_encode(rgb), "JPEG XR"),
    }
    for name, (data, called) in files.items():
        (OUT / name).write_bytes(data)
        undecoded[name] = called
    for ending, called in {"bmp": "BMP", "ppm": "PNM", "ico": "ICO", "tga": "TGA", "pcx": "PCX", "qoi": "QOI", "sgi": "SGI", "dds": "DDS"}.items():
        picture.save(OUT / f"picture.{ending}")
        undecoded[f"picture.{ending}"] = called


def golden(data: bytes, oriented: bool, whole: bool) -> dict:
    # Opened from memory, because Pillow flips the wrong rows of files that it maps (uncompressed
    # CMYK).
    image = Image.open(io.BytesIO(data))
    if oriented:
        image = ImageOps.exif_transpose(image)
    made = image.convert("RGB")
    found = {"width": made.width, "height": made.height}
    if whole:
        return {**found, "rgb": base64.b64encode(made.tobytes()).decode()}
    return {**found, "sha256": hashlib.sha256(made.tobytes()).hexdigest()}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    tiffs()
    undecoded_tiffs()
    gifs()
    avifs()
    others()
    undecoded_others()
    pictures = {}
    for path in sorted(OUT.iterdir()):
        if path.suffix == ".json" or path.name in undecoded:
            continue
        whole = path.suffix == ".avif"
        pictures[path.name] = {
            key: golden(path.read_bytes(), oriented, whole)
            for key, oriented in (("plain", False), ("oriented", True))
        }
    versions = {"pillow": PIL.__version__, "tifffile": tifffile.__version__, "imagecodecs": imagecodecs.__version__}
    text = json.dumps({"madeBy": versions, "pictures": pictures, "undecoded": undecoded}, indent=1)
    (OUT / "golden.json").write_text(text + "\n")


main()
