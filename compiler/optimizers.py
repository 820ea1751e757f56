"""A training step as one graph: loss, gradients, clipping, and the optimizer's update of every weight."""

from __future__ import annotations

from collections import defaultdict

from compiler.autodiff import gradients
from compiler.deferred import looked_up
from compiler.experiment import Experiment, Parameter, TrainingStep
from compiler.ir.graph import Graph, Input, Node, Output
from compiler.ir.types import size_bytes
from compiler.ops.elementwise import Add, Div, Maximum, Minimum, Mul, Sqrt, Sub
from compiler.ops.reduction import Sum
from compiler.update_rules import RULES, Step, states_of
from dsl.source import Span


def least_bytes(experiment: Experiment) -> tuple[int, Span | None]:
    """Bytes of the weights and the optimizer's states that any data needs, and the line of the largest weight.

    Sizes that data decide count as 1.
    """
    states = states_of(experiment.train.optimizer)
    ones: defaultdict[str, int] = defaultdict(lambda: 1)
    parameters = experiment.network.parameters
    largest = max(parameters, key=lambda p: size_bytes(p.type, ones), default=None)
    needed = sum(size_bytes(p.type, ones) * (1 + states * p.trained) for p in parameters)
    return needed, largest.span if largest is not None else None


def training_step(experiment: Experiment) -> TrainingStep:
    """The whole step as one graph: loss, gradients, clipping, update; in the loss's dtype, which is the weights'."""
    network, settings = experiment.network, experiment.train
    graph = network.training
    outputs = {o.name: o.node for o in graph.outputs}
    loss = outputs["loss"]
    lengths = {
        n.op.name.removeprefix("lengths."): n
        for n in graph.inputs
        if isinstance(n.op, Input) and n.op.kind == "lengths"
    }
    trained = [p for p in network.parameters if p.trained]
    nodes = [graph.input(p.name) for p in trained]
    # What moves or reads a whole table in every step, or any row of it between two steps, is not put off.
    whole = settings.decay or settings.clip.weights is not None or settings.teacher.lets_go
    step = Step(loss.type.dtype, settings.optimizer.span or settings.span, {} if whole else looked_up(graph))
    for node in graph.inputs:
        if isinstance(node.op, Input) and node.op.kind == "number":
            step.numbers[node.op.name] = node
    found = gradients(outputs.get("objective", loss), nodes, lengths)
    pairs = [(p, w, g) for p, w, g in zip(trained, nodes, found, strict=True) if g is not None]
    for p, w, g in clipped(step, experiment, pairs):
        update(step, experiment, p, w, g)
    inputs = (*graph.inputs, *(n for n in step.numbers.values() if n not in graph.inputs), *step.state_nodes)
    # Values that the forward pass moves without a gradient: running means.
    moved = tuple(o for o in graph.outputs if o.update is not None)
    following = {c.next for c in network.carried}
    carried = tuple(o for o in graph.outputs if o.name in following)
    return TrainingStep(
        Graph(inputs, (Output("loss", loss), *carried, *moved, *step.updates)), tuple(step.states), tuple(step.deferred)
    )


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
    step.share = settings.layerwise ** (experiment.network.rounds - p.round)
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
