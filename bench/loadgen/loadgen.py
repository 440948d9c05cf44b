"""Lets MLPerf's LoadGen drive the process that `llm2clip bench` measures.

    python bench/loadgen/loadgen.py '{"subject": [...], "open": {...}, "scenario": "Server", ...}'

The argument is `Asked` of bench/loadgen/loadgen.mts, and the output is `Found`. The measured
process speaks the protocol of lib/bench/protocol.ts.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path

import mlperf_loadgen as lg

PERCENTILES = {"p50": "50.00", "p90": "90.00", "p99": "99.00"}
PER_SECOND = {
    "SingleStream": "result_qps_with_loadgen_overhead",
    "Server": "result_completed_samples_per_sec",
    "Offline": "result_samples_per_second",
}


class Subject:
    """The measured process. A thread waits for its answers."""

    def __init__(self, command, options):
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._answers = os.fdopen(os.dup(self._process.stdout.fileno()))
        self._errors = {}
        self._complete = None
        self._say({"op": "open", **options})
        message = json.loads(self._answers.readline() or '{"message": "its end"}')
        if message.get("is") != "opened":
            sys.exit(f"expected an open bundle, found {message.get('message', message)}")
        self.pictures = len(options["paths"])
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, queries, complete):
        """Sends queries, [id, image]. `complete` is called with the ids of those that were
        answered."""
        self._complete = complete
        self._say({"op": "ask", "queries": queries})

    def warm_up(self, seconds):
        """Asks for one image after another."""
        end = time.monotonic() + seconds
        answered = threading.Event()
        picture = 0
        while time.monotonic() < end:
            answered.clear()
            self.ask([[0, picture]], lambda ids: answered.set())
            answered.wait()
            picture += 1

    def close(self):
        """Ends the process and returns the number of failed queries for each error code."""
        self._complete = None
        self._process.stdin.close()
        self._process.wait()
        return self._errors

    def _say(self, request):
        line = f"{json.dumps(request)}\n".encode()
        # A full pipe accepts only a part.
        while line:
            line = line[self._process.stdin.write(line) :]

    def _listen(self):
        for line in self._answers:
            answers = json.loads(line)["answers"]
            for _, _, outcome in answers:
                if outcome != "done":
                    self._errors[outcome] = self._errors.get(outcome, 0) + 1
            self._complete([id for id, _, _ in answers])
        if self._complete is not None:
            print("expected the measured process to answer, found that it ended", file=sys.stderr)
            # LoadGen would wait for the answers forever.
            os._exit(1)


def settings_of(asked):
    settings = lg.TestSettings()
    settings.scenario = getattr(lg.TestScenario, asked["scenario"])
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = round(1000 * asked["seconds"])
    settings.min_query_count = asked["minQueries"]
    settings.schedule_rng_seed = settings.sample_index_rng_seed = asked["seed"]
    # The number of queries that LoadGen prepares; in the server scenario, also their arrival rate.
    settings.server_target_qps = settings.offline_expected_qps = asked["perSecond"]
    settings.single_stream_expected_latency_ns = round(1e9 / asked["perSecond"])
    if asked["scenario"] == "Offline":
        settings.min_query_count = 1
    return settings


def logged(folder):
    """Reads LoadGen's log, whose lines are `:::MLLOG {"key": ..., "value": ...}`."""
    lines = (Path(folder) / "mlperf_log_detail.txt").read_text().splitlines()
    entries = [json.loads(line.removeprefix(":::MLLOG ")) for line in lines if line[:1] == ":"]
    return {entry["key"]: entry["value"] for entry in entries}


def run(asked, subject):
    def complete(ids):
        lg.QuerySamplesComplete([lg.QuerySampleResponse(id, 0, 0) for id in ids])

    def issue(samples):
        subject.ask([[sample.id, sample.index] for sample in samples], complete)

    sut = lg.ConstructSUT(issue, lambda: None)
    pictures = subject.pictures
    library = lg.ConstructQSL(pictures, pictures, lambda _: None, lambda _: None)
    with tempfile.TemporaryDirectory(prefix="llm2clip-loadgen-") as folder:
        log = lg.LogSettings()
        log.log_output.outdir = folder
        log.log_output.copy_summary_to_stdout = False
        lg.StartTestWithLogSettings(sut, library, settings_of(asked), log)
        log = logged(folder)
    lg.DestroyQSL(library)
    lg.DestroySUT(sut)
    return log


def main():
    # Ctrl-C ends this process, and the subject ends with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asked = json.loads(sys.argv[1])
    subject = Subject(asked["subject"], asked["open"])
    subject.warm_up(asked["warmUpSeconds"])
    log = run(asked, subject)
    found = {
        name: log[f"result_{percentile}_percentile_latency_ns"] / 1e6
        for name, percentile in PERCENTILES.items()
    }
    found["queries"] = log["result_query_count"] * log["generated_samples_per_query"]
    found["picturesPerSecond"] = log[PER_SECOND[asked["scenario"]]]
    found["errors"] = subject.close()
    found["version"] = version("mlcommons_loadgen")
    print(json.dumps(found))


main()
