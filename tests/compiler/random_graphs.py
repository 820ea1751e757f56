"""Graphs that nobody chose: random networks over the op set, with gradients and updates, and what to feed them."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler.autodiff import gradients
from compiler.ir.graph import Flat, Graph, Input, InputKind, Node, Op, Output, apply
from compiler.ir.types import BATCH, Dim, Extent, Type, TypeRuleError, bind, symbol, value_of
from compiler.ops import elementwise as e
from compiler.ops.chance import DropoutMask
from compiler.ops.lookup import AddRows, Bag, Dense, Gather, OneHot
from compiler.ops.normal import LogSoftmax, Softmax
from compiler.ops.product import MatMul
from compiler.ops.reduction import Max, Sum, TakeAlong, TopPositions
from compiler.ops.sequence import Lengths, Mask, TakePosition
from compiler.ops.shape import Broadcast, Concat, Reshape, Slice, Transpose, Windows
from dsl.source import Span

Array = np.ndarray[Any, Any]

FUZZ = int(os.environ.get("NNC_FUZZ", "0"))
T, V, CLASSES = symbol("T"), symbol("V"), symbol("classes")


def fresh_seed() -> int:
    """A seed of its own for every run; a failing test prints it."""
    return random.SystemRandom().randrange(2**32)


@dataclass
class Builder:
    """One random network as it grows. values: what a next op may read, all f64 and dense."""

    rng: random.Random
    dropout: bool
    inputs: list[Node] = field(default_factory=list)
    values: list[Node] = field(default_factory=list)
    line: int = 0

    def input(self, name: str, kind: InputKind, type: Type) -> Node:
        node = Node(Input(name, kind, type), (), type)
        self.inputs.append(node)
        return node

    def op(self, op: Op, *inputs: Node) -> Node:
        return apply(op, *inputs, span=Span("random.nn", self.line, 1, self.line, 5, f"line {self.line}"))

    def weight(self, *shape: Dim) -> Node:
        return self.input(f"w{len(self.inputs)}", "weight", Type("f64", shape))

    def number(self, value: float) -> Node:
        return self.op(e.Constant(float(value).hex(), "f64"))

    def pick(self, rank: int | None = None) -> Node:
        """A value, a late one more often than not."""
        chosen = [n for n in self.values if rank is None or n.type.rank == rank]
        return self.rng.choice(chosen[-4:] if self.rng.random() < 0.7 else chosen)

    def masked(self, x: Node, fill: str = "zero") -> Node:
        if x.type.ragged is None:
            return x
        lengths = next(n for n in self.inputs if isinstance(n.op, Input) and n.op.name == "lengths.T")
        return self.op(Mask("zero" if fill == "zero" else "lowest"), x, lengths)

    def lengths(self) -> Node:
        return next(n for n in self.inputs if isinstance(n.op, Input) and n.op.name == "lengths.T")


def _unary(b: Builder) -> Node:
    ops = (e.Neg, e.Tanh, e.Sigmoid, e.Softplus, e.Relu, e.Erf, e.Abs, e.Sign)
    return b.op(b.rng.choice(ops)(), b.pick())


def _guarded(b: Builder) -> Node:
    """Where the plain op would leave the numbers, of something that it takes."""
    x = b.pick()
    kind = b.rng.randrange(4)
    if kind == 0:
        return b.op(e.Exp(), b.op(e.Tanh(), x))
    above = b.op(e.Add(), b.op(e.Abs(), x), b.number(b.rng.choice((0.5, 1.0))))
    return b.op(e.Log(), above) if kind == 1 else b.op(e.Sqrt(), above) if kind == 2 else b.op(e.Div(), b.pick(), above)


def _binary(b: Builder) -> Node:
    x = b.pick()
    y = b.rng.choice([n for n in b.values if n.type.shape == x.type.shape] + [b.number(b.rng.choice((1.0, -1.0, 0.3)))])
    pair = (x, y) if b.rng.random() < 0.5 else (y, x)
    return b.op(b.rng.choice((e.Add, e.Sub, e.Mul, e.Maximum, e.Minimum))(), *pair)


def _choice(b: Builder) -> Node:
    x = b.pick()
    condition = b.op(e.Greater(), x, b.number(0.1))
    if b.rng.random() < 0.5:
        return b.op(e.Keep(b.rng.random() < 0.5), condition, b.op(e.Tanh(), x))
    return b.op(e.Select(), condition, x, b.op(e.Cast("f64"), condition))


def _normal(b: Builder) -> Node:
    x = b.pick()
    kind = b.rng.randrange(3)
    if kind == 0:
        return b.op(LogSoftmax(), x)
    p = b.op(Softmax(), x)
    return p if kind == 1 else b.op(e.Log(), p)


def _dense(b: Builder) -> Node:
    x = b.masked(b.pick())
    m = b.rng.choice((2, 3))
    y = b.op(MatMul(), x, b.weight(x.type.shape[-1], m))
    return b.op(e.Tanh(), b.op(e.Add(), y, b.weight(m)))


def _around(b: Builder) -> Node:
    """Two ways around that end in the same shape."""
    x = b.pick()
    if b.rng.random() < 0.5:
        axes = list(range(x.type.rank))
        b.rng.shuffle(axes)
        there = b.op(e.Abs(), b.op(Transpose(tuple(axes)), x))
        return b.op(Transpose(tuple(axes.index(i) for i in range(len(axes)))), there)
    wide = b.op(Reshape((*x.type.shape[:-1], 1, x.type.shape[-1])), x)
    return b.op(Reshape(x.type.shape), b.op(Reshape((*x.type.shape, 1)), wide))


def _broadcast(b: Builder) -> Node:
    """A mean of each row, written out and added."""
    x = b.pick()
    if x.type.rank < 2:
        raise TypeRuleError("wants rows")
    total = b.op(Sum((x.type.rank - 1,), keep=True), x)
    if b.rng.random() < 0.5:
        total = b.op(Broadcast(x.type.shape), total)
    return b.op(e.Sub(), x, b.op(e.Mul(), b.number(0.5), total))


def _parts(b: Builder) -> Node:
    x, y = b.pick(), b.pick()
    axis = x.type.rank - 1
    both = b.op(Concat(axis), x, y)
    width = both.type.shape[axis]
    if not isinstance(width, int):
        return both
    start = b.rng.randrange(width)
    return b.op(Slice(axis, start, b.rng.randint(1, width - start)), both)


def _conv(b: Builder) -> Node:
    x = b.masked(b.pick(3))
    size, before, after = b.rng.choice((1, 2, 3)), b.rng.choice((0, 0, 1)), b.rng.choice((0, 0, 2))
    windows = b.op(Windows(size, b.rng.choice((1, 1, 2)), b.rng.choice((1, 1, 2)), before, after), x)
    if b.rng.random() < 0.3:
        return b.op(Sum((2,)), windows)
    rows, depth = windows.type.shape[:2], x.type.shape[2]
    assert isinstance(depth, int)
    flat = b.op(Reshape((*rows, size * depth)), windows)
    return b.op(e.Tanh(), b.op(MatMul(), flat, b.weight(size * depth, 2)))


def _pool(b: Builder) -> Node:
    """A sequence becomes one row."""
    x = b.pick(3)
    kind = b.rng.randrange(4)
    if kind == 0:
        return b.op(Max(1), b.masked(x, "lowest"))
    if kind == 1:
        lowest = b.masked(x, "lowest")
        return b.op(Sum((1,)), b.op(TakeAlong(1), lowest, b.op(TopPositions(2), lowest)))
    if kind == 2:
        count = b.op(Lengths(x.type.shape[1], "f64"), b.lengths())
        last = b.op(e.Cast("i64"), b.op(e.Sub(), count, b.number(1.0)))
        return b.op(TakePosition(), x, last)
    count = b.op(Reshape((BATCH, 1)), b.op(Lengths(x.type.shape[1], "f64"), b.lengths()))
    return b.op(e.Div(), b.op(Sum((1,)), b.masked(x)), count)


def _noise(b: Builder) -> Node:
    x = b.pick()
    if not b.dropout:
        raise TypeRuleError("no dropout here")
    seed, step = (next(n for n in b.inputs if isinstance(n.op, Input) and n.op.name == s) for s in ("seed", "step"))
    return b.op(e.Mul(), x, b.op(DropoutMask(0.5, b.line, x.type.shape, "f64"), seed, step))


CHOICES: tuple[Callable[[Builder], Node], ...] = (
    _unary, _unary, _guarded, _binary, _binary, _choice, _normal, _dense, _around, _broadcast, _parts, _conv, _pool,
    _noise,
)  # fmt: skip


def random_graph(seed: int, dropout: bool = True) -> Graph:
    """A training graph: random values, a loss that is a sum over rows, gradients of all weights, and updates."""
    b = Builder(random.Random(seed), dropout)
    text = b.input("text", "data", Type("i64", (BATCH, T), "zero"))
    lengths = b.input("lengths.T", "lengths", Type("i64", (BATCH,)))
    label = b.input("label", "data", Type("i64", (BATCH,)))
    x = b.input("x", "data", Type("f64", (BATCH, 3)))
    table = b.input("embed", "weight", Type("f64", (V, 3)))
    b.input("seed", "number", Type("i64"))
    b.input("step", "number", Type("i64"))
    b.values += [x, b.op(Gather(), table, text), b.op(Gather(), table, label), b.op(OneHot(CLASSES, "f64"), label)]
    b.values.append(b.op(e.Tanh(), b.op(MatMul(), b.op(Bag(V, "f64"), text), b.weight(V, 2))))
    for _ in range(b.rng.randint(6, 24)):
        b.line += 1
        try:
            b.values.append(b.rng.choice(CHOICES)(b))
        except TypeRuleError:
            continue  # the op does not take what was picked: the rules are tested elsewhere
    terms = [b.op(e.Tanh(), b.masked(n)) for n in b.rng.sample(b.values[3:], min(3, len(b.values) - 3))]
    sums = [b.op(Sum(tuple(range(n.type.rank))), b.masked(n)) for n in terms]
    loss = sums[0]
    for term in sums[1:]:
        loss = b.op(e.Add(), loss, term)
    outputs = [Output("loss", loss)]
    outputs += [Output(f"value.{i}", n) for i, n in enumerate(b.values) if i > 4 and b.rng.random() < 0.3]
    weights = [n for n in b.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    for weight, gradient in zip(weights, gradients(loss, weights, {"T": lengths}), strict=True):
        if gradient is not None:
            outputs += _updates(b, weight, gradient)
    return Graph(tuple(b.inputs), tuple(outputs))


def _updates(b: Builder, weight: Node, gradient: Node) -> list[Output]:
    assert isinstance(weight.op, Input)
    name = weight.op.name
    square = b.op(Sum(tuple(range(weight.type.rank))), b.op(e.Mul(), gradient, gradient))
    clipped = b.op(e.Div(), gradient, b.op(e.Maximum(), b.op(e.Sqrt(), square), b.number(1.0)))
    step = b.op(e.Mul(), clipped, b.number(-0.1))
    sparse = gradient.type.rows is not None
    return [
        Output(f"gradient.{name}", b.op(Dense(), gradient) if sparse else gradient),
        Output(name, b.op(AddRows() if sparse else e.Add(), weight, step), name),
    ]


def random_sizes(rng: np.random.Generator) -> dict[str, int]:
    return {name: int(rng.integers(low, high)) for name, (low, high) in _RANGES.items()}


_RANGES = {"B": (1, 5), "T": (1, 8), "V": (5, 9), "classes": (4, 6)}


def feeds_for(graph: Graph, sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, Array]:
    """Random values for every input: ids below 4, rows of 1 to T positions, in the padding what the type allows."""
    lengths = rng.integers(1, sizes.get("T", 1) + 1, sizes.get("B", 1))
    feeds: dict[str, Array] = {}
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        if isinstance(node.op, Flat):
            feeds |= {part.name: rng.normal(size=part.shape) for part in node.op.parts}
            continue
        shape = tuple(value_of(d, sizes) for d in node.type.shape)
        if node.op.kind == "lengths":
            feeds[node.op.name] = lengths
        elif node.type.dtype == "i64":
            feeds[node.op.name] = rng.integers(0, 4, shape)
        elif node.type.dtype == "bool":
            feeds[node.op.name] = rng.random(shape) < 0.5
        else:
            feeds[node.op.name] = rng.normal(size=shape)
        padding = ~real_positions(node.type, lengths, sizes)
        if node.type.pad != "finite":
            filler = {"zero": 0, "lowest": -np.inf, "any": np.nan}[node.type.pad]
            feeds[node.op.name] = np.where(padding, filler, feeds[node.op.name])
    for node in graph.inputs:
        if isinstance(node.op, Input) and node.op.name.startswith("embed"):
            feeds[node.op.name][0] = 0
    return feeds


def stored_names(graph: Graph) -> list[str]:
    """Weights and states, those of a vector by their own names."""
    ops = [n.op for n in graph.inputs if isinstance(n.op, Input) and n.op.kind in ("weight", "state")]
    return [name for op in ops for name in ([part.name for part in op.parts] if isinstance(op, Flat) else [op.name])]


def real_positions(type: Type, lengths: Array, sizes: Mapping[str, int]) -> Array:
    """Which elements of a value are no padding."""
    shape = tuple(value_of(d, sizes) for d in type.shape)
    real = np.ones(shape, bool)
    axis = type.ragged
    if axis is None:
        return real
    dim = type.shape[axis]
    batch = type.shape.index(BATCH)
    assert isinstance(dim, Extent)
    for row, length in enumerate(lengths):
        own = bind(dim, {"T": int(length)})
        assert isinstance(own, int)
        index: list[int | slice] = [slice(None)] * len(shape)
        index[batch], index[axis] = row, slice(own, None)
        real[tuple(index)] = False
    return real
