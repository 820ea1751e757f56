"""`python -m benchmarks.starting [--runs N]`: how long nnc takes to start, from the process's first instant.

Medians of N runs each, after one that fills the caches of bytecode and disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent

UNTIL_FIRST_STEP = """
import os
from nnc import cli, plain
from runtime.events import BatchDone

def event(self, event):
    if isinstance(event, BatchDone):
        os._exit(0)

plain.Plain.event = event
cli.run(["train", "--out", "run"])
"""

COMMANDS: dict[str, tuple[list[str], float]] = {
    "nnc --help": (["-m", "nnc", "--help"], 0.15),
    "nnc check specs/textcnn.nn": (["-m", "nnc", "check", str(ROOT / "specs" / "textcnn.nn")], 0.4),
    "nnc train, until the first step is done": (["-c", UNTIL_FIRST_STEP], 1.0),
}


def seconds(arguments: list[str]) -> float:
    """One run, in a folder of its own. Raises CalledProcessError when it fails."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return perf_counter() - start


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.starting", description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    runs = options.parse_args().runs
    print("| command | goal | median | fastest |\n| --- | --- | --- | --- |")
    for name, (arguments, goal) in COMMANDS.items():
        seconds(arguments)
        times = [seconds(arguments) for _ in range(runs)]
        print(f"| {name} | {goal} s | {median(times):.2f} s | {min(times):.2f} s |")


if __name__ == "__main__":
    main()
