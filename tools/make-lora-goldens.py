"""Makes LoRAs of a tiny Llama with PEFT, in the forms that people save them, and merges each.

Only developers need this. It requires torch, transformers, safetensors and peft.

    python tools/make-lora-goldens.py      # writes test/fixtures/lora

Each case is a folder that `save_pretrained` wrote. `merged.safetensors` beside it contains the
linear layers of the base after `merge_and_unload`.
"""

import json
import shutil

import peft
import torch
import transformers
from project import ROOT
from safetensors.torch import save_file

OUT = ROOT / "test" / "fixtures" / "lora"
LAYERS = 3
CONFIG = {
    "vocab_size": 10,
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 4,
}
FULL = ["model.layers.0.self_attn.q_proj", "model.layers.2.mlp.down_proj"]
SUFFIXES = ["q_proj", "down_proj"]
# Name, arguments for LoraConfig besides r and lora_alpha, and whether the base has no head.
CASES = {
    "suffixes": {"target_modules": SUFFIXES},
    "all-linear": {"target_modules": "all-linear"},
    "full-names": {"target_modules": FULL},
    "full-and-suffix": {"target_modules": [FULL[0], "1.mlp.up_proj", "k_proj"]},
    "no-such-module-too": {"target_modules": ["v_proj", "query_key_value"]},
    "default-targets": {},
    "head-too": {"target_modules": ["q_proj", "lm_head"]},
    "regex": {"target_modules": r".*\.(q|v)_proj"},
    "regex-class": {"target_modules": r"model\.layers\.[02]\.(?:self_attn|mlp)\.\w+_proj$"},
    "regex-ahead": {"target_modules": r"^(?!.*mlp)model(?=\.layers).*_proj"},
    "regex-behind": {"target_modules": r".*(?<=self_attn)\.o_proj"},
    "exclude-list": {
        "target_modules": "all-linear",
        "exclude_modules": ["mlp.up_proj", "model.layers.1.self_attn.q_proj"],
    },
    "exclude-regex": {"target_modules": SUFFIXES, "exclude_modules": r".*\.1\..*|.*down_proj"},
    "one-layer": {"target_modules": SUFFIXES, "layers_to_transform": 1},
    "some-layers": {
        "target_modules": [*SUFFIXES, "model.layers.1.self_attn.v_proj"],
        "layers_to_transform": [0, 2],
        "layers_pattern": "layers",
    },
    "layers-pattern-regex": {
        "target_modules": SUFFIXES,
        "layers_to_transform": [1],
        "layers_pattern": [r"l[a-z]+s"],
    },
    "patterns": {
        "target_modules": SUFFIXES,
        "rank_pattern": {"layers.0.self_attn.q_proj": 4, r"model\.layers\.[12]\.mlp\..*": 1},
        "alpha_pattern": {"down_proj": 3, r".*\.0\..+": 5, "q_proj": 7.5},
    },
    "patterns-stabilised": {
        "target_modules": r".*(q_proj|down_proj)",
        "use_rslora": True,
        "rank_pattern": {"^model.layers.1.self_attn.q_proj": 3},
        "alpha_pattern": {"layers.1.self_attn.q_proj": 9},
    },
    "eva": {
        "target_modules": FULL,
        "init_lora_weights": "eva",
        "rank_pattern": {FULL[0]: 3, FULL[1]: 1},
        "alpha_pattern": {FULL[0]: 9, FULL[1]: 3},
    },
    "orthogonal": {"target_modules": SUFFIXES, "init_lora_weights": "orthogonal"},
    "gaussian": {"target_modules": SUFFIXES, "init_lora_weights": "gaussian"},
    "random": {"target_modules": SUFFIXES, "init_lora_weights": False},
    "mica": {"target_modules": SUFFIXES, "init_lora_weights": "mica"},
    "headless": {"target_modules": SUFFIXES},
    "headless-all-linear": {"target_modules": "all-linear"},
    "headless-full-names": {"target_modules": [name.removeprefix("model.") for name in FULL]},
}


def new_base() -> transformers.LlamaForCausalLM:
    torch.manual_seed(1)
    config = transformers.LlamaConfig(**CONFIG, tie_word_embeddings=False)
    return transformers.LlamaForCausalLM(config).float().eval()


def linear_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Returns the weights of the linear layers by their canonical names."""
    return {
        name.removeprefix("model."): weight.detach().clone().contiguous()
        for name, weight in model.state_dict().items()
        if name.endswith("_proj.weight")
    }


def make_case(name: str, options: dict) -> dict:
    base = new_base()
    model = base.model if name.startswith("headless") else base
    task = {} if name.startswith("headless") else {"task_type": "CAUSAL_LM"}
    config = peft.LoraConfig(r=2, lora_alpha=6, **task, **options)
    wrapped = peft.get_peft_model(model, config)
    torch.manual_seed(2)
    for parameter_name, parameter in wrapped.named_parameters():
        if "lora_" in parameter_name:
            parameter.data = torch.randn_like(parameter) / 4
    folder = OUT / name
    wrapped.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    # The reference is the file as PEFT reads it back, not the model in memory.
    base = new_base()
    model = base.model if name.startswith("headless") else base
    before = linear_weights(model)
    loaded = peft.PeftModel.from_pretrained(model, folder)
    merged = linear_weights(loaded.merge_and_unload())
    save_file(merged, folder / "merged.safetensors")
    changed = [weight for weight in merged if not torch.equal(merged[weight], before[weight])]
    return {"name": name, "changed": sorted(changed)}


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    new_base().save_pretrained(OUT / "base")
    (OUT / "base" / "generation_config.json").unlink(missing_ok=True)
    golden = {
        "madeBy": "tools/make-lora-goldens.py",
        "versions": {
            "peft": peft.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "cases": [make_case(name, options) for name, options in CASES.items()],
    }
    (OUT / "goldens.json").write_text(json.dumps(golden, indent=1) + "\n")
    print(f"wrote {len(CASES)} cases")


if __name__ == "__main__":
    main()
