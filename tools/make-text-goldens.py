"""Computes what transformers' Llama, with every token attending to all, and PyTorch give for synthetic
text towers.

Developers only: needs torch, transformers and safetensors, and Node for the generator.

    python tools/make-text-goldens.py [preset…]      # writes test/fixtures/goldens/<preset>.json
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
SEED = 1
# Tokens of each text, and over how many of them at the end the mean is taken.
TEXTS = [(1, 1), (6, 2), (17, 13), (64, 60), (65, 1), (300, 296), (511, 507), (512, 512)]
LONG = (2000, 1996)
FEATURES = 4

# preset: whether an adapter normalises its features first; None for a language model
PRESETS = {
    "llama-tiny": None,
    "llama-tiny-scaled": None,
    "adapter-tiny": True,
    "adapter-tiny-siglip2": False,
}


def rounded(values: torch.Tensor) -> list[float]:
    return [float(f"{x:.8g}") for x in values.tolist()]


def llama(folder: Path) -> dict:
    config = transformers.LlamaConfig(**json.loads((folder / "config.json").read_text()))
    model = transformers.LlamaModel(config).eval()
    state = load_file(folder / "model.safetensors")
    model.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    generator = torch.Generator().manual_seed(SEED)
    texts = []
    for tokens, pooled in [*TEXTS, LONG]:
        ids = torch.randint(config.vocab_size, (1, tokens), generator=generator)
        # A mask of four dimensions is taken as it is: all tokens see all tokens.
        everything = torch.zeros(1, 1, tokens, tokens)
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=everything).last_hidden_state[0]
        embedding = hidden[-pooled:].mean(0)
        texts.append({"ids": ids[0].tolist(), "pooled": pooled, "embedding": rounded(embedding)})
    return {"texts": texts}


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.fn = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fn(self.ln(x))


def adapter(folder: Path, normalizes: bool) -> dict:
    state = load_file(folder / "adapter.safetensors")
    state = {name.split("text_adaptor.")[1]: value for name, value in state.items()}
    embedding_dim, width = state["5.weight"].shape
    blocks = [Block(width) for _ in range(4)]
    model = nn.Sequential(*blocks, nn.LayerNorm(width), nn.Linear(width, embedding_dim)).eval()
    model.load_state_dict(state)
    features = 3 * torch.randn(FEATURES, width, generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        found = model(nn.functional.normalize(features) if normalizes else features)
    return {
        "features": [
            {"feature": rounded(feature), "embedding": rounded(embedding)}
            for feature, embedding in zip(features, found)
        ]
    }


def golden(preset: str) -> dict:
    options = ["--preset", preset, "--dtype", "f32", "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generator = ["node", "--import", "tsx", "tools/synthetic-text.mts"]
        subprocess.run([*generator, *options, "--out", folder], cwd=ROOT, check=True)
        normalizes = PRESETS[preset]
        found = llama(Path(folder)) if normalizes is None else adapter(Path(folder), normalizes)
    return {
        "madeBy": f"tools/make-text-goldens.py {preset}",
        "generator": " ".join(options),
        "seed": SEED,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        **found,
    }


def main() -> None:
    torch.set_num_threads(2)
    for preset in sys.argv[1:] or PRESETS:
        path = ROOT / "test" / "fixtures" / "goldens" / f"{preset}.json"
        path.write_text(json.dumps(golden(preset), indent=None, separators=(",", ":")) + "\n")
        print(f"wrote {path.name}", flush=True)


if __name__ == "__main__":
    main()
