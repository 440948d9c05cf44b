"""Computes transformers' tokens for 10,000 texts in LLM2CLIP's prompt, and how many are pooled.

Only developers need this. It requires transformers, and Node for the tokenizer's file and texts.

    python tools/make-tokenizer-goldens.py      # writes test/fixtures/goldens/tokenizer.json
"""

import json
import tempfile
import zlib
from pathlib import Path

import tokenizers
import transformers
from project import ROOT, generate
from prompt import tokenize

OUT = ROOT / "test" / "fixtures" / "goldens" / "tokenizer.json"
COUNT = 10_000
SEED = 1
WHOLE = 200  # texts whose tokens are stored; for the others only a checksum is


def checksum(ids: list[int], pooled: int) -> str:
    data = b"".join(value.to_bytes(4, "little") for value in [*ids, pooled])
    return f"{zlib.crc32(data):08x}"


def main() -> None:
    options = ["--texts", str(COUNT), "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generate("synthetic-tokenizer", options, folder)
        tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
        texts = json.loads((Path(folder) / "texts.json").read_text(encoding="utf-8"))
    found = [tokenize(tokenizer, text) for text in texts]
    golden = {
        "madeBy": "tools/make-tokenizer-goldens.py",
        "generator": " ".join(options),
        "seed": SEED,
        "versions": {
            "tokenizers": tokenizers.__version__,
            "transformers": transformers.__version__,
        },
        "tokens": [{"ids": ids, "pooled": pooled} for ids, pooled in found[:WHOLE]],
        "checksums": "".join(checksum(*each) for each in found),
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"wrote {OUT.name}")


if __name__ == "__main__":
    main()
