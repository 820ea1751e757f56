"""Rows for the ops on the distinct rows that a batch looks up."""

from __future__ import annotations

from collections.abc import Callable

from compiler.ir.graph import Node, apply
from compiler.ir.types import BATCH, Type, moved
from compiler.ops import distinct, lookup
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.placed import AddPlaces, AtPlaces
from tests.ops.case import IDS, Case, T, V, f64, i64
from tests.ops.formulas import kept_rows, places_of, put_picks, scattered, window_sums

VALUES = f64(BATCH, T, 2)


def rows_of(ids: Node, values: Node) -> Node:
    return apply(lookup.ScatterRows(V), ids, values)


def _distinct(table: Node, ids: Node) -> Node:
    return apply(distinct.DistinctRows(), table, ids)


def _sums(size: int, dilation: int = 1, before: int = 0, after: int = 0) -> Callable[..., Node]:
    def build(ids: Node, table: Node) -> Node:
        rows = _distinct(table, ids)
        places = apply(distinct.Places(), rows, ids)
        return apply(distinct.WindowSums(size, dilation, before, after), rows, places)

    return build


def _picks(size: int, dilation: int = 1, before: int = 0) -> Callable[..., Node]:
    def build(x: Node, picks: Node, ids: Node, table: Node) -> Node:
        rows = _distinct(table, ids)
        places = apply(distinct.Places(), rows, ids)
        return apply(distinct.PutPicks(size, dilation, before), x, picks, places, rows)

    return build


def _picks_outer(size: int, dilation: int = 1, before: int = 0) -> Callable[..., Node]:
    def build(x: Node, picks: Node, ids: Node, table: Node) -> Node:
        rows = _distinct(table, ids)
        return apply(PicksOuter(size, dilation, before), rows, x, picks, apply(distinct.Places(), rows, ids))

    return build


def _picks_matmul(size: int, dilation: int = 1, before: int = 0) -> Callable[..., Node]:
    def build(x: Node, picks: Node, ids: Node, table: Node, w: Node) -> Node:
        rows = _distinct(table, ids)
        places = apply(distinct.Places(), rows, ids)
        return apply(PicksMatMul(size, dilation, before), x, picks, places, rows, w)

    return build


def _picks_matmul_onto(size: int) -> Callable[..., Node]:
    def build(x: Node, picks: Node, ids: Node, table: Node, w: Node) -> Node:
        rows = _distinct(table, ids)
        return apply(PicksMatMul(size), x, picks, apply(distinct.Places(), rows, ids), rows, w, rows)

    return build


def _at_places(ids: Node, table: Node) -> Node:
    rows = _distinct(table, ids)
    return apply(AtPlaces(), rows, apply(distinct.Places(), rows, ids))


def _add_places(ids: Node, x: Node, table: Node) -> Node:
    rows = _distinct(table, ids)
    return apply(AddPlaces(), x, apply(distinct.Places(), rows, ids), rows)


ROWS_2 = Type("f64", (V, 2), rows=(BATCH, T))
DISTINCT = [
    Case("distinct rows", distinct.DistinctRows(), (f64(V, 2), IDS), kept_rows, ROWS_2, ("table", "ids 7")),
    Case("distinct rows where room is for fewer than the table", distinct.DistinctRows(), (f64(V, 2), i64(3)),
         kept_rows, Type("f64", (V, 2), rows=(3,)), ("table", "ids 7")),
    Case("distinct rows of ids that are all 0", distinct.DistinctRows(), (f64(V, 2), i64(4)), kept_rows,
         Type("f64", (V, 2), rows=(4,)), ("table", "ids 1")),
    Case("places", distinct.Places(), (f64(V, 2), IDS), lambda table, ids: places_of(ids, 7), i64(BATCH, T),
         ("table", "ids 7"), build=lambda table, ids: apply(distinct.Places(), _distinct(table, ids), ids)),
    Case("matmul of rows", distinct.MatMulRows(), (IDS, VALUES, f64(2, 3)), lambda ids, x, w: scattered(ids, x, 7) @ w,
         Type("f64", (V, 3), rows=(BATCH, T)), ("ids 7", "normal"),
         build=lambda ids, x, w: apply(distinct.MatMulRows(), rows_of(ids, x), w)),
    Case("matmul of rows, transposed", distinct.MatMulRows(transposed=True), (IDS, VALUES, f64(3, 2)),
         lambda ids, x, w: scattered(ids, x, 7) @ w.T, Type("f64", (V, 3), rows=(BATCH, T)), ("ids 7", "normal"),
         build=lambda ids, x, w: apply(distinct.MatMulRows(transposed=True), rows_of(ids, x), w)),
    Case("outer of rows", distinct.OuterRows(), (IDS, VALUES, f64(V, 3)),
         lambda ids, x, t: scattered(ids, x, 7).T @ kept_rows(t, ids), f64(2, 3), ("ids 7", "normal", "table"),
         build=lambda ids, x, t: apply(distinct.OuterRows(), rows_of(ids, x), _distinct(t, ids))),
    Case("window sums", distinct.WindowSums(2), (IDS, f64(V, 6)), lambda ids, t: window_sums(t[ids], 2, 1, 0, 0),
         f64(BATCH, moved(T, -1), 3), ("ids 7", "table"), build=_sums(2)),
    Case("window sums of a text that is shorter", distinct.WindowSums(7), (IDS, f64(V, 14)),
         lambda ids, t: window_sums(t[ids], 7, 1, 0, 0), f64(BATCH, moved(T, -6), 2), ("ids 7", "table"),
         build=_sums(7)),
    Case("window sums with ends and gaps", distinct.WindowSums(3, 2, 3, 2), (IDS, f64(V, 6)),
         lambda ids, t: window_sums(t[ids], 3, 2, 3, 2), f64(BATCH, moved(T, 1), 2), ("ids 7", "table"),
         build=_sums(3, 2, 3, 2)),
    Case("rows at places", AtPlaces(), (IDS, f64(V, 2)), lambda ids, t: kept_rows(t, ids)[ids], f64(BATCH, T, 2),
         ("ids 7", "table"), build=_at_places),
    Case("rows added from places", AddPlaces(), (IDS, VALUES, f64(V, 3)),
         lambda ids, x, t: scattered(ids, x, 7), Type("f64", (V, 2), rows=(BATCH, T)), ("ids 7", "normal", "table"),
         build=_add_places),
    Case("put picks", distinct.PutPicks(2), (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 2)),
         lambda x, p, ids, t: put_picks(x, p, ids, 7, 2, 1, 0), Type("f64", (V, 4), rows=(BATCH, T)),
         ("normal", "ids 4", "ids 7", "table"), build=_picks(2)),
    Case("put picks with ends and gaps", distinct.PutPicks(3, 2, 3), (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3)),
         lambda x, p, ids, t: put_picks(x, p, ids, 7, 3, 2, 3), Type("f64", (V, 6), rows=(BATCH, T)),
         ("normal", "ids 5", "ids 7", "table"), build=_picks(3, 2, 3)),
    Case("outer of picks", PicksOuter(2), (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3)),
         lambda x, p, ids, t: kept_rows(t, ids).T @ put_picks(x, p, ids, 7, 2, 1, 0), f64(3, 4),
         ("normal", "ids 4", "ids 7", "table"), build=_picks_outer(2)),
    Case("outer of picks with ends and gaps", PicksOuter(3, 2, 3), (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3)),
         lambda x, p, ids, t: kept_rows(t, ids).T @ put_picks(x, p, ids, 7, 3, 2, 3), f64(3, 6),
         ("normal", "ids 5", "ids 7", "table"), build=_picks_outer(3, 2, 3)),
    Case("matmul of picks", PicksMatMul(2), (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3), f64(3, 4)),
         lambda x, p, ids, t, w: put_picks(x, p, ids, 7, 2, 1, 0) @ w.T, Type("f64", (V, 3), rows=(BATCH, T)),
         ("normal", "ids 4", "ids 7", "table"), build=_picks_matmul(2)),
    Case("matmul of picks that is added to rows", PicksMatMul(2),
         (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3), f64(3, 4)),
         lambda x, p, ids, t, w: kept_rows(t, ids) + put_picks(x, p, ids, 7, 2, 1, 0) @ w.T,
         Type("f64", (V, 3), rows=(BATCH, T)), ("normal", "ids 4", "ids 7", "table"), build=_picks_matmul_onto(2)),
    Case("matmul of picks with ends and gaps", PicksMatMul(3, 2, 3),
         (f64(BATCH, 2), i64(BATCH, 2), IDS, f64(V, 3), f64(3, 6)),
         lambda x, p, ids, t, w: put_picks(x, p, ids, 7, 3, 2, 3) @ w.T, Type("f64", (V, 3), rows=(BATCH, T)),
         ("normal", "ids 5", "ids 7", "table"), build=_picks_matmul(3, 2, 3)),
]  # fmt: skip
