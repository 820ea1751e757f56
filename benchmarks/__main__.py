"""`python -m benchmarks [--seconds N] [--json]`: a step of ours against PyTorch's, interleaved, one process an engine.

A sample counts as clean when its threads waited for a core for less than 3 % of its time; the figures are medians of
clean samples, or of all samples of all engines where one has fewer than three clean ones. The last line under --json is
one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from statistics import median, quantiles
from time import monotonic

from benchmarks.engines import ENGINES

BURST = 10


def start(engine: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.worker", engine]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(worker: subprocess.Popen[str]) -> dict[str, float]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{BURST}\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def summary(samples: list[dict[str, float]], clean_only: bool) -> dict[str, float | int]:
    clean = [s["ms"] for s in samples if s["clean"]]
    used = clean if clean_only else [s["ms"] for s in samples]
    tenths = quantiles(used, n=10)
    return {"ms": median(used), "p10": tenths[0], "p90": tenths[-1], "clean": len(clean), "samples": len(samples)}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--seconds", type=float, default=60, help="how long to sample, all engines together")
    options.add_argument("--json", action="store_true", help="end with one JSON line")
    given = options.parse_args()
    names = [name for name in ENGINES if not name.startswith("torch") or importlib.util.find_spec("torch")]
    workers = {name: start(name) for name in names}
    for worker in workers.values():
        assert worker.stdout is not None
        worker.stdout.readline()
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    end = monotonic() + given.seconds
    while monotonic() < end or min(map(len, samples.values())) < 3:
        for name, worker in workers.items():
            samples[name].append(ask(worker))
    for worker in workers.values():
        worker.terminate()
    # Of all engines the same kind of sample: all of them, where one engine has too few clean ones.
    clean_only = all(sum(s["clean"] for s in found) >= 3 for found in samples.values())
    figures = {name: summary(found, clean_only) for name, found in samples.items()}
    print("| engine | ms a step, median | p10 | p90 | clean samples |\n| --- | --- | --- | --- | --- |")
    for name, f in figures.items():
        print(f"| {name} | {f['ms']:.2f} | {f['p10']:.2f} | {f['p90']:.2f} | {f['clean']} of {f['samples']} |")
    peers = {name: f["ms"] for name, f in figures.items() if name != "nnc"}
    ratio = min(peers.values()) / figures["nnc"]["ms"] if peers else None
    print(f"best peer over ours: {ratio:.2f}" if ratio is not None else "no peer is installed: pip install '.[bench]'")
    if given.json:
        print(
            json.dumps({"workload": "textcnn", "tier": "numpy", "ours": figures["nnc"], "peers": peers, "ratio": ratio})
        )


if __name__ == "__main__":
    main()
