"""Preprocesses the images in test/fixtures/images as configured by JSON files of checkpoints.

    python tools/make-preprocessing-goldens.py

Writes test/fixtures/preprocessing/golden.json. For each case, it contains the JSON files beside a
checkpoint, the image size of its weights, and the sha256 of the float32 [3, S, S] of each image.
The oracles are transformers' processors over Pillow, timm's create_transform and open_clip's
image_transform.
"""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import open_clip
import PIL
import timm
import torch
import torchvision
import transformers
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from timm.data import create_transform, resolve_data_config
from transformers.models.beit import BeitImageProcessorPil
from transformers.models.bit import BitImageProcessorPil
from transformers.models.blip import BlipImageProcessorPil
from transformers.models.clip import CLIPImageProcessorPil
from transformers.models.convnext import ConvNextImageProcessorPil
from transformers.models.deit import DeiTImageProcessorPil
from transformers.models.levit import LevitImageProcessorPil
from transformers.models.siglip import SiglipImageProcessorPil
from transformers.models.vit import ViTImageProcessorPil

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "test/fixtures/images"
OUT = ROOT / "test/fixtures/preprocessing/golden.json"
# Files that are not decoded as in Pillow (golden.json's test has the details) or are not images.
# The widest and the tallest image would fill the memory after resizing.
SKIPPED = {"empty.jpg", "header-only.jpg", "bomb.png", "golden-56.png", "grey-16.png"}
SKIPPED |= {"one-wide-long.png", "one-high-long.png", "large.jpg"}
SUFFIXES = (".jpg", ".png", ".webp", ".gif", ".tiff")
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")  # by Pillow's number
HALF = [0.5, 0.5, 0.5]

PROCESSORS = {
    "CLIP": CLIPImageProcessorPil,
    "ViT": ViTImageProcessorPil,
    "Blip": BlipImageProcessorPil,
    "Siglip": SiglipImageProcessorPil,
    "DeiT": DeiTImageProcessorPil,
    "Beit": BeitImageProcessorPil,
    "Bit": BitImageProcessorPil,
    "Levit": LevitImageProcessorPil,
    "ConvNext": ConvNextImageProcessorPil,
}


def square(size: int) -> dict:
    return {"height": size, "width": size}


def by_transformers(kind: str, **fields) -> dict:
    return {"image_processor_type": f"{kind}ImageProcessor", **fields}


def transformers_cases():
    """Yields name, the fields of the processor, and S."""
    yield "CLIP", by_transformers("CLIP", size={"shortest_edge": 56}, crop_size=square(56)), 56
    yield "CLIP, its defaults", by_transformers("CLIP"), 224
    yield "CLIP, old", {"feature_extractor_type": "CLIPFeatureExtractor", "size": 56, "crop_size": 56}, 56
    yield "CLIP, larger than its crop", by_transformers("CLIP", size=67, crop_size=56), 56
    yield "CLIP, squash", by_transformers("CLIP", size=square(56), do_center_crop=False), 56
    yield "CLIP, squash and crop", by_transformers("CLIP", size=square(65), crop_size=56), 56
    for number, name in enumerate(FILTERS):
        fields = {"size": {"shortest_edge": 56}, "crop_size": 56, "resample": number}
        yield f"CLIP, {name}", by_transformers("CLIP", **fields), 56
        yield f"ViT, {name}", by_transformers("ViT", size=square(56), resample=number), 56
    yield "ViT, its defaults", by_transformers("ViT"), 224
    yield "ViT, old", {"feature_extractor_type": "ViTFeatureExtractor", "size": 56}, 56
    yield "ViT, another factor", by_transformers("ViT", size=square(56), rescale_factor=1 / 127.5), 56
    yield "ViT, bytes", by_transformers("ViT", size=square(56), do_rescale=False), 56
    yield "ViT, not normalised", by_transformers("ViT", size=square(56), do_normalize=False), 56
    yield "BLIP", by_transformers("Blip", size=square(56)), 56
    yield "SigLIP", by_transformers("Siglip", size=square(56)), 56
    yield "SigLIP, one mean", by_transformers("Siglip", size=square(56), image_mean=0.4), 56
    yield "DeiT, its defaults", by_transformers("DeiT"), 224
    yield "BEiT", by_transformers("Beit", size=square(56)), 56
    yield "BiT", by_transformers("Bit", size={"shortest_edge": 64}, crop_size=square(56)), 56
    yield "LeViT", by_transformers("Levit", size={"shortest_edge": 56}, crop_size=square(56)), 56
    yield "ConvNeXT", by_transformers("ConvNext", size={"shortest_edge": 56}, crop_pct=0.875), 56
    yield "ConvNeXT, odd margin", by_transformers("ConvNext", size={"shortest_edge": 56}, crop_pct=0.9), 56
    yield "ConvNeXT, its defaults", by_transformers("ConvNext"), 384


def timm_cases():
    clip = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
    for mode in ("center", "squash"):
        for share in (1.0, 0.9, 0.875):
            fields = {"input_size": [3, 56, 56], "crop_mode": mode, "crop_pct": share, **clip}
            yield f"timm, {mode} {share}", {**fields, "interpolation": "bicubic"}
    for name in FILTERS:
        yield f"timm, {name}", {"input_size": [3, 56, 56], "interpolation": name}
    yield "timm, its defaults", {"input_size": [3, 56, 56]}


def open_clip_cases():
    for mode in ("shortest", "squash"):
        for name in ("bicubic", "bilinear"):
            fields = {"size": 56, "mode": "RGB", "resize_mode": mode, "interpolation": name}
            yield f"open_clip, {mode} {name}", {**fields, "mean": HALF, "std": HALF}
    yield "open_clip, its defaults", {"size": [56, 56]}


def cases():
    """Yields name, S, the files, and a function that converts an image to an array."""
    for name, fields, size in transformers_cases():
        kind = (fields.get("image_processor_type") or fields["feature_extractor_type"])
        kind = kind.replace("ImageProcessor", "").replace("FeatureExtractor", "")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "preprocessor_config.json").write_text(json.dumps(fields))
            processor = PROCESSORS[kind].from_pretrained(folder)
        run = lambda image, processor=processor: np.float32(processor(image)["pixel_values"][0])
        yield name, size, {"preprocessor_config.json": fields}, run
        if name in ("ViT", "SigLIP"):
            yield f"{name}, transformers 5", size, {"processor_config.json": {"image_processor": fields}}, run
    for name, fields in timm_cases():
        transform = create_transform(**resolve_data_config({}, pretrained_cfg=fields))
        run = lambda image, transform=transform: transform(image).numpy()
        config = {"architecture": "vit_large_patch14_clip_336", "pretrained_cfg": fields}
        yield name, 56, {"config.json": config}, run
    yield "timm, old", 56, {"config.json": {"architecture": "eva02", **fields}}, run
    for name, fields in open_clip_cases():
        transform = image_transform_v2(PreprocessCfg(**fields), is_train=False)
        run = lambda image, transform=transform: transform(image).numpy()
        config = {"model_cfg": {"embed_dim": 8}, "preprocess_cfg": fields}
        yield name, 56, {"open_clip_config.json": config}, run


def pictures() -> dict[str, Image.Image]:
    found = {}
    for path in sorted(PICTURES.iterdir()):
        if path.name in SKIPPED or path.name.startswith("truncated-") or path.suffix not in SUFFIXES:
            continue
        rgb = Image.open(path).convert("RGB")
        rgb.info.clear()  # otherwise a processor would blend a palette's transparency
        found[path.name] = rgb
    return found


def sha256(array: np.ndarray) -> str:
    assert array.dtype == np.float32, array.dtype
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def main() -> None:
    images = pictures()
    made = []
    for name, size, files, run in cases():
        found = {}
        for picture, image in images.items():
            array = run(image)
            assert array.shape == (3, size, size), (name, array.shape)
            found[picture] = sha256(array)
        made.append({"name": name, "size": size, "files": files, "pictures": found})
    modules = (PIL, transformers, timm, open_clip, torchvision, torch)
    versions = {module.__name__: module.__version__ for module in modules}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"madeBy": versions, "cases": made}, indent=1) + "\n")


main()
