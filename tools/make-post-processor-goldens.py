"""Computes transformers' tokens for tokenizer.json files that add no tokens, or others than BOS.

Only developers need this. It requires transformers, and Node for the tokenizer's file.

    python tools/make-post-processor-goldens.py      # writes test/fixtures/goldens/post-processors.json
"""

import json
import tempfile
from pathlib import Path

import tokenizers
import transformers
from project import ROOT, generate
from prompt import tokenize

OUT = ROOT / "test" / "fixtures" / "goldens" / "post-processors.json"
WORDS = ["photo", "of", "zero", "one"]
BEGIN, END = "<|begin_of_text|>", "<|eot_id|>"
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
LONG = [" zero" * count for count in (498, 500, 503, 505, 506, 507, 520)]
TEXTS = ["a photo of zero", "", "one<|eot_id|>", "a!@#$%^&*()b", *LONG]


def template(before: list[str], after: list[str], ids: dict[str, int]) -> dict:
    """A post-processor that adds tokens before and after a text."""

    def special(token: str) -> dict:
        return {"SpecialToken": {"id": token, "type_id": 0}}

    sequence = {"Sequence": {"id": "A", "type_id": 0}}
    single = [*map(special, before), sequence, *map(special, after)]
    tokens = {
        token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in {*before, *after}
    }
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": tokens,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        generate("synthetic-tokenizer", ["--words", ",".join(WORDS)], folder)
        path = Path(folder) / "tokenizer.json"
        published = json.loads(path.read_text(encoding="utf-8"))
        ids = {token["content"]: token["id"] for token in published["added_tokens"]}
        processors = {
            "none": None,
            "ByteLevel": BYTE_LEVEL,
            "BOS": template([BEGIN], [], ids),
            "BOS twice": template([BEGIN, BEGIN], [], ids),
            "BOS and end": template([BEGIN], [END], ids),
            "end alone": template([], [END], ids),
            "no token": template([], [], ids),
            "Sequence": {"type": "Sequence", "processors": [BYTE_LEVEL, template([], [END], ids)]},
        }
        cases = []
        for name, processor in processors.items():
            path.write_text(json.dumps({**published, "post_processor": processor}))
            tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
            found = [tokenize(tokenizer, text) for text in TEXTS]
            tokens = [{"ids": ids_, "pooled": min(pooled, len(ids_))} for ids_, pooled in found]
            cases.append({"name": name, "postProcessor": processor, "tokens": tokens})
    golden = {
        "madeBy": "tools/make-post-processor-goldens.py",
        "versions": {
            "tokenizers": tokenizers.__version__,
            "transformers": transformers.__version__,
        },
        "words": WORDS,
        "texts": TEXTS,
        "cases": cases,
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"wrote {OUT.name}")


if __name__ == "__main__":
    main()
