"""Engines that are timed in one process, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_WAITED = 0.03
"""The share of its time that the threads of a clean sample waited for a core at most."""
REST, MOST_REST = 0.005, 0.5
"""Seconds for which a process does nothing before the next engine's turn, and those that are waited for that."""


@dataclass(frozen=True)
class Engine:
    """results: what the last step left, by name, to be compared; note: what is said beside its time"""

    step: Callable[[], object]
    results: Callable[[], dict[str, NDArray[np.float32]]]
    note: str = ""


def waited() -> float:
    """Seconds for which this process's threads were ready and had no core."""
    tasks = Path("/proc/self/task")
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks.iterdir()) * 1e-9


def rest() -> None:
    """Until no thread of this process works: OpenBLAS's wait for their next product for some 80 ms without sleeping,
    and take a core from whoever is timed next."""
    end = perf_counter() + MOST_REST
    while perf_counter() < end:
        used = process_time()
        sleep(REST)
        if process_time() - used < REST / 10:
            return


def measured(engines: Mapping[str, Engine], seconds: float) -> dict[str, dict[str, float]]:
    """Milliseconds: median and least, and how many samples were clean."""
    samples: dict[str, list[tuple[float, bool]]] = {name: [] for name in engines}
    for engine in engines.values():
        for _ in range(3):
            engine.step()
    end = perf_counter() + seconds
    while perf_counter() < end:
        for name, engine in engines.items():
            rest()
            engine.step()
            before, begin = waited(), perf_counter()
            for _ in range(3):
                engine.step()
            took = perf_counter() - begin
            samples[name].append((took / 3 * 1e3, waited() - before < MOST_WAITED * took))
    found: dict[str, dict[str, float]] = {}
    for name, each in samples.items():
        clean = [ms for ms, is_clean in each if is_clean]
        used = clean if len(clean) >= 3 else [ms for ms, _ in each]
        found[name] = {"ms": median(used), "least": min(ms for ms, _ in each), "clean": len(clean)}
    return found


def table(measures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Ratios are over `ours`, of medians and of least."""
    ours = measures["ours"]
    yield "| engine | ms, median | least | clean | over ours | least over least |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, m in measures.items():
        ratios = f"{m['ms'] / ours['ms']:.2f} | {m['least'] / ours['least']:.2f}"
        yield f"| {name} | {m['ms']:.2f} | {m['least']:.2f} | {m['clean']} | {ratios} |"
