"""Clipping and the optimizer's update, as more graph: what a step does to every weight. Conventions are PyTorch's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from compiler.autodiff import accumulate, gradients
from compiler.experiment import Experiment, Parameter, State, TrainingStep
from compiler.ir.graph import Graph, Input, Node, Op, Output, apply
from compiler.ir.types import Dtype, Type, size_bytes
from compiler.ops.elementwise import Add, Cast, Div, Exp, Maximum, Minimum, Mul, Neg, Sqrt, Sub, constant
from compiler.ops.lookup import PickRows
from compiler.ops.reduction import Sum
from compiler.settings.train import Optimizer
from dsl.source import Span


@dataclass
class Step:
    """A step being built: numbers that the run sets, states, updates."""

    dtype: Dtype
    span: Span | None
    numbers: dict[str, Node] = field(default_factory=dict[str, Node])
    states: list[State] = field(default_factory=list[State])
    state_nodes: list[Node] = field(default_factory=list[Node])
    updates: list[Output] = field(default_factory=list[Output])

    def op(self, op: Op, *operands: Node) -> Node:
        return apply(op, *operands, span=self.span)

    def c(self, value: float) -> Node:
        """The constant, in the weights' dtype."""
        return constant(value, self.dtype, self.span)

    def plus(self, a: Node, b: Node) -> Node:
        """a + b; of a row-sparse one only the rows are added."""
        return accumulate(a, b, self.span)

    def number(self, name: str, dtype: Dtype) -> Node:
        if name not in self.numbers:
            self.numbers[name] = Node(Input(name, "number", Type(dtype)), (), Type(dtype))
        return self.numbers[name]

    def rate(self) -> Node:
        """lr in the weights' dtype."""
        return self.op(Cast(self.dtype), self.number("lr", "f64"))

    def state(self, weight: Parameter, name: str, start: float = 0.0) -> Node:
        full = f"{weight.name}.{name}"
        self.states.append(State(full, weight.type, start))
        node = Node(Input(full, "state", weight.type), (), weight.type, weight.span)
        self.state_nodes.append(node)
        return node

    def update(self, node: Node, value: Node) -> None:
        assert isinstance(node.op, Input)
        self.updates.append(Output(f"{node.op.name}'", value, node.op.name))


def least_bytes(experiment: Experiment) -> tuple[int, Span | None]:
    """Bytes of the weights and the optimizer's states that any data needs, and the line of the largest weight.

    Sizes that data decide count as 1.
    """
    optimizer = experiment.train.optimizer
    states = {"sgd": 1 if optimizer.momentum else 0, "adagrad": 1, "adam": 2, "adamw": 2}[optimizer.name]
    ones: defaultdict[str, int] = defaultdict(lambda: 1)
    parameters = experiment.network.parameters
    largest = max(parameters, key=lambda p: size_bytes(p.type, ones), default=None)
    needed = sum(size_bytes(p.type, ones) * (1 + states * p.trained) for p in parameters)
    return needed, largest.span if largest is not None else None


Rule = Callable[[Step, Optimizer, Parameter, Node, Node], Node]
"""(step, settings, weight, its node, its gradient) -> the weight's next value"""


def sgd(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """v = momentum v + g, w - lr v; without momentum w - lr g."""
    if settings.momentum:
        v = step.state(weight, "momentum")
        moved = step.plus(step.op(Mul(), v, step.c(settings.momentum)), g)
        step.update(v, moved)
        return step.op(Sub(), w, step.op(Mul(), moved, step.rate()))
    return step.plus(w, step.op(Neg(), step.op(Mul(), g, step.rate())))


def adagrad(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """s = s + g^2, w - lr g / (sqrt(s) + eps). A row without gradient does not move. Source: Duchi et al. 2011."""
    s = step.state(weight, "squares", settings.init)
    total = step.plus(s, step.op(Mul(), g, g))
    step.update(s, total)
    root = step.op(Add(), step.op(Sqrt(), total), step.c(settings.eps))
    if g.type.rows is not None:
        root = step.op(PickRows(), root, g)
    move = step.op(Div(), step.op(Mul(), g, step.rate()), root)
    return step.plus(w, step.op(Neg(), move))


def adam(step: Step, settings: Optimizer, weight: Parameter, w: Node, g: Node) -> Node:
    """m, v: running means of g and g^2; w - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps).

    A row without gradient still moves by what its means hold, as in PyTorch's dense Adam. Source: Kingma and Ba 2015.
    """
    first, second = settings.betas
    m, v = step.state(weight, "mean"), step.state(weight, "square")
    mean = step.plus(step.op(Mul(), m, step.c(first)), step.op(Mul(), g, step.c(1 - first)))
    square = step.plus(step.op(Mul(), v, step.c(second)), step.op(Mul(), step.op(Mul(), g, g), step.c(1 - second)))
    step.update(m, mean)
    step.update(v, square)
    rate, root = adam_rates(step, first, second)
    denominator = step.op(Add(), step.op(Div(), step.op(Sqrt(), square), root), step.c(settings.eps))
    return step.op(Sub(), w, step.op(Mul(), step.op(Div(), mean, denominator), rate))


def adam_rates(step: Step, first: float, second: float) -> tuple[Node, Node]:
    """lr / (1 - b1^t) and sqrt(1 - b2^t), computed in float64 whatever the weights are, as PyTorch does."""
    one, t = constant(1.0, "f64", step.span), step.op(Cast("f64"), step.number("step", "i64"))

    def correction(beta: float) -> Node:
        if beta == 0:
            return one
        power = step.op(Exp(), step.op(Mul(), t, constant(math.log(beta), "f64", step.span)))
        return step.op(Sub(), one, power)

    rate = step.op(Div(), step.number("lr", "f64"), correction(first))
    root = step.op(Sqrt(), correction(second))
    return step.op(Cast(step.dtype), rate), step.op(Cast(step.dtype), root)


RULES: dict[str, Rule] = {"sgd": sgd, "adagrad": adagrad, "adam": adam, "adamw": adam}


def training_step(experiment: Experiment) -> TrainingStep:
    """The whole step as one graph: loss, gradients, clipping, update; in the loss's dtype, which is the weights'."""
    network, settings = experiment.network, experiment.train
    graph = network.training
    loss = graph.outputs[0].node
    lengths = {
        n.op.name.removeprefix("lengths."): n
        for n in graph.inputs
        if isinstance(n.op, Input) and n.op.kind == "lengths"
    }
    trained = [p for p in network.parameters if p.trained]
    nodes = [graph.input(p.name) for p in trained]
    step = Step(loss.type.dtype, settings.optimizer.span or settings.span)
    for node in graph.inputs:
        if isinstance(node.op, Input) and node.op.kind == "number":
            step.numbers[node.op.name] = node
    found = gradients(loss, nodes, lengths)
    pairs = [(p, w, g) for p, w, g in zip(trained, nodes, found, strict=True) if g is not None]
    for p, w, g in clipped(step, experiment, pairs):
        update(step, experiment, p, w, g)
    inputs = (*graph.inputs, *(n for n in step.numbers.values() if n not in graph.inputs), *step.state_nodes)
    return TrainingStep(Graph(inputs, (Output("loss", loss), *step.updates)), tuple(step.states))


Pairs = list[tuple[Parameter, Node, Node]]


def clipped(step: Step, experiment: Experiment, pairs: Pairs) -> Pairs:
    """value: each number within +-value. norm: the whole gradient times min(1, norm / (its norm + 1e-6)): PyTorch's."""
    clip = experiment.train.clip
    if clip.value is not None:
        high, low = step.c(clip.value), step.c(-clip.value)
        pairs = [(p, w, step.op(Maximum(), step.op(Minimum(), g, high), low)) for p, w, g in pairs]
    if clip.norm is not None and pairs:
        squares = [step.op(Sum(tuple(range(g.type.rank))), step.op(Mul(), g, g)) for _, _, g in pairs]
        total = squares[0]
        for square in squares[1:]:
            total = step.op(Add(), total, square)
        norm = step.op(Add(), step.op(Sqrt(), total), step.c(1e-6))
        scale = step.op(Minimum(), step.op(Div(), step.c(clip.norm), norm), step.c(1.0))
        pairs = [(p, w, step.op(Mul(), g, scale)) for p, w, g in pairs]
    return pairs


def update(step: Step, experiment: Experiment, p: Parameter, w: Node, g: Node) -> None:
    """One weight's next value, decay and all.

    adamw is adam on w (1 - lr decay); the others add decay * w to the gradient. Source: Loshchilov and Hutter 2019.
    """
    settings = experiment.train
    before = w
    if settings.decay:
        if settings.optimizer.name == "adamw":
            shrink = step.op(Sub(), step.c(1.0), step.op(Mul(), step.rate(), step.c(settings.decay)))
            before = step.op(Mul(), w, shrink)
        else:
            g = step.plus(step.op(Mul(), w, step.c(settings.decay)), g)
    after = RULES[settings.optimizer.name](step, settings.optimizer, p, before, g)
    if settings.clip.weights is not None and p.head and p.type.rank == 2:
        after = held(step, after, settings.clip.weights)
    step.update(w, after)


def held(step: Step, w: Node, most: float) -> Node:
    """Each unit's weights (a column) with a norm of at most `most`. Source: Hinton et al. 2012, Kim 2014."""
    norm = step.op(Sqrt(), step.op(Sum((0,), keep=True), step.op(Mul(), w, w)))
    bound = step.c(most)
    return step.op(Mul(), w, step.op(Div(), bound, step.op(Maximum(), norm, bound)))
