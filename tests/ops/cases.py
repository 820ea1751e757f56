"""One row or more for each op: operands, sizes, and what the result must be, by a formula that is not the kernel's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from compiler.ir.graph import Op, apply
from compiler.ir.types import BATCH, Extent, Type, moved, value_of
from compiler.ops import (
    chance,
    elementwise,
    fused,
    lookup,
    normal,
    parted,
    picking,
    product,
    reduction,
    sequence,
    shape,
)
from tests.ops.attention_cases import ATTENTION, POINTING, POSITIONS, RELATIVE
from tests.ops.case import IDS, LENGTHS_TYPE, LOWEST, SIZES, TEXT, Case, T, V, alone, boolean, f64, i64
from tests.ops.distinct_cases import DISTINCT, VALUES, rows_of
from tests.ops.formulas import (
    Array,
    dropout,
    first_largest,
    kept_rows,
    masked,
    one_hot,
    put_along,
    scattered,
    set_rows,
    softmax_of,
    stamp_rows,
    taken_along,
    top_positions,
    unfolded,
    windows_of,
)
from tests.ops.gathered_cases import GATHERED
from tests.ops.picture_cases import PICTURE
from tests.ops.scan_cases import SCAN


def _each(
    name: str, op: Op, formula: Callable[[float], float], like: str = "normal", smooth: bool = True
) -> list[Case]:
    expected = np.vectorize(formula, otypes=[np.float64])
    smooth_ = (0,) if smooth else ()
    ragged = f64(BATCH, T, 2)
    # The padding of the result is compared with the op's own rule, which types.py's tests cover; here only the numbers.
    result = op.infer(ragged)
    plain = op.infer(f64(3, 4))
    return [
        Case(name, op, (f64(3, 4),), expected, plain, (like,), smooth_),
        Case(f"{name} of a sequence", op, (ragged,), expected, result, (like,), smooth_),
        Case(f"{name} of a number", op, (f64(),), expected, op.infer(f64()), (like,), smooth_),
    ]


def _pair(
    name: str, op: Op, formula: Callable[[Array, Array], Array], like: tuple[str, ...], smooth: bool
) -> list[Case]:
    shapes = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((BATCH, T, 2), (2,)), ((2, 3), ())]
    cases: list[Case] = []
    for x, y in shapes:
        operands = (f64(*x), f64(*y))
        title = f"{name} of {list(map(str, x))} and {list(map(str, y))}"
        smooth_ = (0, 1) if smooth else ()
        cases.append(Case(title, op, operands, formula, op.infer(*operands), like, smooth_))
    return cases


def _kept_number(negated: bool) -> Op:
    """2.5 where a condition holds: a number in a group of steps stands in the program."""
    return fused.Fused(((elementwise.Constant((2.5).hex(), "f64"), ()), (elementwise.Keep(negated), (0, 1))))


ELEMENTWISE = [
    Case("constant", elementwise.Constant((2.5).hex(), "f64"), (), lambda: np.array(2.5), f64()),
    *_each("neg", elementwise.Neg(), lambda x: 0.0 - x),
    *_each("exp", elementwise.Exp(), math.exp),
    *_each("log", elementwise.Log(), math.log, "positive"),
    *_each("sqrt", elementwise.Sqrt(), math.sqrt, "positive"),
    *_each("tanh", elementwise.Tanh(), math.tanh),
    *_each("sigmoid", elementwise.Sigmoid(), lambda x: math.exp(x) / (1 + math.exp(x))),
    *_each("softplus", elementwise.Softplus(), lambda x: math.log(1 + math.exp(x))),
    *_each("relu", elementwise.Relu(), lambda x: x if x > 0 else 0.0),
    *_each("erf", elementwise.Erf(), math.erf, "wide"),
    *_each("abs", elementwise.Abs(), lambda x: x if x > 0 else -x),
    *_each("sign", elementwise.Sign(), lambda x: (x > 0) - (x < 0), "ties", smooth=False),
    *_each("cast to f32", elementwise.Cast("f32"), lambda x: float(np.float32(x)), "ties", smooth=False),
    *_each("cast to i64", elementwise.Cast("i64"), lambda x: float(math.trunc(x)), "wide", smooth=False),
    *_pair("add", elementwise.Add(), lambda x, y: x + y, (), True),
    *_pair("sub", elementwise.Sub(), lambda x, y: x - y, (), True),
    *_pair("mul", elementwise.Mul(), lambda x, y: x * y, (), True),
    *_pair("div", elementwise.Div(), lambda x, y: x / y, ("normal", "positive"), True),
    *_pair("div shifted", lookup.DivShifted(0.5), lambda x, y: x / (y + 0.5), ("normal", "positive"), True),
    *_pair("maximum", elementwise.Maximum(), lambda x, y: np.where(x > y, x, y), (), True),
    *_pair("minimum", elementwise.Minimum(), lambda x, y: np.where(x < y, x, y), (), True),
    *_pair("greater", elementwise.Greater(), lambda x, y: x > y, ("ties", "ties"), False),
    *_pair("equal", elementwise.Equal(), lambda x, y: x == y, ("ties", "ties"), False),
    Case("select", elementwise.Select(), (boolean(3, 1), f64(3, 4), f64(4)), lambda c, x, y: c * x + (1 - c) * y,
         f64(3, 4), ("bool", "normal", "normal"), (1, 2)),
    Case("keep", elementwise.Keep(), (boolean(3, 4), f64(3, 4)), lambda c, x: c * x, f64(3, 4),
         ("bool", "normal"), (1,)),
    Case("keep the others", elementwise.Keep(negated=True), (boolean(4), f64(3, 4)), lambda c, x: (1 - c) * x,
         f64(3, 4), ("bool", "normal"), (1,)),
    Case("keep a number", _kept_number(False), (boolean(3, 4),), lambda c: c * 2.5, f64(3, 4), ("bool",)),
    Case("keep a number not", _kept_number(True), (boolean(3, 4),), lambda c: 2.5 - c * 2.5, f64(3, 4), ("bool",)),
    Case("cast of bool", elementwise.Cast("f64"), (boolean(3),), lambda c: c * 1.0, f64(3), ("bool",)),
    Case("fused", fused.Fused(((elementwise.Mul(), (0, 1)), (elementwise.Constant((2.0).hex(), "f64"), ()),
                               (elementwise.Add(), (2, 3)), (elementwise.Tanh(), (4,)), (elementwise.Sub(), (5, 2)))),
         (f64(3, 4), f64(4)), lambda x, y: np.tanh(x * y + 2) - x * y, f64(3, 4)),
]  # fmt: skip


def _convolution(size: int, stride: int = 1, dilation: int = 1, before: int = 0, after: int = 0) -> list[Case]:
    op = shape.Windows(size, stride, dilation, before, after)
    count = op.positions(T)
    fold = shape.Fold(size, stride, dilation, before, after, T)
    title = f"size {size} stride {stride} dilation {dilation} before {before} after {after}"
    out = value_of(count, SIZES)
    folded = f64(BATCH, count, size, 2, pad="zero")
    return [
        Case(f"windows {title}", op, (TEXT,), lambda x: windows_of(x, out, size, stride, dilation, before, 0.0),
             f64(BATCH, count, size, 2), smooth=(0,)),
        Case(f"fold {title}", fold, (folded,), lambda x: unfolded(x, 5, stride, dilation, before), f64(BATCH, T, 2),
             smooth=(0,)),
    ]  # fmt: skip


SHAPE = [
    Case("reshape", shape.Reshape((BATCH, 3, 2, 2)), (f64(BATCH, 6, 2),), lambda x: x.reshape(3, 3, 2, 2),
         f64(BATCH, 3, 2, 2), smooth=(0,)),
    Case("transpose", shape.Transpose((2, 0, 1)), (f64(2, 3, 4),), lambda x: np.einsum("abc->cab", x), f64(4, 2, 3),
         smooth=(0,)),
    Case("transpose of a sequence", shape.Transpose((1, 0, 2)), (TEXT,), lambda x: np.einsum("abc->bac", x),
         f64(T, BATCH, 2, pad="zero"), smooth=(0,)),
    Case("broadcast", shape.Broadcast((2, 3, 4)), (f64(3, 1),), lambda x: np.stack([np.repeat(x, 4, 1)] * 2),
         f64(2, 3, 4), smooth=(0,)),
    Case("concat", shape.Concat(1), (f64(3, 2), f64(3, 1), f64(3, 4)), lambda *x: np.hstack(x), f64(3, 7),
         smooth=(0, 1, 2)),
    Case("concat of sequences", shape.Concat(2), (TEXT, f64(BATCH, T, 3, pad="zero")), lambda x, y: np.dstack((x, y)),
         f64(BATCH, T, 5, pad="zero"), smooth=(0, 1)),
    Case("slice", shape.Slice(1, 1, 2), (f64(3, 4, 2),), lambda x: x[:, 1:3], f64(3, 2, 2), smooth=(0,)),
    Case("slice of the first axis", shape.Slice(0, 2, 1), (f64(3, 4),), lambda x: x[2:], f64(1, 4), smooth=(0,)),
    Case("place", shape.Place(1, 1, 4), (f64(3, 2),), lambda x: np.pad(x, ((0, 0), (1, 1))), f64(3, 4), smooth=(0,)),
    *_convolution(1), *_convolution(2), *_convolution(3, 2), *_convolution(2, 1, 3), *_convolution(3, 1, 1, 1, 1),
    *_convolution(3, 1, 1, 2, 0), *_convolution(7), *_convolution(2, 3, 2, 1, 4), *_convolution(4, 2, 2, 5, 1),
    Case("windows of what is lowest", shape.Windows(2, 1, 1, 1, 0), (LOWEST,),
         lambda x: windows_of(x, 5, 2, 1, 1, 1, -np.inf), f64(BATCH, T, 2, 2, pad="any")),
]  # fmt: skip


REDUCTION = [
    Case("sum of rows", reduction.Sum((0,)), (f64(3, 4),), lambda x: np.einsum("ij->j", x), f64(4), smooth=(0,)),
    Case("sum of columns, kept", reduction.Sum((1,), keep=True), (f64(3, 4),), lambda x: np.einsum("ij->i", x)[:, None],
         f64(3, 1), smooth=(0,)),
    Case("sum of all", reduction.Sum((0, 1)), (f64(3, 4),), lambda x: np.array(math.fsum(x.ravel())), f64(),
         smooth=(0,)),
    Case("sum of all but the last axis", reduction.Sum((0, 1)), (TEXT,), lambda x: np.einsum("btd->d", x), f64(2),
         smooth=(0,)),
    Case("sum over a sequence", reduction.Sum((1,)), (TEXT,), lambda x: np.einsum("btd->bd", x), f64(BATCH, 2),
         smooth=(0,)),
    Case("sum over the outer axes", reduction.Sum((0, 2)), (f64(2, 3, 4),), lambda x: np.einsum("abc->b", x), f64(3),
         smooth=(0,)),
    Case("max over a sequence", reduction.Max(1), (LOWEST,), lambda x: x.max(1), f64(BATCH, 2), smooth=(0,)),
    Case("max of rows", reduction.Max(0), (f64(3, 4),), lambda x: x.max(0), f64(4), smooth=(0,)),
    Case("max of columns", reduction.Max(1), (f64(3, 4),), lambda x: x.max(1), f64(3), smooth=(0,)),
    Case("argmax over a sequence", reduction.ArgMax(1), (LOWEST,), lambda x: first_largest(x, 1), i64(BATCH, 2),
         ("ties",)),
    Case("argmax of rows", reduction.ArgMax(0), (f64(3, 4),), lambda x: first_largest(x, 0), i64(4), ("ties",)),
    Case("argmax of columns", reduction.ArgMax(1), (f64(4, 9),), lambda x: first_largest(x, 1), i64(4), ("ties",)),
    Case("two top positions", reduction.TopPositions(2), (LOWEST,), lambda x: top_positions(x, 2),
         i64(BATCH, 2, 2), ("ties",)),
    Case("more top positions than there are", reduction.TopPositions(7), (LOWEST,), lambda x: top_positions(x, 7),
         i64(BATCH, 7, 2), ("ties",)),
    Case("take along columns", reduction.TakeAlong(1), (f64(3, 4), i64(3, 2)), lambda x, p: taken_along(x, p, 1),
         f64(3, 2), ("normal", "positions 4 axis 1"), (0,)),
    Case("take along rows", reduction.TakeAlong(0), (f64(3, 4), i64(1, 4)), lambda x, p: taken_along(x, p, 0),
         f64(1, 4), ("normal", "positions 3 axis 0"), (0,)),
    Case("take along a sequence", reduction.TakeAlong(1), (f64(BATCH, 5, 2), i64(BATCH, 3, 2)),
         lambda x, p: taken_along(x, p, 1), f64(BATCH, 3, 2), ("normal", "positions 5 missing"), (0,)),
    Case("take ids along columns", reduction.TakeAlong(1), (i64(3, 4), i64(3, 2)), lambda x, p: taken_along(x, p, 1),
         i64(3, 2), ("ids 9", "positions 4 axis 1")),
    Case("add along", reduction.AddAlong(1), (f64(3, 4), f64(3, 1), i64(3, 1)),
         lambda x, y, p: x + put_along(y, p, 1, 4), f64(3, 4), ("normal", "normal", "positions 4 axis 1")),
    Case("add along where there is no position", reduction.AddAlong(1), (f64(1, 4), f64(1, 1), i64(1, 1)),
         lambda x, y, p: x + put_along(y, p, 1, 4), f64(1, 4), ("normal", "normal", "nowhere")),
    Case("put along columns", reduction.PutAlong(1, 4), (f64(3, 1), i64(3, 1)), lambda x, p: put_along(x, p, 1, 4),
         f64(3, 4), ("normal", "positions 4 axis 1"), (0,)),
    Case("put along a sequence", reduction.PutAlong(1, T), (f64(BATCH, 3, 2), i64(BATCH, 3, 2)),
         lambda x, p: put_along(x, p, 1, 5), f64(BATCH, T, 2, pad="zero"), ("normal", "positions 1 missing"), (0,)),
]  # fmt: skip

PRODUCT = [
    Case("matmul", product.MatMul(), (f64(3, 4), f64(4, 2)), lambda x, w: np.einsum("ij,jk->ik", x, w), f64(3, 2),
         smooth=(0, 1)),
    Case("matmul, transposed", product.MatMul(transposed=True), (f64(3, 4), f64(2, 4)),
         lambda x, w: np.einsum("ij,kj->ik", x, w), f64(3, 2), smooth=(0, 1)),
    Case("matmul of a row", product.MatMul(), (f64(4), f64(4, 2)), lambda x, w: np.einsum("j,jk->k", x, w), f64(2)),
    Case("matmul of a sequence", product.MatMul(), (TEXT, f64(2, 3)), lambda x, w: np.einsum("btd,de->bte", x, w),
         f64(BATCH, T, 3, pad="zero"), smooth=(0, 1)),
    Case("outer", product.Outer(), (f64(3, 4), f64(3, 2)), lambda x, y: np.einsum("ni,nj->ij", x, y), f64(4, 2),
         smooth=(0, 1)),
    Case("outer of sequences", product.Outer(), (TEXT, f64(BATCH, T, 3)), lambda x, y: np.einsum("bti,btj->ij", x, y),
         f64(2, 3), smooth=(0, 1)),
    Case("outer in parts", parted.OuterParts(2), (f64(5, 4), f64(5, 2)),
         lambda x, y: np.stack([x[:2].T @ y[:2], x[2:].T @ y[2:]]), f64(2, 4, 2)),
    Case("outer in more parts than rows", parted.OuterParts(3), (f64(2, 4), f64(2, 3)),
         lambda x, y: np.stack([np.zeros((4, 3)), np.outer(x[0], y[0]), np.outer(x[1], y[1])]), f64(3, 4, 3)),
    Case("sum in parts", parted.SumParts(2), (f64(5, 4),), lambda x: np.stack([x[:2].sum(0), x[2:].sum(0)]), f64(2, 4)),
    Case("sum of sequences in parts", parted.SumParts(2), (f64(4, 3, 2),),
         lambda x: np.stack([x[:2].sum((0, 1)), x[2:].sum((0, 1))]), f64(2, 2)),
]  # fmt: skip


LOOKUP = [
    Case("gather", lookup.Gather(), (f64(V, 2), IDS), lambda table, ids: np.stack([table[row] for row in ids]),
         f64(BATCH, T, 2, pad="zero"), ("table", "ids 7"), (0,)),
    Case("gather of a computed table", lookup.Gather(computed=True), (f64(V, 2), IDS),
         lambda table, ids: np.stack([table[row] for row in ids]), f64(BATCH, T, 2), ("table", "ids 7"), (0,)),
    Case("scatter rows", lookup.ScatterRows(V), (IDS, VALUES), lambda ids, x: scattered(ids, x, 7),
         Type("f64", (V, 2), rows=(BATCH, T)), ("ids 7", "normal")),
    Case("scatter rows that are all of one id", lookup.ScatterRows(V), (i64(90), f64(90, 3)),
         lambda ids, x: scattered(ids, x, 7), Type("f64", (V, 3), rows=(90,)), ("ids 2", "normal")),
    Case("scatter rows of ids that are all 0", lookup.ScatterRows(V), (i64(4), f64(4, 3)),
         lambda ids, x: scattered(ids, x, 7), Type("f64", (V, 3), rows=(4,)), ("ids 1", "normal")),
    Case("dense", lookup.Dense(), (IDS, VALUES), lambda ids, x: scattered(ids, x, 7), f64(V, 2), ("ids 7", "normal"),
         build=lambda ids, x: apply(lookup.Dense(), rows_of(ids, x))),
    Case("add rows", lookup.AddRows(), (f64(V, 2), IDS, VALUES), lambda d, ids, x: d + scattered(ids, x, 7), f64(V, 2),
         ("normal", "ids 7", "normal"), build=lambda d, ids, x: apply(lookup.AddRows(), d, rows_of(ids, x))),
    Case("set rows", lookup.SetRows(), (f64(V, 2), IDS, VALUES), set_rows, f64(V, 2), ("table", "ids 7", "normal"),
         build=lambda d, ids, x: apply(lookup.SetRows(), d, rows_of(ids, x))),
    Case("stamp rows", lookup.StampRows(), (i64(V), IDS, VALUES, i64()), stamp_rows, i64(V),
         ("ids 5", "ids 7", "normal", "ids 9"),
         build=lambda stamps, ids, x, n: apply(lookup.StampRows(), stamps, rows_of(ids, x), n)),
    Case("pick rows", lookup.PickRows(), (f64(V, 2), IDS, VALUES), lambda d, ids, _: kept_rows(d, ids),
         Type("f64", (V, 2), rows=(BATCH, T)), ("normal", "ids 7", "normal"),
         build=lambda d, ids, x: apply(lookup.PickRows(), d, rows_of(ids, x))),
    *DISTINCT,
    *GATHERED,
    Case("elementwise on rows", elementwise.Mul(), (f64(), IDS, VALUES),
         lambda a, ids, x: a * scattered(ids, x, 7) ** 2, Type("f64", (V, 2), rows=(BATCH, T)),
         ("normal", "ids 7", "normal"),
         build=lambda a, ids, x: apply(elementwise.Mul(), a, apply(elementwise.Mul(), r := rows_of(ids, x), r))),
    Case("sum of rows by id", reduction.Sum((0, 1)), (IDS, VALUES),
         lambda ids, x: np.array(scattered(ids, x, 7).sum()), f64(), ("ids 7", "normal"),
         build=lambda ids, x: apply(reduction.Sum((0, 1)), rows_of(ids, x))),
    Case("one hot", lookup.OneHot(4, "f64"), (IDS,), lambda ids: one_hot(ids, 4), f64(BATCH, T, 4, pad="zero"),
         ("ids 4",)),
    Case("bag", lookup.Bag(V, "f64"), (IDS,), lambda ids: one_hot(ids, 7).sum(1), f64(BATCH, V), ("ids 7",)),
]  # fmt: skip


SHORTER = moved(T, -2)
HALF = Extent((("T", 1),), shift=-1, step=2)

SEQUENCE = [
    Case("mask with zeros", sequence.Mask(), (f64(BATCH, T, 2, pad="any"), LENGTHS_TYPE),
         lambda x, _: masked(x, [1, 5, 3], 0.0), TEXT, ("normal", "lengths"), (0,)),
    Case("mask with what is lowest", sequence.Mask("lowest"), (VALUES, LENGTHS_TYPE),
         lambda x, _: masked(x, [1, 5, 3], -np.inf), LOWEST, ("normal", "lengths"), (0,)),
    Case("mask of ids", sequence.Mask(), (i64(BATCH, T), LENGTHS_TYPE), lambda x, _: masked(x, [1, 5, 3], 0), IDS,
         ("ids 9", "lengths")),
    Case("mask of a shorter sequence", sequence.Mask(), (f64(BATCH, SHORTER, 2, pad="any"), LENGTHS_TYPE),
         lambda x, _: masked(x, [1, 3, 1], 0.0), f64(BATCH, SHORTER, 2, pad="zero"), ("normal", "lengths"), (0,)),
    Case("mask of every other position", sequence.Mask(), (f64(BATCH, HALF, pad="any"), LENGTHS_TYPE),
         lambda x, _: masked(x, [1, 2, 1], 0.0), f64(BATCH, HALF, pad="zero"), ("normal", "lengths"), (0,)),
    Case("lengths", sequence.Lengths(SHORTER, "f64"), (LENGTHS_TYPE,), lambda _: np.array([1.0, 3.0, 1.0]), f64(BATCH),
         ("lengths",)),
    Case("take position", sequence.TakePosition(), (f64(BATCH, T, 2), LENGTHS_TYPE),
         lambda x, at: np.stack([row[i] for row, i in zip(x, at, strict=True)]), f64(BATCH, 2), ("normal", "real"),
         (0,)),
    Case("pick positions", picking.PickPositions(), (f64(BATCH, T, 2), i64(1, 4)),
         lambda x, at: x.reshape(-1, 2)[at], f64(1, 4, 2), ("normal", "places"), (0,)),
    Case("pick ids where some are none", picking.PickPositions(), (IDS, i64(1, 3)),
         lambda x, at: x.reshape(-1)[np.maximum(at, 0)], i64(1, 3), ("ids 9", "places some")),
    Case("put positions", picking.PutPositions((BATCH, T)), (f64(1, 4, 2), i64(1, 4)),
         lambda x, at: (np.stack([np.arange(15) == i for i in at[0]]).T.astype(float) @ x[0]).reshape(3, 5, 2), TEXT,
         ("normal", "places"), (0,)),
    Case("put positions where some are none", picking.PutPositions((BATCH, T)), (f64(1, 3, 2), i64(1, 3)),
         lambda x, at: (np.stack([np.arange(15) == i for i in at[0]]).T.astype(float) @ x[0]).reshape(3, 5, 2), TEXT,
         ("normal", "places some"), (0,)),
    Case("put position", sequence.PutPosition(T), (f64(BATCH, 2), LENGTHS_TYPE),
         lambda x, at: np.stack([np.outer(np.arange(5) == i, row) for row, i in zip(x, at, strict=True)]), TEXT,
         ("normal", "real"), (0,)),
    Case("put last", sequence.PutLast(), (TEXT, f64(BATCH, 1, 2), LENGTHS_TYPE),
         lambda past, last, n: np.stack([[*p[: k - 1], x[0], *p[k:]] for p, x, k in zip(past, last, n, strict=True)]),
         f64(BATCH, T, 2),
         ("normal", "normal", "lengths")),
]  # fmt: skip


OTHERS = [
    Case("softmax", normal.Softmax(), (f64(3, 4),), softmax_of, f64(3, 4), smooth=(0,)),
    Case("softmax of a sequence", normal.Softmax(), (f64(BATCH, T, 3),), softmax_of, f64(BATCH, T, 3), smooth=(0,)),
    Case("log softmax", normal.LogSoftmax(), (f64(3, 4),), lambda x: np.log(softmax_of(x)), f64(3, 4), smooth=(0,)),
    Case("log sum exp of columns", normal.LogSumExp(1), (f64(3, 4),), lambda x: np.log(np.exp(x).sum(1)), f64(3),
         smooth=(0,)),
    Case("log sum exp over the middle", normal.LogSumExp(1), (f64(BATCH, 4, 2),), lambda x: np.log(np.exp(x).sum(1)),
         f64(BATCH, 2), ("wide",), smooth=(0,)),
    Case("log sum exp of a sequence", normal.LogSumExp(2), (f64(BATCH, T, 3),), lambda x: np.log(np.exp(x).sum(2)),
         f64(BATCH, T), smooth=(0,)),
    Case("dropout mask", chance.DropoutMask(0.3, 2, (BATCH, 4), "f64"), (i64(), i64()), dropout(0.3, 2, (3, 4)),
         f64(BATCH, 4), ("count", "count")),
    Case("dropout mask in f32", chance.DropoutMask(0.5, 0, (BATCH, 4), "f32"), (i64(), i64()), dropout(0.5, 0, (3, 4)),
         Type("f32", (BATCH, 4)), ("count", "count")),
]  # fmt: skip

SINGLE = [
    Case("sum of one", reduction.Sum((0,)), (f64(1, 1),), lambda x: x[0], f64(1), smooth=(0,)),
    Case("max of one", reduction.Max(1), (f64(3, 1),), lambda x: x[:, 0], f64(3), smooth=(0,)),
    Case("argmax of one", reduction.ArgMax(0), (f64(1, 3),), lambda x: np.zeros(3, np.int64), i64(3)),
    Case("matmul of one", product.MatMul(), (f64(1, 1), f64(1, 1)), lambda x, w: x * w, f64(1, 1), smooth=(0, 1)),
    Case("matmul to one column", product.MatMul(), (f64(3, 4), f64(4, 1)), lambda x, w: np.einsum("ij,jk->ik", x, w),
         f64(3, 1), smooth=(0, 1)),
    Case("outer of one row", product.Outer(), (f64(1, 3), f64(1, 2)), lambda x, y: np.einsum("ni,nj->ij", x, y),
         f64(3, 2), smooth=(0, 1)),
    Case("softmax of one", normal.Softmax(), (f64(3, 1),), np.ones_like, f64(3, 1), smooth=(0,)),
    Case("log sum exp of one", normal.LogSumExp(0), (f64(1, 3),), lambda x: x[0], f64(3), smooth=(0,)),
    Case("log softmax of one", normal.LogSoftmax(), (f64(3, 1),), np.zeros_like, f64(3, 1), smooth=(0,)),
    alone(Case("max of a text of one word", reduction.Max(1), (LOWEST,), lambda x: x[:, 0], f64(BATCH, 2),
               smooth=(0,))),
    alone(Case("windows wider than the text", shape.Windows(3), (TEXT,),
               lambda x: np.concatenate([x, 0 * x, 0 * x], 1)[:, None], f64(BATCH, moved(T, -2), 3, 2), smooth=(0,))),
    alone(Case("gather of one", lookup.Gather(), (f64(V, 2), IDS), lambda table, ids: table[ids],
               f64(BATCH, T, 2, pad="zero"), ("table", "ids 2"), (0,))),
    alone(Case("top position of one", reduction.TopPositions(1), (LOWEST,), lambda x: np.zeros((1, 1, 2), np.int64),
               i64(BATCH, 1, 2))),
]  # fmt: skip

CASES = [
    *ELEMENTWISE, *SHAPE, *REDUCTION, *PRODUCT, *PICTURE, *LOOKUP, *SEQUENCE, *SCAN, *ATTENTION, *POSITIONS,
    *RELATIVE, *POINTING, *OTHERS, *SINGLE,
]  # fmt: skip
