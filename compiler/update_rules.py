"""What the optimizers do to one weight, as graph; conventions are PyTorch's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compiler.autodiff import accumulate
from compiler.deferred import WINDOW, pays
from compiler.experiment import Deferred, Parameter, State
from compiler.ir.graph import Input, Node, Op, Output, apply
from compiler.ir.types import Dtype, Type
from compiler.ops.elementwise import Add, Cast, Div, Exp, Mul, Neg, Sqrt, Sub, constant
from compiler.ops.lookup import AddRows, DivShifted, PickRows, SetRows, StampRows
from compiler.settings.train import Optimizer
from dsl.source import Span


@dataclass
class Step:
    """A step being built: numbers that the run sets, states, updates.

    looked_up: the weights of which a step reads rows alone, with the name of the input that says which
    share: what lr is times for the weight at hand
    """

    dtype: Dtype
    span: Span | None
    looked_up: Mapping[str, str] = field(default_factory=dict[str, str])
    numbers: dict[str, Node] = field(default_factory=dict[str, Node])
    states: list[State] = field(default_factory=list[State])
    state_nodes: list[Node] = field(default_factory=list[Node])
    updates: list[Output] = field(default_factory=list[Output])
    deferred: list[Deferred] = field(default_factory=list[Deferred])
    share: float = 1.0

    def op(self, op: Op, *operands: Node) -> Node:
        return apply(op, *operands, span=self.span)

    def c(self, value: float) -> Node:
        """The constant, in the weights' dtype."""
        return constant(value, self.dtype, self.span)

    def plus(self, a: Node, b: Node) -> Node:
        """a + b; of a row-sparse one only the rows are added."""
        return accumulate(a, b, self.span)

    def mean(self, old: Node, new: Node, stays: float) -> Node:
        """The running mean: stays old + (1 - stays) new."""
        return self.plus(self.op(Mul(), old, self.c(stays)), self.op(Mul(), new, self.c(1 - stays)))

    def rows_of(self, dense: Node, like: Node) -> Node:
        """Of a dense table the rows that a row-sparse value names; all of it where the value is dense."""
        return dense if like.type.rows is None else self.op(PickRows(), dense, like)

    def number(self, name: str, dtype: Dtype) -> Node:
        if name not in self.numbers:
            self.numbers[name] = Node(Input(name, "number", Type(dtype)), (), Type(dtype))
        return self.numbers[name]

    def lr(self) -> Node:
        """f64[]"""
        lr = self.number("lr", "f64")
        return lr if self.share == 1 else self.op(Mul(), lr, constant(self.share, "f64", self.span))

    def rate(self) -> Node:
        """lr in the weights' dtype."""
        return self.op(Cast(self.dtype), self.lr())

    def state(self, weight: Parameter, name: str, start: float = 0.0) -> Node:
        return self.kept(State(f"{weight.name}.{name}", weight.type, start), weight.span)

    def kept(self, state: State, span: Span | None) -> Node:
        self.states.append(state)
        node = Node(Input(state.name, "state", state.type), (), state.type, span)
        self.state_nodes.append(node)
        return node

    def update(self, node: Node, value: Node) -> None:
        assert isinstance(node.op, Input)
        self.updates.append(Output(f"{node.op.name}'", value, node.op.name))


Rule = Callable[[Step, Optimizer, Parameter, Node, Node], Node]
"""(step, settings, weight, its node, its gradient) -> the weight's next value"""


def sgd(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """v = momentum v + g, w - lr v; nesterov: w - lr (g + momentum v); without momentum w - lr g.

    Source: Sutskever et al. 2013, in PyTorch's form.
    """
    if not settings.momentum:
        return step.plus(w, step.op(Neg(), step.op(Mul(), g, step.rate())))
    v = step.state(weight, "momentum")
    moved = step.plus(step.op(Mul(), v, step.c(settings.momentum)), g)
    step.update(v, moved)
    ahead = step.plus(step.op(Mul(), moved, step.c(settings.momentum)), g) if settings.nesterov else moved
    return step.op(Sub(), w, step.op(Mul(), ahead, step.rate()))


def adagrad(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """s = s + g^2, w - lr g / (sqrt(s) + eps). A row without gradient does not move. Source: Duchi et al. 2011."""
    s = step.state(weight, "squares", settings.init)
    total = step.plus(s, step.op(Mul(), g, g))
    step.update(s, total)
    root = step.op(Add(), step.op(Sqrt(), total), step.c(settings.eps))
    move = step.op(Div(), step.op(Mul(), g, step.rate()), step.rows_of(root, g))
    return step.plus(w, step.op(Neg(), move))


def rmsprop(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """s = rho s + (1 - rho) g^2, w - lr g / (sqrt(s) + eps); with momentum v = momentum v + g / (...), w - lr v.

    A row without gradient moves by what v holds of it. Source: Hinton 2012, lecture 6e.
    """
    s = step.state(weight, "square")
    square = step.mean(s, step.op(Mul(), g, g), settings.rho)
    step.update(s, square)
    root = step.op(Add(), step.op(Sqrt(), square), step.c(settings.eps))
    move = step.op(Div(), g, step.rows_of(root, g))
    if not settings.momentum:
        return step.plus(w, step.op(Neg(), step.op(Mul(), move, step.rate())))
    v = step.state(weight, "momentum")
    moved = step.plus(step.op(Mul(), v, step.c(settings.momentum)), move)
    step.update(v, moved)
    return step.op(Sub(), w, step.op(Mul(), moved, step.rate()))


def adadelta(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """s = rho s + (1 - rho) g^2, d = sqrt(u + eps) / sqrt(s + eps) g, u = rho u + (1 - rho) d^2, w - lr d.

    A row without gradient does not move. Source: Zeiler 2012, arXiv:1212.5701; lr is PyTorch's.
    """
    s, u = step.state(weight, "square"), step.state(weight, "moved")
    square = step.mean(s, step.op(Mul(), g, g), settings.rho)
    step.update(s, square)
    top = step.op(Sqrt(), step.op(Add(), u, step.c(settings.eps)))
    bottom = step.op(Sqrt(), step.op(Add(), square, step.c(settings.eps)))
    move = step.op(Mul(), step.rows_of(step.op(Div(), top, bottom), g), g)
    step.update(u, step.mean(u, step.op(Mul(), move, move), settings.rho))
    return step.plus(w, step.op(Neg(), step.op(Mul(), move, step.rate())))


def adam(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """m, v: running means of g and g^2; w - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps).

    A row without gradient still moves by what its means hold, as in PyTorch's dense Adam. Source: Kingma and Ba 2015.
    """
    first, second = settings.betas
    m, v = step.state(weight, "mean"), step.state(weight, "square")
    # Rows are made up for by the run's own rate.
    if weight.name in step.looked_up and step.share == 1 and pays(settings, weight, g):
        return adam_rows(step, settings, weight, (w, m, v), g)
    mean, square = step.mean(m, g, first), step.mean(v, step.op(Mul(), g, g), second)
    step.update(m, mean)
    step.update(v, square)
    rate, root = adam_rates(step, first, second)
    denominator = step.op(Add(), step.op(Div(), step.op(Sqrt(), square), root), step.c(settings.eps))
    return step.op(Sub(), w, step.op(Mul(), step.op(Div(), mean, denominator), rate))


def adam_rows(step: Step, settings: Optimizer, weight: Parameter, nodes: tuple[Node, Node, Node], g: Node) -> Node:
    """The same of the rows that g names; the others are made up for when they are read (`Deferred`).

    nodes: w, m, v
    """

    def mean(old: Node, new: Node, stays: float) -> Node:
        rows = step.op(PickRows(), old, g)
        return step.op(Add(), step.op(Mul(), rows, step.c(stays)), step.op(Mul(), new, step.c(1 - stays)))

    w, m, v = nodes
    first, second = settings.betas
    moving, square = mean(m, g, first), mean(v, step.op(Mul(), g, g), second)
    step.update(m, step.op(SetRows(), m, moving))
    step.update(v, step.op(SetRows(), v, square))
    mine, ids = weight.name, step.looked_up[weight.name]
    moved = step.kept(State(f"{mine}.moved", Type("i64", weight.type.shape[:1])), weight.span)
    step.update(moved, step.op(StampRows(), moved, g, step.number("step", "i64")))
    step.states.append(State(f"{mine}.rates", Type("f64", (2, WINDOW))))
    names = (mine, f"{mine}.mean", f"{mine}.square", f"{mine}.moved", f"{mine}.rates")
    step.deferred.append(Deferred(*names, ids=ids, betas=settings.betas, eps=settings.eps, window=WINDOW))
    rate, root = adam_rates(step, first, second)
    share = step.op(DivShifted(settings.eps), moving, step.op(Div(), step.op(Sqrt(), square), root))
    return step.op(AddRows(), w, step.op(Neg(), step.op(Mul(), share, rate)))


def adam_rates(step: Step, first: float, second: float) -> tuple[Node, Node]:
    """lr / (1 - b1^t) and sqrt(1 - b2^t), computed in float64 whatever the weights are, as PyTorch does."""
    one, t = constant(1.0, "f64", step.span), step.op(Cast("f64"), step.number("step", "i64"))

    def correction(beta: float) -> Node:
        if beta == 0:
            return one
        power = step.op(Exp(), step.op(Mul(), t, constant(math.log(beta), "f64", step.span)))
        return step.op(Sub(), one, power)

    rate = step.op(Div(), step.lr(), correction(first))
    root = step.op(Sqrt(), correction(second))
    return step.op(Cast(step.dtype), rate), step.op(Cast(step.dtype), root)


RULES: dict[str, Rule] = {
    "sgd": sgd,
    "adagrad": adagrad,
    "adadelta": adadelta,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}


def states_of(settings: Optimizer) -> int:
    """Numbers that the rule keeps for each weight from step to step."""
    moving = 1 if settings.momentum else 0
    return {"sgd": moving, "adagrad": 1, "adadelta": 2, "rmsprop": 1 + moving, "adam": 2, "adamw": 2}[settings.name]
