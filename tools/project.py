"""Runs the project's own command and generators, for the tools that compare it with the
reference."""

import json
import subprocess
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ["node", str(ROOT / "dist" / "cli" / "main.js")]


def llm2clip(*arguments: str) -> str:
    """Returns the output of `llm2clip <arguments>`. Its errors go to the terminal."""
    return subprocess.run(
        [*COMMAND, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def generate(tool: str, options: list[str], folder: str) -> None:
    """Lets tools/<tool>.mts write the inputs of goldens to `folder`."""
    generator = ["node", "--import", "tsx", f"tools/{tool}.mts"]
    subprocess.run([*generator, *options, "--out", folder], cwd=ROOT, check=True)


def embeddings(bundle: str, pictures: list[Path]) -> torch.Tensor:
    """Returns [n, E], the raw projection."""
    lines = llm2clip("encode", bundle, *map(str, pictures), "--no-normalize", "--json").splitlines()
    return torch.tensor([json.loads(line)["embedding"] for line in lines])
