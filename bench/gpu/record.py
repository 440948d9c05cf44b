"""Writes a record of the steps that scripts/gpu-check.sh ran: record.py FOLDER OUT.json

FOLDER contains `steps`, with one line per step: name, status, seconds, reason, what it decides and
its command, separated by tabs. It also contains each step's output, NAME.out and NAME.err, and
`gpu`, which describes the GPU. A status is "ok", "failed", "cut" (the plan's time was over, so the
result may be incomplete) or "skipped". Steps that OUT.json already contains are kept, unless they
ran again. The exit code is 1 if a step in FOLDER failed.
"""

import json
import platform
import re
import sys
from datetime import datetime, timezone
from pathlib import Path

from summary import gates, ratios

LAST_LINES = 20
# Matches folders of this machine, which mean nothing elsewhere. The file's own name is kept.
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\",;()]+/)+")


def without_folders(text: str) -> str:
    return FOLDERS.sub("", text)


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def result_of(folder: Path, name: str) -> object:
    """Returns the step's output if it is JSON."""
    try:
        return json.loads(without_folders(read(folder / f"{name}.out")))
    except ValueError:
        return None


def last_lines(folder: Path, name: str, result: object) -> list[str]:
    """Returns the last lines of a failed step: its errors, and its output if that is not a
    result."""
    streams = [f"{name}.err"] if result is not None else [f"{name}.out", f"{name}.err"]
    lines = [read(folder / stream).splitlines()[-LAST_LINES:] for stream in streams]
    return [without_folders(line) for stream in lines for line in stream]


def steps(folder: Path) -> list[dict]:
    """Returns the steps of this run. Each has its own date and GPU, because a record may combine
    several runs."""
    gpu = read(folder / "gpu").strip()
    found = []
    for line in read(folder / "steps").splitlines():
        name, status, seconds, reason, decides, command = line.split("\t", 5)
        step = {"name": name, "status": status, "seconds": int(seconds), "gpu": gpu}
        if reason:
            step["reason"] = without_folders(reason)
        step["decides"] = decides
        step["command"] = without_folders(command)
        step["result"] = result_of(folder, name)
        if status == "failed":
            step["lastLines"] = last_lines(folder, name, step["result"])
        found.append(step)
    return found


def merged(old: list[dict], new: list[dict]) -> list[dict]:
    """Keeps the old order and appends new steps. A skipped or cut step keeps its earlier result."""
    by_name = {step["name"]: step for step in old}
    for step in new:
        if step["status"] in ("ok", "failed") or step["name"] not in by_name:
            by_name[step["name"]] = step
    return list(by_name.values())


def main() -> int:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    ran = steps(folder)
    old = json.loads(read(out) or "{}").get("steps", [])
    together = merged(old, ran)
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "gpu": read(folder / "gpu").strip(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "gates": gates(together),
        "ratios": ratios(together),
        "steps": together,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    # The file is renamed at the end, so that an interruption leaves the old one intact.
    fresh = out.with_suffix(".part")
    fresh.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    fresh.replace(out)
    failed = [step["name"] for step in ran if step["status"] == "failed"]
    print(f"wrote {out}; {len(ran)} steps, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
