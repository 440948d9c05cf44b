"""The project's own command, for the tools that compare it with the reference."""

import json
import subprocess
from pathlib import Path

import torch

COMMAND = ["node", str(Path(__file__).resolve().parent.parent / "dist" / "cli" / "main.js")]


def llm2clip(*arguments: str) -> str:
    """What `llm2clip <arguments>` prints; its errors go to the terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def embeddings(bundle: str, pictures: list[Path]) -> torch.Tensor:
    """[n, E], the raw projection."""
    lines = llm2clip("encode", bundle, *map(str, pictures), "--no-normalize", "--json").splitlines()
    return torch.tensor([json.loads(line)["embedding"] for line in lines])
