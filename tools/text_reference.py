"""The text side of the reference: the language model's pooled output, and the adapter.

Only developers need this, like all Python code here. It requires torch and transformers.
"""

import torch
from torch import nn

BLOCKS = 4


def pooled_features(llama, texts: list[tuple[list[int], int]], pad: int) -> torch.Tensor:
    """Returns [n, D]: means over the last hidden states of tokenised texts, padded on the left."""
    width = max(len(ids) for ids, _ in texts)
    rows = [[pad] * (width - len(ids)) + ids for ids, _ in texts]
    position = torch.arange(width)
    real = position >= width - torch.tensor([[len(ids)] for ids, _ in texts])
    averaged = (position >= width - torch.tensor([[pooled] for _, pooled in texts]))[:, :, None]
    # transformers uses a mask of four dimensions unchanged. Every token attends to all except the
    # padding.
    hidden_from = torch.where(real, 0.0, torch.finfo(torch.float32).min)[:, None, None, :]
    mask = hidden_from.expand(-1, 1, width, -1)
    states = llama(input_ids=torch.tensor(rows), attention_mask=mask).last_hidden_state
    return (states * averaged).sum(1) / averaged.sum(1)


class Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.ln = nn.LayerNorm(width)
        self.fn = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(0), nn.Linear(2 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.fn(self.ln(x))


def new_adapter(width: int, embedding: int) -> nn.Sequential:
    """An untrained adapter. Its input must be L2-normalised if the model requires that."""
    blocks = [Block(width) for _ in range(BLOCKS)]
    return nn.Sequential(*blocks, nn.LayerNorm(width), nn.Linear(width, embedding))


def load_adapter(state: dict[str, torch.Tensor]) -> nn.Sequential:
    """Loads an adapter from tensors without the checkpoint's prefix."""
    embedding, width = state[f"{BLOCKS + 1}.weight"].shape
    model = new_adapter(width, embedding).eval()
    model.load_state_dict(state)
    return model
