"""One engine in a process of its own: for each line on standard input it runs steps and prints their time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.engines import ENGINES


def waited() -> float:
    """Seconds that this process' threads stood ready but had no core."""
    total = 0.0
    for status in Path("/proc/self/task").glob("*/schedstat"):
        total += int(status.read_text().split()[1]) / 1e9
    return total


def main() -> None:
    step = ENGINES[sys.argv[1]]()
    for _ in range(5):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start, stood = perf_counter(), waited()
        losses = [step() for _ in range(int(line))]
        seconds = perf_counter() - start
        sample = {"ms": 1000 * seconds / len(losses), "clean": waited() - stood < 0.03 * seconds, "loss": losses[-1]}
        print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    main()
