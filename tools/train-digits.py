"""Trains the tiny EVA02 tower of test/fixtures/digits on scikit-learn's handwritten digits.

Developers only: needs torch, timm, transformers, scikit-learn and Pillow.

    python tools/train-digits.py            # writes test/fixtures/digits, takes some minutes

A supervised contrastive loss (Khosla et al., arXiv 2004.11362) pulls digits of a kind together. The
checkpoint has the official layout; held-out and gallery digits are never trained on.
"""

import json
import random
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import timm
import torch
import transformers
from PIL import Image
from sklearn.datasets import load_digits
from timm.models.eva import Eva
from transformers import CLIPImageProcessorPil

from reference import eva_tower

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "digits"
SIZE, PATCH, WIDTH, LAYERS, HIDDEN, EMBEDDING = 56, 14, 128, 4, 341, 64
PNG_SIZE = 32
HELD_OUT, GALLERY = 20, 10  # a class
EPOCHS, BATCH, TEMPERATURE = 60, 128, 0.1

# timm's names → the official ones, under `visual.`
OFFICIAL = [
    ("attn.norm.", "attn.inner_attn_ln."),
    ("mlp.fc1_g.", "mlp.w1."),
    ("mlp.fc1_x.", "mlp.w2."),
    ("mlp.norm.", "mlp.ffn_ln."),
    ("mlp.fc2.", "mlp.w3."),
]


def tower() -> Eva:
    shape = {"patch_size": PATCH, "embed_dim": WIDTH, "depth": LAYERS}
    return eva_tower(SIZE, HIDDEN, EMBEDDING, shape)


def png(digit: np.ndarray) -> bytes:
    """The 8×8 digit of 17 greys as a PNG of PNG_SIZE²."""
    grey = Image.fromarray(np.clip(digit * (255 / 16), 0, 255).astype(np.uint8))
    buffer = BytesIO()
    grey.resize((PNG_SIZE, PNG_SIZE), Image.Resampling.BICUBIC).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def pixels(pngs: list[bytes]) -> torch.Tensor:
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}
    )
    pictures = [Image.open(BytesIO(content)) for content in pngs]
    return torch.from_numpy(np.stack(processor(pictures)["pixel_values"]))


def split(labels: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Indices of the held-out, the gallery's and the training digits, in that order."""
    order = np.random.default_rng(0).permutation(len(labels))
    held_out, gallery, training = [], [], []
    for label in range(10):
        of_label = [int(i) for i in order if labels[i] == label]
        held_out += of_label[:HELD_OUT]
        gallery += of_label[HELD_OUT : HELD_OUT + GALLERY]
        training += of_label[HELD_OUT + GALLERY :]
    return held_out, gallery, training


def shifted(batch: torch.Tensor) -> torch.Tensor:
    """A small random turn, stretch and shift for each picture; black comes in at the edges."""
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


def contrastive_loss(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    unit = torch.nn.functional.normalize(embeddings, dim=1)
    itself = torch.eye(len(labels), dtype=torch.bool)
    logits = (unit @ unit.T / TEMPERATURE).masked_fill(itself, -1e9)
    alike = (labels[:, None] == labels[None, :]) & ~itself
    log_probability = logits - logits.logsumexp(1, keepdim=True)
    return -(log_probability * alike).sum(1).div(alike.sum(1).clamp(min=1)).mean()


def train(model: Eva, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            loss = contrastive_loss(model(shifted(images[chosen])), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)
    model.eval()


def official(model: Eva) -> dict[str, torch.Tensor]:
    state = {}
    for name, tensor in model.state_dict().items():
        if "rope" in name:
            continue
        for timm_name, official_name in OFFICIAL:
            name = name.replace(timm_name, official_name)
        state[f"visual.{name}"] = tensor.half().contiguous()
    return state


def nearest_neighbour_accuracy(held_out, held_out_labels, gallery, gallery_labels) -> float:
    unit = torch.nn.functional.normalize
    nearest = (unit(held_out, dim=1) @ unit(gallery, dim=1).T).argmax(1)
    return float((gallery_labels[nearest] == held_out_labels).float().mean())


def write_pictures(folder: str, indices: list[int], labels: np.ndarray, pngs: list[bytes]) -> list[str]:
    names = []
    (FOLDER / folder).mkdir(parents=True)
    for number, i in enumerate(indices):
        names.append(f"{folder}/{labels[i]}-{number:03}.png")
        (FOLDER / names[-1]).write_bytes(pngs[i])
    return names


def main() -> None:
    torch.manual_seed(0)
    random.seed(0)
    torch.set_num_threads(2)
    digits = load_digits()
    pngs = [png(digit) for digit in digits.images]
    images, labels = pixels(pngs), torch.from_numpy(digits.target)
    held_out, gallery, training = split(digits.target)

    model = tower()
    train(model, images[training], labels[training])
    state = official(model)
    # Measured with the very weights that are saved.
    model.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()})
    with torch.no_grad():
        of_held_out, of_gallery = model(images[held_out]), model(images[gallery])
    accuracy = nearest_neighbour_accuracy(
        of_held_out, labels[held_out], of_gallery, labels[gallery]
    )
    print(f"nearest-neighbour accuracy {accuracy:.4f}")
    assert accuracy >= 0.97

    shutil.rmtree(FOLDER, ignore_errors=True)
    names = write_pictures("heldout", held_out, digits.target, pngs)
    write_pictures("gallery", gallery, digits.target, pngs)
    torch.save({"state_dict": state}, FOLDER / "digits-eva02.pt")
    shown = list(range(0, len(names), HELD_OUT))
    golden = {
        "madeBy": "tools/train-digits.py",
        "versions": {
            "timm": timm.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "accuracy": accuracy,
        "embeddings": {
            names[i]: [round(x, 7) for x in of_held_out[i].tolist()] for i in shown
        },
    }
    (FOLDER / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
