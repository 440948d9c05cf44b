"""transformers' Llama as an encoder. A setting of the model lets every token attend to all
tokens."""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__}


def _build(folder: Path, dtype: torch.dtype) -> transformers.LlamaModel:
    settings = json.loads((folder / "config.json").read_text())
    config = transformers.LlamaConfig(**settings, is_causal=False)
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = transformers.LlamaModel(config)
    state = load_file(folder / "model.safetensors")
    state = {name.removeprefix("model."): value.to(dtype) for name, value in state.items()}
    model.load_state_dict(state, assign=True)
    # The RoPE angles are not weights. They are computed again in f32, because the model was on the
    # meta device.
    model.rotary_emb = type(model.rotary_emb)(config)
    for layer in model.layers:
        layer.self_attn.is_causal = False  # without a mask, SDPA uses this flag
    return model.eval()


class Encoder:
    def __init__(self, folder: Path, precision: str) -> None:
        self._model = _build(folder, DTYPES[precision])

    def use_threads(self, threads: int) -> None:
        torch.set_num_threads(threads)

    @torch.inference_mode()
    def encode(self, texts: list[dict]) -> list[list[float]]:
        """Runs one batch, padded on the right: [B, D]."""
        lengths = torch.tensor([len(text["ids"]) for text in texts])
        ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long)
        for row, text in zip(ids, texts):
            row[: len(text["ids"])] = torch.tensor(text["ids"])
        place = torch.arange(ids.shape[1])
        seen = place < lengths[:, None]
        mask = None if bool(seen.all()) else seen.long()
        hidden = self._model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        pooled = torch.tensor([text["pooled"] for text in texts])
        weight = (seen & (place >= (lengths - pooled)[:, None])).float()
        return ((hidden.float() * weight[..., None]).sum(1) / pooled[:, None]).tolist()
