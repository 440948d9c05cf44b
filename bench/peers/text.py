"""transformers' Llama as an encoder, driven over stdin and stdout by bench/text.mts.

    PYTHON bench/peers/text.py

As one who knows PyTorch would run it: every token attends to all by the model's own setting, texts
are sorted by length and padded to the longest of their batch, and how many threads and texts a
batch are fastest is tried out.
"""

import json
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # leaves nothing in the repository

import torch  # noqa: E402
import transformers  # noqa: E402
from python.serve import serve  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
BATCHES = (1, 4, 8, 32)
THREADS_TRIED_ON = [{"ids": list(range(1, 129)), "pooled": 128}]


def build(folder: Path, dtype: torch.dtype) -> transformers.LlamaModel:
    settings = json.loads((folder / "config.json").read_text())
    config = transformers.LlamaConfig(**settings, is_causal=False)
    config._attn_implementation = "sdpa"
    with torch.device("meta"):
        model = transformers.LlamaModel(config)
    state = load_file(folder / "model.safetensors")
    state = {name.removeprefix("model."): value.to(dtype) for name, value in state.items()}
    model.load_state_dict(state, assign=True)
    # The angles are no weight: made anew, in f32, off the meta device.
    model.rotary_emb = type(model.rotary_emb)(config)
    for layer in model.layers:
        layer.self_attn.is_causal = False  # where there is no mask, SDPA goes by this
    return model.eval()


class TextPeer:
    def open(self, model: str, threads: int, precision: str) -> dict:
        self._model = build(Path(model), DTYPES[precision])
        tried = {n: self._seconds(n, THREADS_TRIED_ON, 1) for n in range(1, threads + 1)}
        self._threads = min(tried, key=tried.get)
        self._batches: dict[str, int] = {}  # the fastest, by workload
        versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        return {"precision": precision, "versions": versions, "threads": self._threads}

    @torch.inference_mode()
    def _encode(self, texts: list[dict]) -> torch.Tensor:
        """One batch, padded on the right: [B, D] f32."""
        lengths = torch.tensor([len(text["ids"]) for text in texts])
        ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long)
        for row, text in zip(ids, texts):
            row[: len(text["ids"])] = torch.tensor(text["ids"])
        place = torch.arange(ids.shape[1])
        seen = place < lengths[:, None]
        mask = None if bool(seen.all()) else seen.long()
        hidden = self._model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        pooled = torch.tensor([text["pooled"] for text in texts])
        weight = (seen & (place >= (lengths - pooled)[:, None])).float()
        return (hidden.float() * weight[..., None]).sum(1) / pooled[:, None]

    def _encode_all(self, texts: list[dict], batch: int) -> list[list[float]]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]["ids"]))
        rows: list[list[float]] = [[]] * len(texts)
        for begin in range(0, len(order), batch):
            some = order[begin : begin + batch]
            for i, row in zip(some, self._encode([texts[i] for i in some]).tolist()):
                rows[i] = row
        return rows

    def _seconds(self, threads: int, texts: list[dict], batch: int) -> float:
        """Of the second time: the first one allocates."""
        torch.set_num_threads(threads)
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
        return {"embeddings": [self._encode([text])[0].tolist() for text in texts]}

    def run(self, workload: str, texts: list[dict], repeat: int) -> dict:
        batch = self._batch_of(workload, texts)
        torch.set_num_threads(self._threads)
        seconds = []
        for _ in range(repeat):
            begin = time.perf_counter()
            self._encode_all(texts, batch)
            seconds.append(time.perf_counter() - begin)
        return {"seconds": seconds, "batch": batch}


if __name__ == "__main__":
    peer = TextPeer()
    serve({"open": peer.open, "run": peer.run, "embed": peer.embed})
