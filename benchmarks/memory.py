"""`python -m benchmarks memory [--only NAME,...] [--json]`: the most memory that training steps take, by each engine.

A process for each figure: what its libraries take once they are loaded, and then weights, optimizer and the memory of
some steps. *step* is what came on top, *process* all of it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.arguments import parser
from benchmarks.steps import COMPILE_SECONDS
from benchmarks.workers import Engine, TooLong, hold_cores, installed
from benchmarks.workloads import WORKLOADS, Workload


def measured(w: Workload, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        request = {"ids": "zipf", "folder": folder}
        # It writes the weights that all begin with.
        said = _asked("nnc", prepare=w.name, **request)
        if "seconds" not in said:
            return {"nnc": said}
        for name in names:
            found[name] = _asked(name, memory=w.name, **request)
    return found


def _asked(name: str, **request: Any) -> dict[str, Any]:
    engine = Engine(name)
    try:
        engine.ask(**request)
        return engine.answer(COMPILE_SECONDS)
    except TooLong:
        return {"failed": f"took over {COMPILE_SECONDS:.0f} s"}
    finally:
        engine.stop()


def main(arguments: Sequence[str]) -> None:
    options = parser("memory", __doc__)
    options.add_argument("--only", default="", metavar="NAME,...", help="these workloads")
    given = options.parse_args(arguments)
    hold_cores()
    names = [name for name in installed() if name != "torch compiled"]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    print("Megabytes, step / process.\n")
    print(f"| workload | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for w in WORKLOADS:
        if given.only and w.name not in given.only.split(","):
            continue
        found[w.name] = of = measured(w, names)
        print(f"| {w.name} | {' | '.join(_cell(of.get(name, {})) for name in names)} |", flush=True)
    if given.json:
        print(json.dumps(found))


def _cell(found: dict[str, Any]) -> str:
    if "step" in found:
        return f"{found['step']:.0f} / {found['process']:.0f}"
    return f"not there yet: {found['missing']}" if "missing" in found else str(found.get("failed", ""))
