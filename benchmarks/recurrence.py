"""`python -m benchmarks.recurrence [--seconds N] [--threads N] [--only NAME] [--json]`: recurrent layers alone.

Forward and backward with the gradients of input and weights, float32, no padding. An LSTM of the library: ours, the
plan written by hand for NumPy, `torch.nn.LSTM`. A cell of a user's: ours, and the same equations in PyTorch as a loop.
All in one process, in turns; gradients are compared before anything is timed. Ratios are rival over ours of the medians
of clean samples (whose threads waited for a core for less than 3 % of their time), and of the fastest samples.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.recurrence_engines import Engine


@dataclass(frozen=True)
class Workload:
    """use: the layer as it stands in a spec. ways: directions"""

    name: str
    use: str
    batch: int
    length: int
    inside: int
    width: int
    layers: int = 1
    ways: int = 1


WORKLOADS = (
    Workload("both", "lstm 128 bidir", 32, 30, 100, 128, ways=2),
    Workload("small", "lstm 32 bidir", 16, 30, 32, 32, ways=2),
    Workload("2 layers", "lstm 200 layers=2", 20, 35, 200, 200, layers=2),
    Workload("peephole", "lstm_peephole 128", 32, 50, 128, 128),
    Workload("gru_after", "gru_after 128", 32, 50, 128, 128),
)


def waited() -> float:
    """Seconds for which this process's threads were ready and had no core."""
    tasks = Path("/proc/self/task")
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks.iterdir()) * 1e-9


def measure(engines: dict[str, Engine], seconds: float) -> dict[str, dict[str, float]]:
    """Milliseconds: median and least, and how many samples were clean."""
    samples: dict[str, list[tuple[float, bool]]] = {name: [] for name in engines}
    for engine in engines.values():
        for _ in range(3):
            engine.step()
    end = perf_counter() + seconds
    while perf_counter() < end:
        for name, engine in engines.items():
            engine.step()
            before, begin = waited(), perf_counter()
            for _ in range(3):
                engine.step()
            took = perf_counter() - begin
            samples[name].append((took / 3 * 1e3, waited() - before < 0.03 * took))
    found: dict[str, dict[str, float]] = {}
    for name, each in samples.items():
        clean = [ms for ms, is_clean in each if is_clean]
        used = clean if len(clean) >= 3 else [ms for ms, _ in each]
        found[name] = {"ms": median(used), "least": min(ms for ms, _ in each), "clean": len(clean)}
    return found


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.recurrence", description=__doc__)
    options.add_argument("--seconds", type=float, default=20, help="for each workload")
    options.add_argument("--threads", type=int, default=1, help="of the BLAS and of PyTorch")
    options.add_argument("--only", default="", help="the workload of that name")
    options.add_argument("--json", action="store_true", help="end with one JSON line")
    given = options.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)
    # NumPy reads that when it is imported.
    from benchmarks.recurrence_engines import compared, engines

    found: dict[str, dict[str, dict[str, float]]] = {}
    for w in WORKLOADS:
        if given.only not in ("", w.name):
            continue
        each = engines(w, given.threads, with_torch=importlib.util.find_spec("torch") is not None)
        compared(each)
        found[w.name] = measures = measure(each, given.seconds)
        ours = measures["ours"]
        print(f"\n{w.name}: {w.use}, B={w.batch} T={w.length} D={w.inside}, {given.threads} thread(s)")
        print("| engine | ms, median | least | clean | over ours | least over least |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, m in measures.items():
            ratios = f"{m['ms'] / ours['ms']:.2f} | {m['least'] / ours['least']:.2f}"
            print(f"| {name} | {m['ms']:.2f} | {m['least']:.2f} | {m['clean']} | {ratios} |", flush=True)
        print(each["ours"].note)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
