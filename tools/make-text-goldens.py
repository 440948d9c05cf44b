"""Computes the outputs of synthetic text towers with transformers' Llama and PyTorch.

In Llama, every token attends to all tokens.

Only developers need this. It requires torch, transformers and safetensors, and Node for the
generator.

    python tools/make-text-goldens.py [preset…]      # writes test/fixtures/goldens/<preset>.json
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from torch import nn

from project import ROOT, generate
from prompt import tokenize
from text_reference import load_adapter

SEED = 1
# Tokens of each text, and how many of the last ones are pooled.
TEXTS = [(1, 1), (6, 2), (17, 13), (64, 60), (65, 1), (300, 296), (511, 507), (512, 512)]
LONG = (2000, 1996)
FEATURES = 4

# preset: whether an adapter normalises its features first; None for a language model
PRESETS = {
    "llama-tiny": None,
    "llama-tiny-scaled": None,
    "llama-tiny-outliers": None,
    "adapter-tiny": True,
    "adapter-tiny-siglip2": False,
    "whole-tiny": None,
}
WHOLE = "whole-tiny"

# Texts that users write or might write. The last ones fill almost, exactly and more than the 512
# tokens of a text.
CAPTIONS = [
    "",
    " ",
    "a photo of a cat",
    "  a photo of a cat",
    "a photo of a cat \n\t ",
    "The quick brown fox, isn't it?\n\nIt jumps over 1,234,567 dogs.",
    "一只红色的猫坐在沙发上",
    "👩‍👩‍👧‍👦 🇫🇷 ½ naïve Ångström",
    "a\u0000b\ufeff",
]
LENGTHS = [511, 512, 513, 2000]


def rounded(values: torch.Tensor) -> list[float]:
    return [float(f"{x:.8g}") for x in values.tolist()]


def load_llama(folder: Path) -> transformers.LlamaModel:
    config = transformers.LlamaConfig(**json.loads((folder / "config.json").read_text()))
    model = transformers.LlamaModel(config).eval()
    state = load_file(folder / "model.safetensors")
    model.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    return model


def llama(folder: Path) -> dict:
    model = load_llama(folder)
    config = model.config
    generator = torch.Generator().manual_seed(SEED)
    texts = []
    for tokens, pooled in [*TEXTS, LONG]:
        ids = torch.randint(config.vocab_size, (tokens,), generator=generator).tolist()
        embedding = full_attention(model, ids)[-pooled:].mean(0)
        texts.append({"ids": ids, "pooled": pooled, "embedding": rounded(embedding)})
    return {"texts": texts}


def full_attention(model: transformers.LlamaModel, ids: list[int]) -> torch.Tensor:
    """Returns hidden states [T, D] when every token attends to all tokens."""
    # transformers uses a mask of four dimensions unchanged.
    everything = torch.zeros(1, 1, len(ids), len(ids))
    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), attention_mask=everything).last_hidden_state[0]


def long_text(tokenizer, length: int) -> str:
    """Makes a text whose prompt has `length` tokens."""
    words = "a photo of the red car "
    text = ""
    while len(tokenize(tokenizer, text, 10**6)[0]) < length - 8:
        text += words
    while len(tokenize(tokenizer, text + "x", 10**6)[0]) <= length:
        text += "x"
    return text


def whole(folder: Path) -> dict:
    """Returns embeddings of texts, computed by the tokenizer, the language model and the
    adapter."""
    llm = folder / "llm"
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(llm)
    model = load_llama(llm)
    state = torch.load(folder / "model.pt", weights_only=True)
    prefix = "text.text_adaptor."
    adapter = load_adapter({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    found = []
    for text in [*CAPTIONS, *(long_text(tokenizer, length) for length in LENGTHS)]:
        ids, pooled = tokenize(tokenizer, text)
        feature = full_attention(model, ids)[-pooled:].mean(0).bfloat16().float()
        with torch.inference_mode():
            embedding = adapter(nn.functional.normalize(feature, dim=0))
        found.append({"text": text, "tokens": len(ids), "embedding": rounded(embedding)})
    return {"captions": found}


def adapter(folder: Path, normalizes: bool) -> dict:
    state = load_file(folder / "adapter.safetensors")
    model = load_adapter({name.split("text_adaptor.")[1]: value for name, value in state.items()})
    width = model[-1].in_features
    features = 3 * torch.randn(FEATURES, width, generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        found = model(nn.functional.normalize(features) if normalizes else features)
    return {
        "features": [
            {"feature": rounded(feature), "embedding": rounded(embedding)}
            for feature, embedding in zip(features, found)
        ]
    }


def computed(preset: str, folder: Path) -> dict:
    if preset == WHOLE:
        return whole(folder)
    normalizes = PRESETS[preset]
    return llama(folder) if normalizes is None else adapter(folder, normalizes)


def golden(preset: str) -> dict:
    options = ["--preset", preset, "--dtype", "f32", "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generate("synthetic-text", options, folder)
        found = computed(preset, Path(folder))
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
