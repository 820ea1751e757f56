"""What `benchmarks.recurrence` and `benchmarks.recurrence_steps` measure: layers alone, and steps of networks."""

from __future__ import annotations

from dataclasses import dataclass


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
