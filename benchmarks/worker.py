"""One engine in a process of its own. Each line on standard input is a request in JSON; each answer is one line.

{"prepare": workload, "ids": "zipf", "folder": "..."}: builds the step, compares it and runs it a few times
{"sample": seconds}: times groups of steps; an answer has for each [milliseconds a step, whether it is clean]
{"memory": workload, "ids": ..., "folder": ...}: builds the step anew and runs it; how much memory that took
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peak import begin, took
from benchmarks.reference import Disagreement
from benchmarks.turns import MOST_WAITED, rest, waited
from benchmarks.workloads import named

Step = Callable[[], float]

WARM = 5
GROUP_SECONDS = 0.005
"""A group of steps that is timed together takes so long, so that looking at the clock does not count."""

ENGINES: dict[str, tuple[str, dict[str, str]]] = {
    "nnc": ("benchmarks.ours", {"tier": "numpy"}),
    "nnc fast": ("benchmarks.ours", {"tier": "fast"}),
    "torch": ("benchmarks.torch_steps", {"mode": "eager"}),
    "torch fused": ("benchmarks.torch_steps", {"mode": "fused"}),
    "torch compiled": ("benchmarks.torch_steps", {"mode": "compiled"}),
    "jax": ("benchmarks.jax_steps", {}),
}
"""name -> module with a function `make`, and what it is called with"""


def sampled(step: Step, seconds: float) -> list[tuple[float, bool]]:
    """At least one."""
    start = perf_counter()
    step()
    count = max(1, round(GROUP_SECONDS / (perf_counter() - start)))
    found: list[tuple[float, bool]] = []
    while not found or perf_counter() - start < seconds:
        stood, begin = waited(), perf_counter()
        for _ in range(count):
            step()
        lasted = perf_counter() - begin
        found.append((1e3 * lasted / count, waited() - stood < MOST_WAITED * lasted))
    return found


class Worker:
    def __init__(self, engine: str) -> None:
        module, how = ENGINES[engine]
        self.make = partial(importlib.import_module(module).make, **how)
        self.step: Step | None = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        from dsl.errors import SpecError

        try:
            if "sample" in asked:
                assert self.step is not None
                return {"samples": sampled(self.step, asked["sample"])}
            return self.memory(asked) if "memory" in asked else self.prepare(asked)
        except SpecError as error:
            return {"missing": error.diagnostics[0].message}
        except Disagreement as error:
            return {"refused": str(error)}
        except Exception as error:  # whatever a peer raises is a line of the table
            return {"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]}

    def prepare(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.step = None
        start = perf_counter()
        self.step = self.make(named(asked["prepare"]), asked["ids"], Path(asked["folder"]))
        for _ in range(WARM):
            self.step()
        return {"seconds": perf_counter() - start}

    def memory(self, asked: dict[str, Any]) -> dict[str, Any]:
        before = begin()
        step = self.make(named(asked["memory"]), asked["ids"], Path(asked["folder"]), checked=False)
        for _ in range(WARM):
            step()
        return took(before)


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries print
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        answer = worker.answer(json.loads(line))
        rest()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
