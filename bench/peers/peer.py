"""A peer that runs in Python. It speaks the protocol of protocol.mts over stdin and stdout.

    PYTHON bench/peers/peer.py pytorch | torch-compile | openvino
"""

import importlib
import sys
import time

sys.dont_write_bytecode = True  # do not leave files in the repository

from python.serve import serve  # noqa: E402

PEERS = ("pytorch", "torch-compile", "openvino")


class Peer:
    def __init__(self, name: str):
        self._name = name
        self._engine = None

    def open(self, **options) -> dict:
        from python.engine import Options

        module = importlib.import_module(f"python.{self._name.replace('-', '_')}")
        self._engine = module.open(Options(**options))
        return {"precision": self._engine.precision, "versions": self._engine.versions}

    def _opened(self):
        if self._engine is None:
            raise ValueError("expected an open model: send open first")
        return self._engine

    def run(
        self, pixels: str, offset: int, batch: int, imageSize: int, leastSeconds: float
    ) -> dict:
        from python.pixels import read

        engine = self._opened()
        values = read(pixels, imageSize, offset, batch)
        engine.run(values)  # not timed: the peer may have been stopped, or the shape may be new
        seconds = []
        while not seconds or sum(seconds) < leastSeconds:
            started = time.perf_counter()
            engine.run(values)
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds, "eventLoopDelayMaxMs": None}

    def embed(self, pixels: str, count: int, imageSize: int) -> dict:
        from python.pixels import read

        engine = self._opened()
        rows = [engine.run(read(pixels, imageSize, i, 1))[0].tolist() for i in range(count)]
        return {"embeddings": rows}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in PEERS:
        sys.exit(f"expected one of {', '.join(PEERS)}")
    peer = Peer(sys.argv[1])
    serve({"open": peer.open, "run": peer.run, "embed": peer.embed})


if __name__ == "__main__":
    main()
