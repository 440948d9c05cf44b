"""Makes one record of what scripts/gpu-check.sh ran: record.py FOLDER OUT.json

Exit code 1 where a step failed.
"""

import json
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path


def steps(folder: Path) -> list[dict]:
    lines = (folder / "steps").read_text().splitlines()
    names = ("name", "status", "seconds", "command")
    return [dict(zip(names, line.split("\t", 3))) for line in lines]


def result_of(folder: Path, name: str) -> object:
    """The step's JSON, where its output is some."""
    try:
        return json.loads((folder / f"{name}.out").read_text())
    except (OSError, ValueError):
        return None


def gpu() -> str:
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main() -> int:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    ran = steps(folder)
    for step in ran:
        step["seconds"] = int(step["seconds"])
        step["result"] = result_of(folder, step["name"])
        # Where it ran is of no interest, and of no use elsewhere.
        step["command"] = step["command"].replace(str(Path.cwd()) + "/", "").replace(str(folder), "WORK")
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "gpu": gpu(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "steps": ran,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    failed = [step["name"] for step in ran if step["status"] == "failed"]
    print(f"wrote {out}; {len(ran)} steps, failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
