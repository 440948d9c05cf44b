"""What peer.py asks of a peer: a module with `open(options) -> Engine`."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Options:
    """How to open a model; protocol.mts says more."""

    model: str
    threads: int
    precision: str
    device: str
    imageSize: int  # named as in the protocol
    maxBatch: int
    calibration: str | None


class Engine(Protocol):
    precision: str  # what really runs
    versions: dict[str, str]

    def run(self, pixels: np.ndarray) -> np.ndarray:
        """[b, 3, S, S] → [b, E], both float32; returns when the device is done."""


def require(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"expected one of {', '.join(choices)} as {name}, received {value}")
