"""One engine in a process of its own: for each line on standard input it runs steps and prints their time."""

from __future__ import annotations

import json
import sys
from time import perf_counter

from benchmarks.engines import ENGINES
from benchmarks.turns import MOST_WAITED, waited


def main() -> None:
    step = ENGINES[sys.argv[1]]()
    for _ in range(5):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start, stood = perf_counter(), waited()
        losses = [step() for _ in range(int(line))]
        seconds = perf_counter() - start
        sample = {
            "ms": 1000 * seconds / len(losses),
            "clean": waited() - stood < MOST_WAITED * seconds,
            "loss": losses[-1],
        }
        print(json.dumps(sample), flush=True)


if __name__ == "__main__":
    main()
