"""The training steps that `python -m benchmarks` compares: sizes, and batches that every engine is given alike.

The first eight are those of the study of performance, the others are none of it. Each has a spec of its name in
`benchmarks/specs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

BATCHES = 64
"""Different ones in rotation, so that no engine lives off warm rows."""

RATE = 1e-3
"""Adam's, in every spec."""

Ids = Literal["zipf", "uniform"]
"""How words are drawn: the logarithm of the id uniform, as words of a text are, or the id itself."""

Batch = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Column:
    """An input or output of the model. shape: without the batch; below: of ids and labels; 0 is padding, no word's

    beside: a word, NAME, with shape others that it is told from, all of them NAME.rows, and their signs NAME.signs
    """

    name: str
    kind: Literal["words", "labels", "numbers", "corners", "parity", "beside"]
    shape: tuple[int, ...] = ()
    below: int = 0


@dataclass(frozen=True)
class Workload:
    """sizes: those that data would decide; lengths: of all texts, by their symbol"""

    name: str
    batch: int
    columns: tuple[Column, ...]
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    lengths: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def spec(self) -> str:
        return (Path(__file__).with_name("specs") / f"{self.name}.nn").read_text("utf-8")

    @property
    def has_words(self) -> bool:
        return any(c.kind == "words" for c in self.columns)


TIME_FIRST = ("tagger", "lm", "own_cell")
"""Workloads whose batches peers are given as [T, B]."""
WORKLOADS = (
    Workload(
        "textcnn",
        50,
        (Column("text", "words", (40,), 20_000), Column("label", "labels", (), 2)),
        {"V": 20_000, "classes": 2},
        {"T": 40},
    ),
    Workload(
        "tagger",
        32,
        (Column("text", "words", (30,), 20_000), Column("tags", "labels", (30,), 45)),
        {"V": 20_000, "classes": 45},
        {"T": 30},
    ),
    Workload(
        "lm",
        20,
        (Column("text", "words", (20,), 10_000), Column("following", "words", (20,), 10_000)),
        {"V": 10_000},
        {"T": 20},
    ),
    Workload(
        "transformer",
        32,
        (Column("text", "words", (64,), 10_000), Column("label", "labels", (), 2)),
        {"V": 10_000, "classes": 2},
        {"T": 64},
    ),
    Workload("mlp", 128, (Column("picture", "numbers", (784,)), Column("digit", "labels", (), 10)), {"classes": 10}),
    Workload(
        "skipgram",
        1024,
        (Column("center", "words", (), 50_000), Column("context", "beside", (5,), 50_000)),
        {"V": 50_000},
    ),
    Workload(
        "lenet", 64, (Column("picture", "numbers", (28, 28, 1)), Column("digit", "labels", (), 10)), {"classes": 10}
    ),
    Workload("xor", 4, (Column("point", "corners", (2,)), Column("odd", "parity")), {"classes": 2}),
    Workload(
        "own_cell",
        32,
        (Column("text", "words", (50,), 20_000), Column("label", "labels", (), 2)),
        {"V": 20_000, "classes": 2},
        {"T": 50},
    ),
    Workload(
        "two_inputs",
        50,
        (
            Column("a", "words", (30,), 20_000),
            Column("b", "words", (30,), 20_000),
            Column("same", "labels", (), 2),
        ),
        {"V": 20_000, "classes": 2},
        {"T.a": 30, "T.b": 30},
    ),
    Workload("deep", 64, (Column("row", "numbers", (64,)), Column("label", "labels", (), 10)), {"classes": 10}),
    Workload(
        "averaging",
        50,
        (Column("text", "words", (40,), 20_000), Column("label", "labels", (), 2)),
        {"V": 20_000, "classes": 2},
        {"T": 40},
    ),
)


def named(name: str) -> Workload:
    return next(w for w in WORKLOADS if w.name == name)


def batches(w: Workload, ids: Ids) -> list[Batch]:
    """The rotation, arrays by column, each with the batch first."""
    chance = np.random.Generator(np.random.Philox(2))
    return [_batch(w, ids, chance) for _ in range(BATCHES)]


def _batch(w: Workload, ids: Ids, chance: np.random.Generator) -> Batch:
    order = chance.permutation(w.batch)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    found: Batch = {}
    for c in w.columns:
        shape = (w.batch, *c.shape)
        match c.kind:
            case "words":
                found[c.name] = _words(shape, c.below, ids, chance)
            case "beside":
                word, others = (_words(s, c.below, ids, chance) for s in ((w.batch, 1), shape))
                # None of them is the word itself.
                others[others == word] = others[others == word] % (c.below - 1) + 1
                found[c.name], found[f"{c.name}.rows"] = word[:, 0], np.concatenate((word, others), 1)
                signs = np.where(np.arange(1 + c.shape[0]) == 0, np.float32(1), np.float32(-1))
                found[f"{c.name}.signs"] = np.tile(signs, (w.batch, 1))
            case "labels":
                found[c.name] = chance.integers(0, c.below, shape)
            case "numbers":
                found[c.name] = chance.standard_normal(shape, np.float32)
            case "corners":
                found[c.name] = corners[order].astype(np.float32)
            case "parity":
                found[c.name] = corners[order].sum(1) % 2
    return found


def _words(shape: tuple[int, ...], below: int, ids: Ids, chance: np.random.Generator) -> NDArray[np.int64]:
    if ids == "uniform":
        return chance.integers(1, below, shape)
    return np.clip(np.exp(chance.random(shape) * log(below)).astype(np.int64), 1, below - 1)
