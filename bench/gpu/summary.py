"""Summarises the steps of a record: how EVA02-L compares with PyTorch, and the goals of
DESIGN.md."""

# The steps that time EVA02-L, by engine. Their names end in -fp16 and so on.
ENGINES = {
    "torchscript": "session-large",
    "tensorrt-rtx": "tensorrt-rtx-large",
    "tensorrt": "tensorrt-large",
}
PRECISIONS = ("fp16", "bf16", "fp32")
PEERS = {"timesEager": "pytorch", "timesCompiled": "torch-compile"}

# Goals for fp16: name, batch size, key of the value, bound, and whether the bound is a minimum.
GOALS = [
    ("offline, times PyTorch eager", 64, "timesEager", 1.8, True),
    ("offline, times torch.compile", 64, "timesCompiled", 1.1, True),
    ("offline, images/s", 64, "perSecond", 1600, True),
    ("batch 1, p50 in ms", 1, "p50Ms", 1.3, False),
    ("batch 1, times PyTorch eager", 1, "timesEager", 3, True),
    ("served, of offline", 64, "served", 0.85, True),
]


def result(steps: list[dict], name: str) -> tuple[dict, str | None]:
    """Returns a step's result and its GPU, or {} if there is no result."""
    step = next((step for step in steps if step["name"] == name), {})
    return step.get("result") or {}, step.get("gpu")


def peer_rates(steps: list[dict], peer: str, precision: str, gpu: str | None) -> dict[int, float]:
    """Returns images per second by batch size. Results of another GPU are not comparable."""
    times, of = result(steps, f"{peer}-{precision}")
    return {time["batch"]: time["perSecond"] for time in times.get("batches", []) if of == gpu}


def ratios_of(steps: list[dict], engine: str, found: dict, gpu: str | None) -> list[dict]:
    """Returns one row per batch size for an engine in one precision."""
    peers = {key: peer_rates(steps, peer, found["precision"], gpu) for key, peer in PEERS.items()}
    rows = []
    for time in found.get("batches", []):
        row = {"engine": engine, "precision": found["precision"], **time}
        for key, rates in peers.items():
            if time["batch"] in rates:
                row[key] = round(time["perSecond"] / rates[time["batch"]], 3)
        if time["batch"] == 64 and found.get("servedPerSecond"):
            row["served"] = round(found["servedPerSecond"] / time["perSecond"], 3)
        rows.append(row)
    return rows


def ratios(steps: list[dict]) -> list[dict]:
    rows = []
    for engine, step in ENGINES.items():
        for precision in PRECISIONS:
            session, gpu = result(steps, f"{step}-{precision}")
            for found in session.get("engines", []):
                rows += ratios_of(steps, engine, found, gpu)
    return rows


def gate(engine: str, goal: tuple, rows: list[dict]) -> dict:
    name, batch, key, bound, least = goal
    row = next((row for row in rows if row["batch"] == batch), {})
    value = row.get(key)
    # A goal that was not measured is neither met nor missed.
    met = None if value is None else value >= bound if least else value <= bound
    return {"engine": engine, "goal": name, "bound": bound, "found": value, "met": met}


def gates(steps: list[dict]) -> list[dict]:
    """Goals are not failures. Returns a row per goal for every engine that was timed in fp16."""
    all_rows = [row for row in ratios(steps) if row["precision"] == "fp16"]
    engines = dict.fromkeys(row["engine"] for row in all_rows)
    return [
        gate(engine, goal, [row for row in all_rows if row["engine"] == engine])
        for engine in engines
        for goal in GOALS
    ]
