"""Sums over many rows are taken in parts where threads compute together."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type
from compiler.ir.verify import verify
from compiler.ops.parted import OuterParts, SumParts
from compiler.ops.product import Outer
from compiler.ops.reduction import Sum
from compiler.passes.parted import FEW, MANY, NARROW, parted
from runtime.interpret import evaluate

ROWS = {"B": 2 * MANY}


def given(name: str, *shape: int) -> Node:
    type = Type("f64", (BATCH, *shape))
    return Node(Input(name, "data", type), (), type)


def graph(width: int = NARROW) -> Graph:
    x, y = given("x", width), given("y", width)
    return Graph((x, y), (Output("weight", apply(Outer(), x, y)), Output("bias", apply(Sum((0,)), y))))


def in_parts(of: Graph, sizes: dict[str, int], threads: int) -> list[object]:
    return [n.op for n in parted(of, sizes, threads).nodes() if isinstance(n.op, (OuterParts, SumParts))]


@pytest.mark.parametrize("threads", [2, 3])
def test_each_thread_sums_rows_of_its_own(threads: int):
    sizes = {"B": threads * MANY}
    assert in_parts(graph(), sizes, threads) == [OuterParts(threads), SumParts(threads)]
    after = parted(graph(), sizes, threads)
    verify(after)
    rng = np.random.default_rng(1)
    fed = {name: rng.standard_normal((sizes["B"], NARROW)) for name in ("x", "y")}
    wanted, found = evaluate(graph(), fed, sizes), evaluate(after, fed, sizes)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-11)


def test_one_thread_sums_all_at_once():
    assert in_parts(graph(), ROWS, 1) == []


def test_few_rows_are_summed_at_once():
    assert in_parts(graph(), {"B": 2 * MANY - 1}, 2) == []


def test_narrow_columns_are_summed_at_once():
    assert in_parts(graph(NARROW - 1), ROWS, 2) == []


def test_result_that_lies_in_no_cache_is_made_at_once():
    width = int(FEW**0.5) + 1
    assert in_parts(graph(width), ROWS, 2) == [SumParts(2)]


def test_sum_of_each_row_is_left():
    x = given("x", NARROW)
    assert in_parts(Graph((x,), (Output("sums", apply(Sum((1,)), x)),)), ROWS, 2) == []
