"""A peer that runs in Python, driven over stdin and stdout as protocol.mts says.

    PYTHON bench/peers/peer.py pytorch | torch-compile | openvino
"""

import importlib
import json
import os
import sys
import time
from typing import TextIO

PEERS = ("pytorch", "torch-compile", "openvino")
LONGEST_ERROR = 300

sys.dont_write_bytecode = True  # leaves nothing in the repository


def own_stdout() -> TextIO:
    """The protocol's stdout, for it alone: what libraries print goes to stderr."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


class Peer:
    def __init__(self, name: str):
        self._name = name
        self._engine = None
        self._warm: set[int] = set()  # batch sizes
        self.closed = False

    def open(self, **options) -> dict:
        from python.engine import Options

        module = importlib.import_module(f"python.{self._name.replace('-', '_')}")
        self._engine = module.open(Options(**options))
        self._warm.clear()
        return {"precision": self._engine.precision, "versions": self._engine.versions}

    def _opened(self):
        if self._engine is None:
            raise ValueError("expected an open model: send open first")
        return self._engine

    def run(self, pixels: str, offset: int, batch: int, imageSize: int, repeat: int) -> dict:
        from python.pixels import read

        engine = self._opened()
        values = read(pixels, imageSize, offset, batch)
        if batch not in self._warm:  # a shape's first run compiles and allocates
            engine.run(values)
            self._warm.add(batch)
        seconds = []
        for _ in range(repeat):
            started = time.perf_counter()
            engine.run(values)
            seconds.append(time.perf_counter() - started)
        return {"seconds": seconds, "eventLoopDelayMaxMs": None}

    def embed(self, pixels: str, count: int, imageSize: int) -> dict:
        from python.pixels import read

        engine = self._opened()
        rows = [engine.run(read(pixels, imageSize, i, 1))[0].tolist() for i in range(count)]
        return {"embeddings": rows}

    def close(self) -> dict:
        self.closed = True
        return {}

    def answer(self, line: str) -> dict:
        request = json.loads(line)
        op = request.pop("op")
        if op not in ("open", "run", "embed", "close"):
            raise ValueError(f"expected open, run, embed or close, received {op}")
        return {"ok": True, **getattr(self, op)(**request)}


def failure(error: Exception) -> dict:
    line = " ".join(str(error).split())[:LONGEST_ERROR] or type(error).__name__
    return {"ok": False, "error": line, "missing": isinstance(error, ImportError)}


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in PEERS:
        sys.exit(f"expected one of {', '.join(PEERS)}")
    replies = own_stdout()
    peer = Peer(sys.argv[1])
    for line in sys.stdin:
        try:
            reply = peer.answer(line)
        except Exception as error:  # an operation's failure is a reply; the peer stays
            reply = failure(error)
        print(json.dumps(reply), file=replies, flush=True)
        if peer.closed:
            break


if __name__ == "__main__":
    main()
