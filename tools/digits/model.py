"""A complete LLM2CLIP with a million parameters, and its files in the official layouts."""

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import normalize
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

from prompt import tokenize
from reference import eva_tower
from text_reference import new_adapter, pooled_features

SIZE, PATCH, WIDTH, LAYERS, HIDDEN, EMBEDDING = 56, 14, 128, 4, 341, 64
LLAMA = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 176,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500_000.0},
    "max_position_embeddings": 8192,
}
FIRST_LOGIT_SCALE = 2.66  # ln(1 / 0.07), the initial value in CLIP

ADAPTER_PREFIX = "text.text_adaptor."

# timm's names → the official ones, under `visual.`
OFFICIAL = [
    ("attn.norm.", "attn.inner_attn_ln."),
    ("mlp.fc1_g.", "mlp.w1."),
    ("mlp.fc1_x.", "mlp.w2."),
    ("mlp.norm.", "mlp.ffn_ln."),
    ("mlp.fc2.", "mlp.w3."),
]


class Digits(nn.Module):
    """Maps images and texts to L2-normalised embeddings."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast):
        super().__init__()
        self.tokenizer = tokenizer
        shape = {"patch_size": PATCH, "embed_dim": WIDTH, "depth": LAYERS}
        self.visual = eva_tower(SIZE, HIDDEN, EMBEDDING, shape)
        token_ids = {
            "vocab_size": len(tokenizer),
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        }
        self.llama = LlamaModel(LlamaConfig(**LLAMA, **token_ids))
        self.adapter = new_adapter(LLAMA["hidden_size"], EMBEDDING)
        self.logit_scale = nn.Parameter(torch.tensor(FIRST_LOGIT_SCALE))

    def of_pictures(self, pixels: torch.Tensor) -> torch.Tensor:
        return normalize(self.visual(pixels))

    def of_texts(self, texts: list[str]) -> torch.Tensor:
        tokens = [tokenize(self.tokenizer, text) for text in texts]
        features = pooled_features(self.llama, tokens, self.tokenizer.eos_token_id)
        return normalize(self.adapter(normalize(features)))


def official(model: Digits) -> dict[str, torch.Tensor]:
    state = {"logit_scale": model.logit_scale}
    for name, tensor in model.visual.state_dict().items():
        if "rope" in name:
            continue
        for timm_name, official_name in OFFICIAL:
            name = name.replace(timm_name, official_name)
        state[f"visual.{name}"] = tensor
    for name, tensor in model.adapter.state_dict().items():
        state[ADAPTER_PREFIX + name] = tensor
    return {name: tensor.detach().half().contiguous() for name, tensor in state.items()}


def save(model: Digits, checkpoint: Path, llm: Path) -> None:
    torch.save({"state_dict": official(model)}, checkpoint)
    model.llama.to(torch.bfloat16).save_pretrained(llm)
    # Otherwise the length limit of training would be saved, too.
    model.tokenizer.backend_tokenizer.no_truncation()
    model.tokenizer.save_pretrained(llm)
