"""Makes one record of what scripts/gpu-check.sh ran: record.py FOLDER OUT.json

FOLDER holds `steps`, a line a step of name, status, seconds, reason, what it decides and command
between tabs; what each printed, NAME.out and NAME.err; and `gpu`, what the machine has. A status is
"ok", "failed", "cut" (its plan was over, and its result may be a part) or "skipped". A record that
OUT.json holds already keeps its steps, but for those that ran again. The exit code is 1 if a step of
FOLDER failed.
"""

import json
import platform
import re
import sys
from datetime import datetime, timezone
from pathlib import Path

from summary import gates, ratios

LAST_LINES = 20
# A folder of the machine that ran it, down to the file's own name: of no interest elsewhere.
FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\",;()]+/)+")


def without_folders(text: str) -> str:
    return FOLDERS.sub("", text)


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def result_of(folder: Path, name: str) -> object:
    """The step's JSON, where its output is some."""
    try:
        return json.loads(without_folders(read(folder / f"{name}.out")))
    except ValueError:
        return None


def last_lines(folder: Path, name: str, result: object) -> list[str]:
    """What a failed step said: its errors, and its output where that is no result."""
    streams = [f"{name}.err"] if result is not None else [f"{name}.out", f"{name}.err"]
    lines = [read(folder / stream).splitlines()[-LAST_LINES:] for stream in streams]
    return [without_folders(line) for stream in lines for line in stream]


def steps(folder: Path) -> list[dict]:
    """Of this run. A step's own date and GPU: a record may hold those of several."""
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
    """In the old order; what is new comes last. A step that was skipped or cut may have run before."""
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
    # Renamed: whoever is stopped while writing leaves the old one.
    fresh = out.with_suffix(".part")
    fresh.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    fresh.replace(out)
    failed = [step["name"] for step in ran if step["status"] == "failed"]
    print(f"wrote {out}; {len(ran)} steps, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
