"""Evaluates the written files with timm, transformers and PyTorch."""

from pathlib import Path

import torch
from torch.nn.functional import normalize
from transformers import AutoModel, PreTrainedTokenizerFast

from prompt import tokenize
from reference import build, read_state
from text_reference import load_adapter, pooled_features

from .model import ADAPTER_PREFIX


class Reference:
    """Maps images and texts to the embeddings of the towers, in fp32."""

    def __init__(self, checkpoint: Path, llm: Path):
        self.visual = build(checkpoint)
        state = read_state(checkpoint).items()
        named = {k.removeprefix(ADAPTER_PREFIX): v for k, v in state if k.startswith(ADAPTER_PREFIX)}
        self.adapter = load_adapter(named)
        self.llama = AutoModel.from_pretrained(llm, dtype=torch.float32).eval()
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(llm)

    def of_pictures(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.visual(pixels)

    def of_texts(self, texts: list[str]) -> torch.Tensor:
        tokens = [tokenize(self.tokenizer, text) for text in texts]
        features = pooled_features(self.llama, tokens, self.tokenizer.eos_token_id)
        return self.adapter(normalize(features.bfloat16().float()))

    def of_classes(self, classes: list[str], templates: list[str]) -> torch.Tensor:
        """[classes, E]: for each class, the mean over the templates."""
        texts = [template.format(label) for label in classes for template in templates]
        each = normalize(self.of_texts(texts)).unflatten(0, (len(classes), len(templates)))
        return normalize(each.mean(1))


def accuracy(similarities: torch.Tensor, right: torch.Tensor, labels: torch.Tensor) -> float:
    return (labels[similarities.argmax(1)] == right).double().mean().item()


def nearest_neighbour_accuracy(
    held_out: torch.Tensor, right: torch.Tensor, gallery: torch.Tensor, labels: torch.Tensor
) -> float:
    return accuracy(normalize(held_out) @ normalize(gallery).T, right, labels)


def zero_shot_accuracy(
    held_out: torch.Tensor, right: torch.Tensor, classes: torch.Tensor
) -> float:
    return accuracy(normalize(held_out) @ classes.T, right, torch.arange(len(classes)))
