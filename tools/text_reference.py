"""The reference's text side: the language model's pooled output, the adapter.

Developers only, as everything in Python here: needs torch and transformers.
"""

import torch
from torch import nn

BLOCKS = 4


def pooled_features(llama, texts: list[tuple[list[int], int]], pad: int) -> torch.Tensor:
    """[n, D]: means over the last hidden states of tokenised texts, padded on the left to one width."""
    width = max(len(ids) for ids, _ in texts)
    rows = [[pad] * (width - len(ids)) + ids for ids, _ in texts]
    position = torch.arange(width)
    real = position >= width - torch.tensor([[len(ids)] for ids, _ in texts])
    averaged = (position >= width - torch.tensor([[pooled] for _, pooled in texts]))[:, :, None]
    # A mask of four dimensions is taken as it is: all tokens see all tokens but the padding.
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
    """Untrained; its input must be L2-normalised where the model has it so."""
    blocks = [Block(width) for _ in range(BLOCKS)]
    return nn.Sequential(*blocks, nn.LayerNorm(width), nn.Linear(width, embedding))


def load_adapter(state: dict[str, torch.Tensor]) -> nn.Sequential:
    """From tensors without the prefix that a checkpoint gives them."""
    embedding, width = state[f"{BLOCKS + 1}.weight"].shape
    model = new_adapter(width, embedding).eval()
    model.load_state_dict(state)
    return model
