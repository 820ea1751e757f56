"""What the ops' type rules give and refuse, above all about padding: no op may lose a mask."""

from __future__ import annotations

import pytest

from compiler.ir.graph import Op
from compiler.ir.parse import parse_type
from compiler.ir.types import BATCH, TypeRuleError, moved, symbol
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import (
    Add,
    Cast,
    Div,
    Equal,
    Exp,
    Greater,
    Keep,
    Log,
    Mul,
    Neg,
    Select,
    Sqrt,
    Tanh,
)
from compiler.ops.fused import Fused
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import (
    AddRows,
    Bag,
    Dense,
    DivShifted,
    Gather,
    OneHot,
    PickRows,
    ScatterRows,
    SetRows,
    StampRows,
)
from compiler.ops.normal import LogSoftmax, LogSumExp, Softmax
from compiler.ops.parted import OuterParts, SumParts
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import ArgMax, Max, PutAlong, Sum, TakeAlong, TopPositions
from compiler.ops.scan import Ended
from compiler.ops.sequence import Lengths, Mask, PutPosition, TakePosition
from compiler.ops.shape import Broadcast, Concat, Fold, Place, Reshape, Slice, Transpose, Windows

T, V = symbol("T"), symbol("V")

GIVES: list[tuple[Op, list[str], str]] = [
    (Neg(), ["f32[B, T, 3]{zero}"], "f32[B, T, 3]{zero}"),
    (Exp(), ["f32[B, T, 3]{zero}"], "f32[B, T, 3]"),
    (Exp(), ["f32[B, T, 3]{lowest}"], "f32[B, T, 3]{any}"),
    (Log(), ["f32[B, T, 3]"], "f32[B, T, 3]{any}"),
    (Sqrt(), ["f32[B, T, 3]{zero}"], "f32[B, T, 3]{zero}"),
    (Add(), ["f32[B, T, 3]{zero}", "f32[3]"], "f32[B, T, 3]"),
    (Add(), ["f32[B, T, 3]{zero}", "f32[B, T, 1]{zero}"], "f32[B, T, 3]{zero}"),
    (Mul(), ["f32[B, T, 3]{zero}", "f32[3]"], "f32[B, T, 3]{zero}"),
    (Mul(), ["f32[B, T, 3]{zero}", "f32[B, T, 3]{any}"], "f32[B, T, 3]{any}"),
    (Mul(), ["f32[V, 3]{rows [B, T]}", "f32[]"], "f32[V, 3]{rows [B, T]}"),
    (Div(), ["f32[V, 3]{rows [B, T]}", "f32[]"], "f32[V, 3]{rows [B, T]}"),
    (Greater(), ["f32[B, T, 3]{any}", "f32[]"], "bool[B, T, 3]"),
    (Keep(), ["bool[B, T, 3]", "f32[B, T, 3]{lowest}"], "f32[B, T, 3]{any}"),
    (Keep(), ["bool[B, T, 3]", "f32[B, T, 3]{zero}"], "f32[B, T, 3]{zero}"),
    (Keep(), ["bool[B, T, 3]", "f32[3]"], "f32[B, T, 3]"),
    (Select(), ["bool[B, 1]", "f32[3]", "f32[]"], "f32[B, 3]"),
    (Cast("i64"), ["f32[B, T]{lowest}"], "i64[B, T]{any}"),
    (Cast("f64"), ["f32[B, T]{lowest}"], "f64[B, T]{lowest}"),
    (Reshape((BATCH, T, 2, 3)), ["f32[B, T, 6]{zero}"], "f32[B, T, 2, 3]{zero}"),
    (Transpose((1, 0, 2)), ["f32[B, T, 6]{zero}"], "f32[T, B, 6]{zero}"),
    (Broadcast((BATCH, T, 6)), ["f32[B, 1, 6]"], "f32[B, T, 6]"),
    (Broadcast((BATCH, T, 6)), ["f32[B, T, 1]{zero}"], "f32[B, T, 6]{zero}"),
    (Concat(2), ["f32[B, T, 6]{zero}", "f32[B, T, 2]"], "f32[B, T, 8]"),
    (Concat(2), ["f32[B, T, 6]{lowest}", "f32[B, T, 2]{zero}"], "f32[B, T, 8]{any}"),
    (Concat(1), ["f32[B, V]", "f32[B, 2]"], "f32[B, V+2]"),
    (Slice(1, V, 2), ["f32[B, V+2]"], "f32[B, 2]"),
    (Place(2, 1, 6), ["f32[B, T, 2]{lowest}"], "f32[B, T, 6]{any}"),
    (Windows(3), ["f32[B, T, 6]{zero}"], "f32[B, T-2, 3, 6]"),
    (Windows(3, 2, 2, 1, 1), ["f32[B, T, 6]{lowest}"], "f32[B, (T-1)//2, 3, 6]{any}"),
    (Fold(3, 1, 1, 0, 0, T), ["f32[B, T-2, 3, 6]{zero}"], "f32[B, T, 6]"),
    (Sum((2,)), ["f32[B, T, 6]{lowest}"], "f32[B, T]{lowest}"),
    (Sum((1,), keep=True), ["f32[B, T, 6]{zero}"], "f32[B, 1, 6]"),
    (Sum((0, 1)), ["f32[V, 6]{rows [B, T]}"], "f32[]"),
    (Max(1), ["f32[B, T, 6]{lowest}"], "f32[B, 6]"),
    (Max(2), ["f32[B, T, 6]"], "f32[B, T]"),
    (ArgMax(1), ["f32[B, T, 6]{lowest}"], "i64[B, 6]"),
    (TopPositions(2), ["f32[B, T, 6]{lowest}"], "i64[B, 2, 6]"),
    (TakeAlong(1), ["f32[B, T, 6]{lowest}", "i64[B, 2, 6]"], "f32[B, 2, 6]"),
    (PutAlong(1, T), ["f32[B, 2, 6]", "i64[B, 2, 6]"], "f32[B, T, 6]{zero}"),
    (PutAlong(2, 6), ["f32[B, T, 1]{lowest}", "i64[B, T, 1]"], "f32[B, T, 6]{any}"),
    (MatMul(), ["f32[B, T, 6]{zero}", "f32[6, 2]"], "f32[B, T, 2]{zero}"),
    (MatMul(), ["f32[B, T, 6]{lowest}", "f32[6, 2]"], "f32[B, T, 2]{any}"),
    (MatMul(transposed=True), ["f32[B, 2]", "f32[6, 2]"], "f32[B, 6]"),
    (Outer(), ["f32[B, T, 6]", "f32[B, T, 2]{zero}"], "f32[6, 2]"),
    (OuterParts(4), ["f32[B, T, 6]", "f32[B, T, 2]{zero}"], "f32[4, 6, 2]"),
    (SumParts(4), ["f32[B, T, 6]{zero}"], "f32[4, 6]"),
    (Gather(), ["f32[V, 6]", "i64[B, T]{zero}"], "f32[B, T, 6]{zero}"),
    (Gather(computed=True), ["f32[W, 6]", "i64[B, T]{zero}"], "f32[B, T, 6]"),
    (GatherDot(), ["f32[V, 6]", "i64[B, 4]", "f32[B, 6]"], "f32[B, 4]"),
    (GatherSum(), ["f32[V, 6]", "i64[B, T]{zero}"], "f32[B, 6]"),
    (GatherSum(), ["f32[V, 6]", "i64[B, 4]", "f32[B, 4]"], "f32[B, 6]"),
    (ScatterOuter(V), ["i64[B, T]{zero}", "f32[B, 6]"], "f32[V, 6]{rows [B, T]}"),
    (ScatterOuter(V), ["i64[B, 4]", "f32[B, 6]", "f32[B, 4]"], "f32[V, 6]{rows [B, 4]}"),
    (AddOuter(), ["f32[V, 6]", "i64[B, T]{zero}", "f32[B, 6]", "f32[]"], "f32[V, 6]"),
    (AddOuter(), ["f32[V, 6]", "i64[B, 4]", "f32[B, 6]", "f32[]", "f32[B, 4]"], "f32[V, 6]"),
    (ScatterRows(V), ["i64[B, T]{zero}", "f32[B, T, 6]{any}"], "f32[V, 6]{rows [B, T]}"),
    (AddRows(), ["f32[V, 6]", "f32[V, 6]{rows [B, T]}"], "f32[V, 6]"),
    (SetRows(), ["f32[V, 6]", "f32[V, 6]{rows [B, T]}"], "f32[V, 6]"),
    (StampRows(), ["i64[V]", "f32[V, 6]{rows [B, T]}", "i64[]"], "i64[V]"),
    (DivShifted(0.5), ["f32[V, 3]{rows [B, T]}", "f32[V, 3]{rows [B, T]}"], "f32[V, 3]{rows [B, T]}"),
    (PickRows(), ["f32[V, 6]", "f32[V, 6]{rows [B, T]}"], "f32[V, 6]{rows [B, T]}"),
    (Dense(), ["f32[V, 6]{rows [B, T]}"], "f32[V, 6]"),
    (OneHot(V, "f32"), ["i64[B, T]{zero}"], "f32[B, T, V]{zero}"),
    (Bag(V, "f32"), ["i64[B, T]{zero}"], "f32[B, V]"),
    (Mask("lowest"), ["f32[B, T-2, 6]{any}", "i64[B]"], "f32[B, T-2, 6]{lowest}"),
    (Lengths(moved(T, -2), "f32"), ["i64[B]"], "f32[B]"),
    (Mask(), ["f32[W.a, K.a-2, 6]{any}", "i64[W.a]"], "f32[W.a, K.a-2, 6]{zero}"),
    (Lengths(symbol("K"), "f32"), ["i64[W]"], "f32[W]"),
    (Ended(symbol("K")), ["i64[W]"], "bool[K, W, 1]"),
    (TakePosition(), ["f32[W, K, 6]", "i64[W]"], "f32[W, 6]"),
    (TakePosition(), ["f32[B, T, 6]", "i64[B]"], "f32[B, 6]"),
    (PutPosition(T), ["f32[B, 6]", "i64[B]"], "f32[B, T, 6]{zero}"),
    (Softmax(), ["f32[B, T, 6]{zero}"], "f32[B, T, 6]"),
    (LogSoftmax(), ["f32[B, T, 6]{lowest}"], "f32[B, T, 6]{any}"),
    (LogSumExp(2), ["f32[B, T, 6]{zero}"], "f32[B, T]"),
    (LogSumExp(1), ["f32[B, 4, 6]"], "f32[B, 6]"),
    (DropoutMask(0.5, 1, (BATCH, 3), "f32"), ["i64[]", "i64[]"], "f32[B, 3]"),
    (Fused(((Tanh(), (0,)), (Mul(), (1, 1)))), ["f32[B, T]{zero}"], "f32[B, T]{zero}"),
]  # fmt: skip

REFUSES: list[tuple[Op, list[str], str]] = [
    (Neg(), ["f32[3]", "f32[3]"], "number of operands"),
    (Add(), ["f32[3]", "f64[3]"], "dtypes differ"),
    (Add(), ["f32[B, T]", "f32[B, T-2]"], "do not meet"),
    (Neg(), ["bool[3]"], "floating-point"),
    (Add(), ["f32[V, 3]{rows [B, T]}", "f32[]"], "fill its zero rows"),
    (SetRows(), ["f32[V, 6]", "f32[V, 3]{rows [B, T]}"], "of one shape"),
    (StampRows(), ["f32[V]", "f32[V, 6]{rows [B, T]}", "i64[]"], "whole number"),
    (StampRows(), ["i64[V]", "f32[V, 6]{rows [B, T]}", "i64[2]"], "one number"),
    (Exp(), ["f32[V, 3]{rows [B, T]}"], "keep zero rows zero"),
    (Mul(), ["f32[V, 3]{rows [B, T]}", "f32[V, 3]"], "row-sparse"),
    (Greater(), ["f32[V, 3]{rows [B, T]}", "f32[]"], "row-sparse"),
    (Equal(), ["f32[V, 3]{rows [B, T]}", "f32[]"], "row-sparse"),
    (Keep(), ["bool[]", "f32[V, 3]{rows [B, T]}"], "dense"),
    (Equal(), ["f32[V, 3]{rows [B, T]}", "f32[V, 3]{rows [B]}"], "row-sparse"),
    (Select(), ["f32[3]", "f32[3]", "f32[3]"], "not bool"),
    (LogSumExp(1), ["f32[B, T, 6]"], "no axis 1 of one length"),
    (LogSumExp(1), ["i64[B, 6]"], "floating-point"),
    (Reshape((BATCH, 5)), ["f32[B, 6]"], "number of elements"),
    (Reshape((BATCH, 6, T)), ["f32[B, T, 6]{zero}"], "lengths of the rows would be lost"),
    (Reshape((T, BATCH, 6)), ["f32[B, T, 6]{zero}"], "lengths of the rows would be lost"),
    (Transpose((0, 0)), ["f32[B, 6]"], "each axis once"),
    (Broadcast((BATCH, 6)), ["f32[B, T, 6]"], "does not broadcast"),
    (Broadcast((3, V, 6)), ["f32[V, 6]{rows [B, T]}"], "does not broadcast"),
    (Concat(1), ["f32[B, T, 6]", "f32[B, T, 6]"], "not ragged"),
    (Concat(1), ["f32[B, 6]", "f32[B, 6, 2]"], "more than that axis"),
    (Concat(5), ["f32[B, 6]"], "no axis 5"),
    (Slice(1, 0, T), ["f32[B, T]"], "loses its lengths"),
    (Slice(1, 5, 2), ["f32[B, 6]"], "there are no 2 from 5 on in 6"),
    (Slice(1, -1, 2), ["f32[B, 6]"], "from -1"),
    (Place(1, 0, 9), ["f32[B, T]"], "no place"),
    (Windows(3), ["f32[B, T, 6]"], "padding is 0 or minus infinity"),
    (Windows(3), ["f32[B, 6, T]{zero}"], "wants a sequence"),
    (Fold(3, 1, 1, 0, 0, T), ["f32[B, T-2, 3, 6]"], "padding is 0"),
    (Fold(3, 1, 1, 0, 0, T), ["f32[B, T, 3, 6]{zero}"], "not the windows"),
    (Sum((1,)), ["f32[B, T, 6]"], "count the padding"),
    (Sum((0,)), ["f32[V, 6]{rows [B, T]}"], "all axes at once"),
    (Sum((1, 0)), ["f32[B, 6]"], "no axes"),
    (Max(1), ["f32[B, T, 6]{zero}"], "could be the padding"),
    (ArgMax(1), ["f32[B, T, 6]"], "could be the padding"),
    (TopPositions(2), ["f32[B, T, 6]{zero}"], "could be the padding"),
    (TakeAlong(1), ["f32[B, T, 6]", "i64[B, 2, 5]"], "more than that axis"),
    (PutAlong(1, T), ["f32[B, 2]", "i64[B, 3]"], "same shape"),
    (MatMul(), ["f32[B, 6]", "f32[5, 2]"], "do not fit"),
    (MatMul(), ["f32[B, 6, T]", "f32[T, 2]"], "do not fit"),
    (Outer(), ["f32[B, T, 6]", "f32[B, T, 2]"], "count the padding"),
    (Outer(), ["f32[B, T, 6]{zero}", "f32[B, T, 2]{any}"], "count the padding"),
    (OuterParts(4), ["f32[B, T, 6]", "f32[B, T, 2]"], "count the padding"),
    (SumParts(4), ["f32[B, T, 6]"], "count the padding"),
    (Gather(), ["f32[V, 6]", "f32[B]"], "ids are i64"),
    (GatherDot(), ["f32[V, 6]", "i64[B, 4]", "f32[W, 6]"], "a vector of each example"),
    (GatherDot(), ["f32[V, 6]", "i64[B]", "f32[B, 6]"], "some ids of each example"),
    (GatherSum(), ["f32[V, 6]", "i64[B, 4]", "f32[B, 5]"], "a number for each id"),
    (GatherSum(), ["f32[V, 6]", "i64[B, T]"], "padding"),
    (ScatterOuter(V), ["i64[B, T]", "f32[B, 6]"], "would be counted"),
    (AddOuter(), ["f32[V, 6]", "i64[B, T]", "f32[B, 6]", "f32[]"], "would be counted"),
    (AddOuter(), ["f32[V, 6]", "i64[B, 4]", "f32[B, 5]", "f32[]"], "[V, 5]"),
    (ScatterRows(V), ["i64[B, T]", "f32[B, T, 6]"], "would be counted"),
    (Dense(), ["f32[V, 6]"], "dense already"),
    (Bag(V, "f32"), ["i64[B, T]"], "0 in the padding"),
    (Mask(), ["f32[B, 6]", "i64[B]"], "wants a sequence"),
    (Mask(), ["f32[B, T]", "f32[B]"], "lengths are"),
    (Mask(), ["f32[W, K]", "i64[B]"], "lengths are i64.W."),
    (Mask(), ["f32[B, K]", "i64[B]"], "wants a sequence"),
    (Lengths(symbol("K"), "f32"), ["i64[B]"], "lengths are i64.W."),
    (Lengths(V, "f32"), ["i64[B]"], "the same for every row"),
    (Softmax(), ["f32[B, T]"], "rows of one length"),
    (DropoutMask(1.0, 1, (3,), "f32"), ["i64[]", "i64[]"], "0 <= p < 1"),
    (Fused(((Sum((0,)), (0,)),)), ["f32[3]"], "element-wise steps"),
    (Fused(((Neg(), (1,)),)), ["f32[3]"], "earlier steps"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs", "result"), GIVES, ids=str)
def test_rule_gives(op: Op, inputs: list[str], result: str):
    assert str(op.infer(*map(parse_type, inputs))) == result


@pytest.mark.parametrize(("op", "inputs", "message"), REFUSES, ids=str)
def test_rule_refuses(op: Op, inputs: list[str], message: str):
    with pytest.raises(TypeRuleError, match=message):
        op.infer(*map(parse_type, inputs))
