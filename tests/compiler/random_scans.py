"""Graphs with a scan whose body nobody chose: several states, sequences and constants, forwards or backwards."""

from __future__ import annotations

import random
from collections.abc import Callable

from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Type, symbol
from compiler.ops import elementwise as e
from compiler.ops.normal import Softmax
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.scan import Scan
from compiler.ops.sequence import Mask
from compiler.ops.shape import Concat, Reshape, Slice
from compiler.recurrence import Recurrence, State, ended_of, part, placeholder
from dsl.source import Span

T = symbol("T")
LENGTHS = apply(Input("lengths.T", "lengths", Type("i64", (BATCH,))))


def data(name: str, *shape: Dim) -> Node:
    return apply(Input(name, "data", Type("f64", shape)))


def weight(name: str, *shape: Dim) -> Node:
    return apply(Input(name, "weight", Type("f64", shape)))


class Steps:
    """The body so far. outside: what is the same in all steps, a row for each example or not."""

    def __init__(self, rng: random.Random, values: list[Node], outside: list[Node]) -> None:
        self.rng, self.values, self.outside, self.weights = rng, values, outside, list[Node]()
        self.line = 0

    def op(self, op, *inputs: Node) -> Node:
        self.line += 1
        node = apply(op, *inputs, span=Span("random.nn", self.line, 1, self.line, 5, f"line {self.line}"))
        self.values.append(node)
        return node

    def pick(self, width: Dim | None = None) -> Node:
        chosen = [n for n in self.values if width in (None, n.type.shape[-1])]
        return self.rng.choice(chosen[-4:] if self.rng.random() < 0.6 else chosen)

    def weight(self, *shape: Dim) -> Node:
        old = [n for n in self.weights if n.type.shape == shape]
        if old and self.rng.random() < 0.3:
            return self.rng.choice(old)
        self.weights.append(weight(f"w{len(self.weights)}", *shape))
        return self.weights[-1]

    def width(self, x: Node, width: Dim) -> Node:
        """x as wide as that."""
        return x if x.type.shape[-1] == width else self.op(MatMul(), x, self.weight(x.type.shape[-1], width))


def _unary(b: Steps) -> None:
    b.op(b.rng.choice((e.Tanh(), e.Sigmoid(), e.Neg(), e.Erf(), e.Softplus())), b.pick())


def _binary(b: Steps) -> None:
    x = b.pick()
    b.op(b.rng.choice((e.Add(), e.Sub(), e.Mul(), e.Maximum())), x, b.pick(x.type.shape[-1]))


def _product(b: Steps) -> None:
    x, width = b.pick(), b.rng.choice((2, 3, 4))
    if b.rng.random() < 0.7:
        b.op(MatMul(), x, b.weight(x.type.shape[-1], width))
    else:
        b.op(MatMul(transposed=True), x, b.weight(width, x.type.shape[-1]))


def _with_weight(b: Steps) -> None:
    x = b.pick()
    width = x.type.shape[-1]
    w = b.weight(b.rng.choice((1, width)))
    if b.rng.random() < 0.4:
        w = apply(Reshape((1, *w.type.shape)), apply(e.Tanh(), w))
    b.op(b.rng.choice((e.Add(), e.Mul(), e.Sub())), *b.rng.sample((x, w), 2))


def _with_number(b: Steps) -> None:
    b.op(e.Mul(), e.constant(b.rng.choice((0.5, -1.5)), "f64"), b.pick())


def _with_outside(b: Steps) -> None:
    """What is the same in all steps, but another for each row."""
    other = b.rng.choice(b.outside)
    x = b.width(b.pick(), other.type.shape[-1])
    b.op(b.rng.choice((e.Add(), e.Mul())), x, other)


def _parts(b: Steps) -> None:
    x = b.op(Concat(1), b.pick(), b.pick())
    start = b.rng.randrange(2)
    b.op(Slice(1, start, 2), x)


def _rows(b: Steps) -> None:
    x = b.pick()
    if b.rng.random() < 0.5:
        b.op(Softmax(), x)
    else:
        b.op(e.Mul(), x, apply(Sum((1,), keep=True), x))


def _guarded(b: Steps) -> None:
    above = b.op(e.Add(), b.op(e.Exp(), b.op(e.Tanh(), b.pick())), e.constant(0.5, "f64"))
    b.op(e.Div(), b.pick(above.type.shape[-1]), above)


KINDS: tuple[Callable[[Steps], None], ...] = (
    _unary, _unary, _binary, _binary, _product, _product, _with_weight, _with_number, _with_outside, _parts, _rows,
    _guarded,
)  # fmt: skip


def random_scan(seed: int, length: Dim = T, states: int | None = None) -> tuple[Graph, list[Node]]:
    """A graph whose output `loss` depends on all that a scan gives, and what it can be differentiated by."""
    rng = random.Random(seed)
    widths = [rng.choice((2, 3)) for _ in range(states or rng.randint(1, 3))]
    initial = [data(f"first{i}", BATCH, w) for i, w in enumerate(widths)]
    sequences = [data(f"x{i}", length, BATCH, rng.choice((2, 3))) for i in range(rng.randint(1, 2))]
    outside = [data("memory", BATCH, 2)]
    inner = [placeholder(f"s{i}", n.type) for i, n in enumerate(initial)]
    ended = ended_of(length, LENGTHS)
    back = Recurrence([], [], [], length, rng.random() < 0.5, ended)
    elements = [back.element(x) for x in sequences]
    b = Steps(rng, [*inner, *elements], outside)
    for _ in range(rng.randint(4, 12)):
        rng.choice(KINDS)(b)
    for i, (state, first) in enumerate(zip(inner, initial, strict=True)):
        late = rng.choice(b.values[-3:])
        # Squashed now and then, so that no run of several steps grows out of hand.
        next_ = b.op(e.Tanh(), b.width(late, widths[i]))
        back.states.append(State(state, first, next_))
    back.outputs = [*rng.sample(b.values, rng.randint(1, 3)), back.states[0].next]
    back.span = Span("random.nn", 99, 1, 99, 5, "the scan")
    scan = back.close()
    assert isinstance(scan.op, Scan)
    terms: list[Node] = []
    for i in range(len(scan.type.parts)):
        x = part(scan, i)
        x = apply(e.Tanh(), apply(e.Mul(), x, e.constant(0.3 + i, "f64")))
        if x.type.ragged is not None:
            x = apply(Mask("zero"), x, LENGTHS)
        terms.append(apply(Sum(tuple(range(x.type.rank))), x))
    loss = terms[0]
    for term in terms[1:]:
        loss = apply(e.Add(), loss, term)
    wrt = [*initial, *sequences, *outside, *b.weights]
    return Graph((*wrt, LENGTHS), (Output("loss", loss),)), wrt
