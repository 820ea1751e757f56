"""Rows for products with rows that ids name."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.ir.types import BATCH, Type
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum, ScatterOuter
from tests.ops.case import IDS, Case, T, V, f64, i64
from tests.ops.formulas import Array, scattered

FEW, OTHERS = i64(BATCH, 4), f64(BATCH, 4)
ROWS = Type("f64", (V, 3), rows=(BATCH, T))


def dots(table: Array, ids: Array, x: Array) -> Array:
    return np.einsum("bld,bd->bl", table[ids], x)


def outer(by: Array, x: Array) -> Array:
    return np.einsum("bl,bd->bld", by, x)


LONG = {"B": 3, "T": 300, "V": 500}
"""More ids of an example than a kernel's list of them has room for."""


def _wide(width: int) -> list[Case]:
    """Rows that are a whole strip of registers, and more than two."""
    x, ids, by, of = f64(BATCH, width), ("table", "ids 7"), f64(BATCH, T, pad="zero"), f"of {width} numbers"
    long: dict[str, Any] = {"sizes": LONG, "lengths": (300, 1, 270)}
    return [
        Case(f"dots of rows {of}", GatherDot(), (f64(V, width), IDS, x), dots, by, (*ids, "normal")),
        Case(f"sum of rows {of}", GatherSum(), (f64(V, width), IDS, by),
             lambda t, ids, by: np.einsum("bld,bl->bd", t[ids], by), x, (*ids, "normal")),
        Case(f"scatter outer {of}", ScatterOuter(V), (IDS, x, by), lambda ids, x, by: scattered(ids, outer(by, x), 500),
             Type("f64", (V, width), rows=(BATCH, T)), ("ids 500", "normal", "normal"), **long),
        Case(f"add outer {of}", AddOuter(), (f64(V, width), IDS, x, f64(), by),
             lambda t, ids, x, scale, by: t + scale * scattered(ids, outer(by, x), 500), f64(V, width),
             ("table", "ids 500", "normal", "normal", "normal"), **long),
    ]  # fmt: skip


GATHERED = [
    Case("dots of rows", GatherDot(), (f64(V, 3), FEW, f64(BATCH, 3)), dots, OTHERS, ("table", "ids 7", "normal")),
    Case("dots of the rows of texts", GatherDot(), (f64(V, 3), IDS, f64(BATCH, 3)), dots, f64(BATCH, T, pad="zero"),
         ("table", "ids 7", "normal")),
    Case("sum of rows", GatherSum(), (f64(V, 3), IDS), lambda t, ids: t[ids].sum(1), f64(BATCH, 3), ("table", "ids 7")),
    Case("sum of weighted rows", GatherSum(), (f64(V, 3), FEW, OTHERS),
         lambda t, ids, by: np.einsum("bld,bl->bd", t[ids], by), f64(BATCH, 3), ("table", "ids 7", "normal")),
    Case("scatter one row for all ids", ScatterOuter(V), (IDS, f64(BATCH, 3)),
         lambda ids, x: scattered(ids, outer(np.ones(ids.shape), x), 7), ROWS, ("ids 7", "normal")),
    Case("scatter outer", ScatterOuter(V), (FEW, f64(BATCH, 3), OTHERS),
         lambda ids, x, by: scattered(ids, outer(by, x), 7), Type("f64", (V, 3), rows=(BATCH, 4)),
         ("ids 7", "normal", "normal")),
    Case("scatter outer of ids that are all 0", ScatterOuter(V), (FEW, f64(BATCH, 3), OTHERS),
         lambda ids, x, by: scattered(ids, outer(by, x), 7), Type("f64", (V, 3), rows=(BATCH, 4)),
         ("ids 1", "normal", "normal")),
    Case("add outer", AddOuter(), (f64(V, 3), FEW, f64(BATCH, 3), f64(), OTHERS),
         lambda t, ids, x, scale, by: t + scale * scattered(ids, outer(by, x), 7), f64(V, 3),
         ("table", "ids 7", "normal", "normal", "normal")),
    Case("add one row for all ids", AddOuter(), (f64(V, 3), IDS, f64(BATCH, 3), f64()),
         lambda t, ids, x, scale: t + scale * scattered(ids, outer(np.ones(ids.shape), x), 7), f64(V, 3),
         ("table", "ids 7", "normal", "normal")),
    *(case for width in (64, 150) for case in _wide(width)),
]  # fmt: skip
