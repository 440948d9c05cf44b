"""Times EVA02-L/14@336 with random weights in PyTorch, eager and compiled, on the first GPU.

    python bench/gpu/pytorch.py --precision fp16 --batches 1,8,64 --seconds 2 [--compile] > times.json

Needs only torch. The tower is written here as in the source that MODEL.md names, with torch's own
fused attention. gpu-check compares its speed with ours. The embeddings differ, because the weights
do.
"""

import argparse
import json
import signal
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SIZE, PATCH, WIDTH, LAYERS, HEADS, HIDDEN, EMBEDDING = 336, 14, 1024, 24, 16, 2730, 1280
GRID = SIZE // PATCH
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def angles() -> torch.Tensor:
    """[2, tokens, head dim]: cosines, then sines. The class token is not rotated."""
    half = WIDTH // HEADS // 2
    frequencies = 10000.0 ** -(torch.arange(0, half, 2).float() / half)
    positions = torch.arange(GRID).float() / GRID * 16
    axis = torch.outer(positions, frequencies).repeat_interleave(2, dim=1)
    rows = axis[:, None, :].expand(GRID, GRID, half)
    columns = axis[None, :, :].expand(GRID, GRID, half)
    both = torch.cat([rows, columns], dim=-1).reshape(GRID * GRID, 2 * half)
    both = torch.cat([torch.zeros(1, 2 * half), both])
    return torch.stack([both.cos(), both.sin()])


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        norm = lambda width: nn.LayerNorm(width, eps=1e-6)  # noqa: E731
        self.norm1, self.norm2 = norm(WIDTH), norm(WIDTH)
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.inner_attn_ln, self.ffn_ln = norm(WIDTH), norm(HIDDEN)
        self.w1, self.w2 = nn.Linear(WIDTH, HIDDEN), nn.Linear(WIDTH, HIDDEN)
        self.w3 = nn.Linear(HIDDEN, WIDTH)

    @staticmethod
    def turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        turned = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
        return x * cos + turned * sin

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        batch, tokens, _ = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        q, k = self.turn(qkv[0], cos, sin), self.turn(qkv[1], cos, sin)
        h = F.scaled_dot_product_attention(q, k, qkv[2]).transpose(1, 2).flatten(2)
        x = x + self.proj(self.inner_attn_ln(h))
        h = self.norm2(x)
        return x + self.w3(self.ffn_ln(F.silu(self.w1(h)) * self.w2(h)))


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.cls = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.1)
        self.position = nn.Parameter(torch.randn(1, 1 + GRID * GRID, WIDTH) * 0.1)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(WIDTH, eps=1e-6), nn.Linear(WIDTH, EMBEDDING)
        self.register_buffer("angles", angles())

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.patches(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        for block in self.blocks:
            x = block(x, self.angles[0], self.angles[1])
        return self.head(self.norm(x)[:, 0])


def time_batch(model: nn.Module, batch: int, dtype: torch.dtype, seconds: float) -> dict:
    """Measures from pinned pixels to embeddings on the host, like llm2clip's runs."""
    pixels = torch.randn(batch, 3, SIZE, SIZE).pin_memory()
    run = lambda: model(pixels.to("cuda", dtype, non_blocking=True)).float().cpu()  # noqa: E731
    for _ in range(5):
        run()
    took = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        took.append(1e3 * (time.perf_counter() - start))
    took.sort()
    p50 = statistics.median(took)
    p99 = took[len(took) * 99 // 100]
    return {"batch": batch, "p50Ms": p50, "p99Ms": p99, "perSecond": 1e3 * batch / p50}


def stop(*_: object) -> None:
    """When this is stopped, it prints what was done. A second signal must not end it while it
    prints."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", choices=DTYPES, default="fp16")
    # The most important sizes come first.
    parser.add_argument("--batches", default="64,1,8,32,16,4,2")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    dtype = DTYPES[arguments.precision]
    model = Tower().eval().to("cuda", dtype)
    if arguments.compile:
        # Each size gets its own kernels. Kernels for all sizes would be slower, and an unfair
        # comparison.
        model = torch.compile(model, mode="max-autotune", dynamic=False)
    times = []
    signal.signal(signal.SIGTERM, stop)
    try:
        with torch.inference_mode():
            for batch in arguments.batches.split(","):
                times.append(time_batch(model, int(batch), dtype, arguments.seconds))
    finally:
        name = f"{'torch.compile' if arguments.compile else 'PyTorch'} {arguments.precision}"
        print(json.dumps({"contestant": name, "torch": torch.__version__, "batches": times}))


if __name__ == "__main__":
    main()
