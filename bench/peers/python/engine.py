"""The interface of a peer for peer.py: a module with `open(options) -> Engine`."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Options:
    """How to open a model; see protocol.mts."""

    model: str
    threads: int
    precision: str
    device: str
    imageSize: int  # named as in the protocol
    maxBatch: int
    calibration: str | None


class Engine(Protocol):
    precision: str  # the precision that the engine really uses
    versions: dict[str, str]

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """[b, 3, S, S] → [b, E], both float32. Returns when the device has finished."""


def require(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"expected one of {', '.join(choices)} as {name}, received {value}")
