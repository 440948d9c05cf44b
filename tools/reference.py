"""The reference: timm's or transformers' model with a checkpoint's weights, in any published layout.

Only developers need this, like all Python code here. It requires torch, timm, transformers,
safetensors and Pillow.
"""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

WRAPPERS = ("model", "module", "state_dict")
NOT_OF_THE_TOWER = re.compile(r"rope|position_ids|^text|^logit_|adapter|adaptor")

# Names under Hugging Face's `vision_model.` → the official ones.
HUGGING_FACE_EVA = [
    (r"^vision_model\.embeddings\.class_embedding", "cls_token"),
    (r"^vision_model\.embeddings\.position_embedding\.weight", "pos_embed"),
    (r"^vision_model\.embeddings\.patch_embedding", "patch_embed.proj"),
    (r"^vision_model\.encoder\.layers\.", "blocks."),
    (r"^vision_model\.post_layernorm", "norm"),
    (r"^visual_projection", "head"),
    (r"\.layer_norm([12])\.", r".norm\1."),
    (r"\.self_attn\.", ".attn."),
    (r"\.out_proj\.", ".proj."),
    (r"inner_self_attn_ln", "inner_attn_ln"),
    (r"\.mlp\.fc([123])\.", r".mlp.w\1."),
]
# The official names → timm's.
OFFICIAL = [
    (r"\.attn\.inner_attn_ln\.", ".attn.norm."),
    (r"\.attn\.([qv])_bias$", r".attn.\1_proj.bias"),
    (r"\.mlp\.w1\.", ".mlp.fc1_g."),
    (r"\.mlp\.w2\.", ".mlp.fc1_x."),
    (r"\.mlp\.ffn_ln\.", ".mlp.norm."),
    (r"\.mlp\.w3\.", ".mlp.fc2."),
]

State = dict[str, torch.Tensor]


def read_state(path: Path) -> State:
    """Reads the tensors of a file, or of a folder that contains it, in fp32 and without
    wrapping."""
    if path.is_dir():
        index = path / "model.safetensors.index.json"
        if index.exists():
            names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
            return {k: v for name in names for k, v in read_state(path / name).items()}
        files = [*path.glob("*.safetensors"), *path.glob("*.pt"), *path.glob("*.bin")]
        path = files[0]
    if path.suffix == ".safetensors":
        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in WRAPPERS:
        state = state.get(wrapper, state)
    return {key.removeprefix("module."): value.float() for key, value in state.items()}


def tower_of(state: State) -> State:
    """Returns only the tensors of the vision tower, without their common prefix."""
    for prefix in ("visual.trunk.", "visual."):
        if any(key.startswith(prefix) for key in state):
            state = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    return {key: value for key, value in state.items() if not NOT_OF_THE_TOWER.search(key)}


def renamed(state: State, table: list[tuple[str, str]]) -> State:
    result = {}
    for key, value in state.items():
        for pattern, replacement in table:
            key = re.sub(pattern, replacement, key)
        result[key] = value
    return result


def with_split_qkv(state: State) -> State:
    result = {}
    for key, value in state.items():
        if key.endswith("attn.qkv.weight"):
            for letter, part in zip("qkv", value.chunk(3)):
                result[key.replace("qkv", f"{letter}_proj")] = part
        else:
            result[key] = value
    return result


def layer_norm(dim: int, **kwargs) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(dim, eps=1e-6)


def shape_of(state: State) -> dict:
    width, _, patch, _ = state["patch_embed.proj.weight"].shape
    layers = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
    return {"patch_size": patch, "embed_dim": width, "depth": layers}


def load(model: torch.nn.Module, state: State, absent: str) -> torch.nn.Module:
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(absent in key for key in missing), (missing, unexpected)
    return model.eval()


def eva_tower(size: int, hidden: int, embedding: int, shape: dict) -> Eva:
    """An untrained EVA02 as EVA-CLIP uses it. The head dimension is 64."""
    return Eva(
        img_size=size,
        num_heads=shape["embed_dim"] // 64,
        mlp_ratio=(hidden + 0.5) / shape["embed_dim"],
        qkv_fused=False,
        swiglu_mlp=True,
        scale_mlp=True,
        scale_attn_inner=True,
        use_rot_pos_emb=True,
        ref_feat_shape=(16, 16),
        global_pool="token",
        num_classes=embedding,
        norm_layer=layer_norm,
        **shape,
    )


def eva02(state: State) -> torch.nn.Module:
    """Builds timm's model from timm's names."""
    shape = shape_of(state)
    grid = round((state["pos_embed"].shape[1] - 1) ** 0.5)
    hidden = state["blocks.0.mlp.fc1_g.weight"].shape[0]
    embedding = state["head.weight"].shape[0]
    return load(eva_tower(grid * shape["patch_size"], hidden, embedding, shape), state, "rope")


def siglip2(state: State) -> torch.nn.Module:
    """Builds timm's model from timm's names."""
    shape = shape_of(state)
    grid = round(state["pos_embed"].shape[1] ** 0.5)
    model = VisionTransformer(
        img_size=grid * shape["patch_size"],
        num_heads=shape["embed_dim"] // 72,
        mlp_ratio=(state["blocks.0.mlp.fc1.weight"].shape[0] + 0.5) / shape["embed_dim"],
        class_token=False,
        global_pool="map",
        num_classes=0,
        act_layer="gelu_tanh",
        norm_layer=layer_norm,
        **shape,
    )
    return load(model, state, "nothing")


def clip_vit(state: State, config: dict) -> torch.nn.Module:
    """Builds transformers' model from its names. `config` is the vision part of its config.json."""
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
    return load(model, state, "position_ids")


def inferred_clip_config(state: State) -> dict:
    width, _, patch, _ = state["vision_model.embeddings.patch_embedding.weight"].shape
    tokens = state["vision_model.embeddings.position_embedding.weight"].shape[0]
    layers = {key.split(".")[3] for key in state if key.startswith("vision_model.encoder.layers.")}
    return {
        "hidden_size": width,
        "intermediate_size": state["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": width // 64,
        "image_size": round((tokens - 1) ** 0.5) * patch,
        "patch_size": patch,
        "hidden_act": "quick_gelu",
        "projection_dim": state["visual_projection.weight"].shape[0],
    }


def build(checkpoint: Path) -> torch.nn.Module:
    """Returns the reference model of a checkpoint in any layout."""
    state = tower_of(read_state(checkpoint))
    if "vision_model.pre_layrnorm.weight" in state:
        beside = (checkpoint if checkpoint.is_dir() else checkpoint.parent) / "config.json"
        given = json.loads(beside.read_text()) if beside.exists() else inferred_clip_config(state)
        return clip_vit(state, given.get("vision_config", given))
    if any(key.startswith("attn_pool.") for key in state):
        return siglip2(state)
    if "blocks.0.mlp.fc1_g.weight" in state:
        return eva02(state)
    state = renamed(with_split_qkv(state), HUGGING_FACE_EVA)
    for name in ("cls_token", "pos_embed"):  # Hugging Face omits leading dimensions of 1
        state[name] = state[name].reshape(1, -1, state[name].shape[-1])
    return eva02(renamed(state, OFFICIAL))


def size_of(model: torch.nn.Module) -> int:
    if isinstance(model, CLIPVisionModelWithProjection):
        return model.config.image_size
    return model.patch_embed.img_size[0]


def pixels(pictures: list[Path] | list[BytesIO], size: int, **normalisation) -> torch.Tensor:
    """[n, 3, size, size], as the published processor makes them."""
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}, **normalisation
    )
    images = [Image.open(path).convert("RGB") for path in pictures]
    return torch.from_numpy(np.stack(processor(images)["pixel_values"]))


def embeddings(model: torch.nn.Module, pixel_values: torch.Tensor) -> torch.Tensor:
    """Returns [n, E], the raw projection."""
    with torch.no_grad():
        output = model(pixel_values)
    return output.image_embeds if hasattr(output, "image_embeds") else output
