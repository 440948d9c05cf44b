"""Has MLPerf's LoadGen drive the process that `llm2clip bench` measures.

    python bench/loadgen/loadgen.py '{"subject": [...], "open": {...}, "scenario": "Server", ...}'

The process speaks lib/bench/protocol.ts on its stdin and stdout. What is asked for is a JSON object,
`Asked` in bench/loadgen/process.mts; what is printed is LoadGen's own result, `Found` there.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

import mlperf_loadgen as lg

PERCENTILES = {"p50": "50.00", "p90": "90.00", "p99": "99.00"}


class Subject:
    """The measured process. Its answers are taken by a thread that sleeps until one comes."""

    def __init__(self, command, options):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._errors = {}
        self._complete = None
        self._idle = threading.Event()
        self.say({"op": "open", **options})
        opened = json.loads(self._process.stdout.readline() or "{}")
        if opened.get("is") != "opened":
            raise SystemExit(f"expected an open bundle, found {opened}")
        self.pictures = len(options["paths"])
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, request):
        self._process.stdin.write(f"{json.dumps(request)}\n".encode())

    def ask(self, queries, complete):
        """Queries as [id, picture]; `complete` is called with the ids that are answered."""
        self._complete = complete
        self.say({"op": "ask", "queries": queries})

    def warm_up(self, seconds):
        """One picture after the other, before LoadGen begins."""
        end = time.monotonic() + seconds
        picture = 0
        while time.monotonic() < end:
            self._idle.clear()
            self.ask([[0, picture]], lambda _: self._idle.set())
            self._idle.wait()
            picture += 1

    def close(self):
        """Ends the process; gives the outcomes of queries that failed."""
        self._process.stdin.close()
        self._process.wait()
        return self._errors

    def _listen(self):
        for line in self._process.stdout:
            answers = json.loads(line)["answers"]
            for _, _, outcome in answers:
                if outcome != "done":
                    self._errors[outcome] = self._errors.get(outcome, 0) + 1
            self._complete([id for id, _, _ in answers])


def settings_of(asked):
    settings = lg.TestSettings()
    settings.scenario = getattr(lg.TestScenario, asked["scenario"])
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = int(1000 * asked["seconds"])
    settings.min_query_count = asked["minQueries"]
    settings.schedule_rng_seed = settings.sample_index_rng_seed = asked["seed"]
    if asked["scenario"] == "Server":
        settings.server_target_qps = asked["rate"]
        # Only what LoadGen calls valid depends on it, not what it measures.
        settings.server_target_latency_ns = 10**9
    if asked["scenario"] == "Offline":
        settings.min_query_count = 1
        settings.offline_expected_qps = asked["rate"]
    if asked["scenario"] == "SingleStream":
        # LoadGen makes twice as many queries in advance as this lets it expect.
        settings.single_stream_expected_latency_ns = int(1e6 * asked["expectedMs"])
    return settings


def result_of(folder):
    """LoadGen's figures by key, from the lines of its log: `:::MLLOG {"key": ..., "value": ...}`."""
    entries = [
        json.loads(line.removeprefix(":::MLLOG "))
        for line in (Path(folder) / "mlperf_log_detail.txt").read_text().splitlines()
        if line.startswith(":::MLLOG ")
    ]
    return {entry["key"]: entry["value"] for entry in entries}


def run(asked, subject):
    complete = lambda ids: lg.QuerySamplesComplete(
        [lg.QuerySampleResponse(id, 0, 0) for id in ids]
    )
    issue = lambda samples: subject.ask([[s.id, s.index] for s in samples], complete)
    sut = lg.ConstructSUT(issue, lambda: None)
    count = subject.pictures
    qsl = lg.ConstructQSL(count, count, lambda _: None, lambda _: None)
    with tempfile.TemporaryDirectory(prefix="llm2clip-loadgen-") as folder:
        log = lg.LogSettings()
        log.log_output.outdir = folder
        log.log_output.copy_summary_to_stdout = False
        lg.StartTestWithLogSettings(sut, qsl, settings_of(asked), log)
        result = result_of(folder)
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    return result


def main():
    asked = json.loads(sys.argv[1])
    subject = Subject(asked["subject"], asked["open"])
    subject.warm_up(asked["warmUpSeconds"])
    result = run(asked, subject)
    latency = {
        name: result[f"result_{p}_percentile_latency_ns"] / 1e6 for name, p in PERCENTILES.items()
    }
    print(json.dumps({"latency": latency, "result": result, "errors": subject.close(), "version": version("mlcommons_loadgen")}))


main()
