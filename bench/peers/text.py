"""transformers' Llama as an encoder. bench/text.mts drives it over stdin and stdout.

    PYTHON bench/peers/text.py

It runs as an expert would run it: texts are sorted by length and padded to the longest of their
batch, and the fastest number of threads and batch size are found by trial.
"""

import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # do not leave files in the repository

from python.serve import serve  # noqa: E402

BATCHES = (1, 4, 8, 32)
THREADS_TRIED_ON = [{"ids": list(range(1, 129)), "pooled": 128}]


class TextPeer:
    def open(self, model: str, threads: int, precision: str) -> dict:
        from python.llama import VERSIONS, Encoder  # here, so that a missing package is a reply

        self._encoder = Encoder(Path(model), precision)
        tried = {n: self._seconds(n, THREADS_TRIED_ON, 1) for n in range(1, threads + 1)}
        self._threads = min(tried, key=tried.get)
        self._batches: dict[str, int] = {}  # the fastest batch size of each workload
        return {"precision": precision, "versions": VERSIONS, "threads": self._threads}

    def _encode_all(self, texts: list[dict], batch: int) -> list[list[float]]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]["ids"]))
        rows: list[list[float]] = [[]] * len(texts)
        for begin in range(0, len(order), batch):
            some = order[begin : begin + batch]
            for i, row in zip(some, self._encoder.encode([texts[i] for i in some])):
                rows[i] = row
        return rows

    def _seconds(self, threads: int, texts: list[dict], batch: int) -> float:
        """Times the second run, because the first one allocates."""
        self._encoder.use_threads(threads)
        for _ in range(2):
            begin = time.perf_counter()
            self._encode_all(texts, batch)
            seconds = time.perf_counter() - begin
        return seconds

    def _batch_of(self, workload: str, texts: list[dict]) -> int:
        if workload not in self._batches:
            sizes = {min(batch, len(texts)) for batch in BATCHES}
            tried = {size: self._seconds(self._threads, texts, size) for size in sizes}
            self._batches[workload] = min(tried, key=tried.get)
        return self._batches[workload]

    def embed(self, texts: list[dict]) -> dict:
        return {"embeddings": [self._encoder.encode([text])[0] for text in texts]}

    def run(self, workload: str, texts: list[dict], repeat: int) -> dict:
        batch = self._batch_of(workload, texts)
        self._encoder.use_threads(self._threads)
        self._encode_all(texts, batch)  # not timed, because the peer may have been stopped before
        seconds = []
        for _ in range(repeat):
            begin = time.perf_counter()
            self._encode_all(texts, batch)
            seconds.append(time.perf_counter() - begin)
        return {"seconds": seconds, "batch": batch}


if __name__ == "__main__":
    peer = TextPeer()
    serve({"open": peer.open, "run": peer.run, "embed": peer.embed})
