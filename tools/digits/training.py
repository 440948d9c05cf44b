"""Contrastive training of the image side and the text side together."""

import math
import random

import torch

from .captions import caption
from .model import Digits
from .images import shifted

EPOCHS, BATCH, LEARNING_RATE = 60, 128, 1e-3
LARGEST_LOGIT_SCALE = math.log(100)


def contrastive_loss(similarities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """CLIP's loss. For each image, all captions in the batch with the same digit are right."""
    alike = labels[:, None] == labels[None, :]
    right = alike / alike.sum(1, keepdim=True)
    both = [similarities.log_softmax(1), similarities.T.log_softmax(1)]
    return -sum((log * right).sum(1).mean() for log in both) / 2


def train(model: Digits, images: torch.Tensor, labels: torch.Tensor, seed: int) -> None:
    chance = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    model.train()
    for epoch in range(EPOCHS):
        order = torch.randperm(len(images))
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            texts = [caption(digit, chance) for digit in labels[chosen].tolist()]
            pictures = model.of_pictures(shifted(images[chosen]))
            scale = model.logit_scale.clamp(max=LARGEST_LOGIT_SCALE).exp()
            similarities = scale * pictures @ model.of_texts(texts).T
            loss = contrastive_loss(similarities, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)
    model.eval()
