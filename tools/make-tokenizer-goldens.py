"""Computes the tokens that transformers gives for 10,000 texts in LLM2CLIP's prompt, and how many are averaged.

Developers only: needs transformers, and Node for the tokenizer's file and the texts.

    python tools/make-tokenizer-goldens.py      # writes test/fixtures/goldens/tokenizer.json
"""

import json
import subprocess
import tempfile
import zlib
from pathlib import Path

import tokenizers
import transformers

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "test" / "fixtures" / "goldens" / "tokenizer.json"
COUNT = 10_000
SEED = 1
WHOLE = 200  # texts whose tokens are kept; of the others a checksum
MAX_LENGTH = 512
SEPARATOR = "!@#$%^&*()"


def prompt(text: str) -> str:
    header = "<|start_header_id|>user<|end_header_id|>\n\n"
    return header + (SEPARATOR + text).strip() + "<|eot_id|>"


def tokenize(tokenizer, text: str) -> tuple[list[int], int]:
    """Token ids, and over how many of the last the mean goes."""
    parts = prompt(text).split(SEPARATOR)
    limit = {"truncation": True, "max_length": MAX_LENGTH}
    ids = tokenizer("".join(parts), **limit)["input_ids"]
    counted = tokenizer(parts[1], add_special_tokens=False, **limit)["input_ids"]
    return ids, len(counted) or len(ids)


def checksum(ids: list[int], pooled: int) -> str:
    data = b"".join(value.to_bytes(4, "little") for value in [*ids, pooled])
    return f"{zlib.crc32(data):08x}"


def main() -> None:
    options = ["--texts", str(COUNT), "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generator = ["node", "--import", "tsx", "tools/synthetic-tokenizer.mts"]
        subprocess.run([*generator, *options, "--out", folder], cwd=ROOT, check=True)
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
