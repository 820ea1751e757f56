"""Rows whose inputs stand in the data more than once: inside a split, and in the training rows too."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Image, Port, Tokens
from dsl.errors import Diagnostic, Note
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.splits import Indices
from runtime.data.whole import Whole

ORDINARY = 0.5
"""Share of training rows that are another's repeat from which on repeats are the data's nature: few categories have
few combinations."""


def keys(ports: tuple[Port, ...], columns: Columns) -> Sequence[Hashable]:
    """For each row something that is equal where all inputs are."""
    found: list[Sequence[Hashable]] = []
    for port in ports:
        if port.output:
            continue
        if port.name in columns.texts:
            found.append(columns.texts[port.name])
        elif port.name in columns.lists:
            found.append([tuple(row) for row in columns.lists[port.name]])
        elif port.name in columns.numbers:
            # -0.0 is 0.0.
            found.append([row.tobytes() for row in columns.numbers[port.name] + 0.0])
        elif port.name in columns.pictures:
            found.append([blake2b(row, digest_size=16).digest() for row in columns.pictures[port.name]])
    return found[0] if len(found) == 1 else list(zip(*found, strict=True))


def inside(keys: Sequence[Hashable], rows: Indices) -> int:
    """How many of these rows repeat another of them."""
    return len(rows) - len({keys[i] for i in rows.tolist()})


def in_training(keys: Sequence[Hashable], train: Indices, rows: Indices) -> NDArray[np.int64]:
    """Those of the rows whose inputs stand in the training rows too."""
    known = {keys[i] for i in train.tolist()}
    return np.array([i for i in rows.tolist() if keys[i] in known], np.int64)


def warn(ports: tuple[Port, ...], whole: Whole, splits: Mapping[str, Indices], problems: Problems) -> None:
    """Warn of rows of `valid` and `test` that training has seen, where they hold a text or a picture: two people may
    well be alike in a few numbers and categories."""
    others = {name: rows for name, rows in splits.items() if name != "train"}
    if not others or not any(isinstance(p.sort, Tokens | Image) for p in ports if not p.output):
        return
    of_rows, train = keys(ports, whole.columns), splits["train"]
    first = next(p.name for p in ports if not p.output)
    for name, rows in others.items():
        seen = in_training(of_rows, train, rows)
        if not len(seen) or inside(of_rows, train) >= ORDINARY * len(train):
            continue
        row = int(seen[0])
        same = next(i for i in train.tolist() if of_rows[i] == of_rows[row])
        problems.warn(
            Diagnostic(
                "NN727",
                f"{len(seen):,} of the {len(rows):,} {name} rows {'has' if len(seen) == 1 else 'have'} the same inputs "
                f"as {'a training row' if len(seen) == 1 else 'training rows'}",
                whole.span(first, row),
                "the first one",
                (Note(whole.span(first, same), "the training row"),),
                help="scores on such rows tell what is remembered, not what is learnt; take them out of one of both",
                severity="warning",
            )
        )
