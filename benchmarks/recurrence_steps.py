"""`python -m benchmarks.recurrence_steps [--seconds N] [--threads N] [--json]`: training steps of networks with LSTMs.

The two workloads of the study of performance: a tagger (both directions, 20,000 words, 45 tags) and a language model
(two layers, 10,000 words); all texts of a batch are equally long. Ours against PyTorch with its own LSTM and its fused
Adam, in turns, from the same weights; the losses of the first steps are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.recurrence import measure

if TYPE_CHECKING:
    from benchmarks.recurrence_engines import Engine


@dataclass(frozen=True)
class Network:
    """output: in a spec, what comes after the arrow"""

    name: str
    output: str
    layers: str
    batch: int
    length: int
    words: int
    classes: int
    inside: int
    width: int
    depth: int
    ways: int


NETWORKS = (
    Network("tagger", "y: class per text", "lstm 128 bidir", 32, 30, 20_000, 45, 100, 128, 1, 2),
    Network("language model", "y: next(text)", "lstm 200 layers=2", 20, 20, 10_000, 10_000, 200, 200, 2, 1),
)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.recurrence_steps", description=__doc__)
    options.add_argument("--seconds", type=float, default=30, help="for each network")
    options.add_argument("--threads", type=int, default=2, help="of the BLAS and of PyTorch")
    options.add_argument("--json", action="store_true", help="end with one JSON line")
    given = options.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(given.threads)
    # NumPy reads that when it is imported.
    from benchmarks.recurrence_steps_engines import ours_and_torch

    found: dict[str, dict[str, dict[str, float]]] = {}
    for network in NETWORKS:
        each: dict[str, Engine] = ours_and_torch(network, given.threads)
        found[network.name] = measures = measure(each, given.seconds)
        print(f"\n{network.name}: {network.layers}, B={network.batch} T={network.length}, {given.threads} thread(s)")
        print("| engine | ms a step, median | least | clean | over ours | least over least |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, m in measures.items():
            ours = measures["ours"]
            ratios = f"{m['ms'] / ours['ms']:.2f} | {m['least'] / ours['least']:.2f}"
            print(f"| {name} | {m['ms']:.2f} | {m['least']:.2f} | {m['clean']} | {ratios} |", flush=True)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
