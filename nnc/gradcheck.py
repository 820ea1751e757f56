"""Every weight's gradient against differences of the loss, in double precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from compiler import pipeline
from compiler.autodiff import gradients
from compiler.experiment import Parameter
from compiler.ir.graph import Graph, Node, Output
from compiler.ir.text import op_name
from compiler.ops.elementwise import Abs, Greater, Maximum, Minimum, Relu, Sign
from compiler.ops.picture import MaxPool2d, PutMax2d
from compiler.ops.reduction import ArgMax, Max, TopPositions
from compiler.ops.scan import Scan
from dsl.errors import Diagnostic, RunError
from dsl.source import Span
from nnc.backprop import lengths_of
from nnc.places import weightless
from nnc.single import Single, values_of
from runtime.backend import Array, Value
from runtime.execute import Executor
from runtime.interpret import compute
from runtime.memory import require_memory
from runtime.numpy_backend import numpy_backend

STEP = 1e-5
"""How far a weight is moved to both sides, times its size where that is above 1. Smaller ones follow near a kink."""
SMALLER_STEPS = (1e-6, 1e-7)
MOVE = 0.1
"""How far, as a deviation, weights that are 0 everywhere are moved off it."""
FLOOR = 1e-5
"""Gradients below this times the loss (at least 1) are compared as if they were so large: differences of losses have no
more digits."""
KINKED = (Relu, Abs, Sign, Maximum, Minimum, Greater, Max, ArgMax, TopPositions, MaxPool2d)


@dataclass(frozen=True)
class Entry:
    """One number of a weight.

    place: its indices; error: relative, as `error_of` has it
    kink: what turns right where the weight is, so that there is no derivative: `relu at net.nn:4`; None elsewhere
    """

    place: tuple[int, ...]
    gradient: float
    difference: float
    error: float
    kink: str | None = None


@dataclass(frozen=True)
class Checked:
    """A weight. size: its numbers, of which those in entries were checked, the worst first"""

    name: str
    size: int
    entries: tuple[Entry, ...]

    @property
    def error(self) -> float:
        return max((e.error for e in self.entries if e.kink is None), default=0.0)


@dataclass(frozen=True)
class Result:
    """loss: of the example; weights: those with the largest error first

    moved: the names of those that were 0 everywhere, and were moved off it to wake others
    """

    loss: float
    weights: tuple[Checked, ...]
    moved: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        return max((w.error for w in self.weights), default=0.0)

    @property
    def kinks(self) -> list[tuple[str, Entry]]:
        return [(w.name, e) for w in self.weights for e in w.entries if e.kink is not None]

    @property
    def still(self) -> list[str]:
        """Weights whose gradients are 0 wherever they were looked at, and so say nothing of their rules."""
        return [w.name for w in self.weights if not any(e.gradient or e.difference for e in w.entries)]


def error_of(gradient: float, difference: float, loss: float) -> float:
    """The difference of both over the larger; not below what a difference of losses can tell. inf for no number."""
    if not isfinite(gradient) or not isfinite(difference):
        return float("inf")
    return abs(gradient - difference) / max(abs(gradient), abs(difference), FLOOR * max(1.0, abs(loss)))


def gradcheck(single: Single, *, most: int, tolerance: float, optimized: bool) -> Result:
    """most: numbers of each weight that are checked: where it has more, the largest gradients and others by chance.

    The gradients are those of the graph that training runs, passes and all; the losses those of the graph as it was
    lowered. What is drawn by chance (dropout) is the same in all of them.

    Where gradients are all 0, weights that are 0 everywhere are moved off it, if that wakes some: where word2vec
    begins, the gradient of every vector is 0, whatever the rules say.

    Raises RunError NN824 for a model without weights to train, NN825 where the loss is no finite number.
    """
    network = single.start.experiment.network
    trained = [p for p in network.parameters if p.trained]
    if not trained:
        raise RunError(weightless(single.start.experiment))
    found = _checked_all(single, trained, most, tolerance, optimized)
    other, moved = _off_zero(single, trained) if found.still else (single, ())
    if not moved:
        return found
    try:
        again = _checked_all(other, trained, most, tolerance, optimized)
    except RunError:  # The loss is no number there.
        return found
    return replace(again, moved=moved) if len(again.still) < len(found.still) else found


def _checked_all(
    single: Single, parameters: Sequence[Parameter], most: int, tolerance: float, optimized: bool
) -> Result:
    """Each of the parameters at one point."""
    network, trained = single.start.experiment.network, [p.name for p in parameters]
    loss_graph, gradient_graph = _graphs(network.training, trained)
    store = {name: np.array(w) for name, w in single.start.weights.items()}
    optimize = pipeline.optimize if optimized else pipeline.as_lowered
    found = _executor(optimize(gradient_graph), store, single).run(single.feeds, single.sizes)
    known = {name: np.array(found[name]) for name in trained if name in found}
    losses = _Losses(_executor(pipeline.as_lowered(loss_graph), store, single), store, single)
    loss = losses.now()
    if not isfinite(loss):
        raise RunError(Diagnostic("NN825", f"the loss of this example is {loss}, which has no gradient"))
    kinks = _Kinks(loss_graph, single)
    checked: list[Checked] = []
    for p in parameters:
        # The row of the padding is no weight: it stays 0.
        first = int(p.init.padding_row)
        checked.append(_checked(p.name, known.get(p.name), store[p.name], first, losses, kinks, loss, most, tolerance))
    return Result(loss, tuple(sorted(checked, key=lambda each: -each.error)))


def _off_zero(single: Single, parameters: Sequence[Parameter]) -> tuple[Single, tuple[str, ...]]:
    """The example with other weights for those that are 0 everywhere, and the names of these."""
    draw, moved = np.random.Generator(np.random.Philox(1)), dict[str, Array]()
    for each in parameters:
        weight = single.start.weights[each.name]
        if not weight.any():
            moved[each.name] = np.asarray(draw.normal(0, MOVE, weight.shape))
            if each.init.padding_row:
                moved[each.name][0] = 0
    weights = {**single.start.weights, **moved}
    return replace(single, start=replace(single.start, weights=weights), feeds={**single.feeds, **moved}), tuple(moved)


def _graphs(graph: Graph, trained: Sequence[str]) -> tuple[Graph, Graph]:
    """The loss alone, and the gradient of each weight under its name."""
    outputs = {o.name: o.node for o in graph.outputs}
    loss = outputs.get("objective", outputs["loss"])
    nodes = [graph.input(name) for name in trained]
    flows = gradients(loss, nodes, lengths_of(graph))
    results = tuple(Output(name, g) for name, g in zip(trained, flows, strict=True) if g is not None)
    return Graph(graph.inputs, (Output("loss", loss),)), Graph(graph.inputs, results)


def _executor(graph: Graph, store: Mapping[str, Array], single: Single) -> Executor:
    backend = numpy_backend()
    executor = Executor(backend, graph, pipeline.compile_bucket, store)
    require_memory(executor.arena_bytes(single.sizes), backend.available_bytes(), "checking gradients")
    return executor


@dataclass(frozen=True)
class _Losses:
    """The loss, with the weights as they are in the store."""

    executor: Executor
    store: Mapping[str, Array]
    single: Single

    def now(self) -> float:
        return float(self.executor.run(self.single.feeds, self.single.sizes)["loss"])

    def moved(self, weight: Array, place: tuple[int, ...], by: float) -> float:
        before = weight[place]
        weight[place] = before + by
        try:
            return self.now()
        finally:
            weight[place] = before


def _checked(
    name: str,
    gradient: Array | None,
    weight: Array,
    first: int,
    losses: _Losses,
    kinks: _Kinks,
    loss: float,
    most: int,
    tolerance: float,
) -> Checked:
    """first: the row to begin with"""
    entries: list[Entry] = []
    known = np.zeros(weight.shape) if gradient is None else gradient.reshape(weight.shape)
    for place in _places(known, first, most):
        entry = _compared(place, float(known[place]), weight, losses, loss, STEP)
        if entry.error > tolerance:
            entry = _near_a_kink(name, entry, weight, losses, kinks, loss, tolerance)
        entries.append(entry)
    entries.sort(key=lambda e: (e.kink is not None, -e.error))
    return Checked(name, weight.size, tuple(entries))


def _places(gradient: Array, first: int, most: int) -> Iterator[tuple[int, ...]]:
    """All, or the largest and as many others by chance. first: the row to begin with"""
    flat = np.abs(gradient).ravel()
    before = first * int(np.prod(gradient.shape[1:]))
    if flat.size - before <= most:
        chosen = np.arange(before, flat.size)
    else:
        flat[:before] = -1
        largest = np.argsort(-flat, kind="stable")[: most // 2]
        rest = np.setdiff1d(np.arange(before, flat.size), largest)
        drawn = np.random.Generator(np.random.Philox(1)).choice(rest, most - len(largest), replace=False)
        chosen = np.sort(np.concatenate([largest, drawn]))
    for i in chosen.tolist():
        yield tuple(int(k) for k in np.unravel_index(i, gradient.shape))


def _compared(
    place: tuple[int, ...], gradient: float, weight: Array, losses: _Losses, loss: float, step: float
) -> Entry:
    by = step * max(1.0, abs(float(weight[place])))
    difference = (losses.moved(weight, place, by) - losses.moved(weight, place, -by)) / (2 * by)
    return Entry(place, gradient, difference, error_of(gradient, difference, loss))


def _near_a_kink(
    name: str, entry: Entry, weight: Array, losses: _Losses, kinks: _Kinks, loss: float, tolerance: float
) -> Entry:
    """Whether the loss turns there. Near a kink a smaller step is right; on it the slopes of both sides differ, and a
    gradient between them is as good as another."""
    for step in SMALLER_STEPS:
        smaller = _compared(entry.place, entry.gradient, weight, losses, loss, step)
        if smaller.error <= tolerance:
            return smaller
    by = SMALLER_STEPS[0] * max(1.0, abs(float(weight[entry.place])))
    left = (loss - losses.moved(weight, entry.place, -by)) / by
    right = (losses.moved(weight, entry.place, by) - loss) / by
    low, high = min(left, right), max(left, right)
    room = tolerance * max(abs(low), abs(high), FLOOR * max(1.0, abs(loss)))
    turns = high - low > 10 * room
    if turns and low - room <= entry.gradient <= high + room and (kink := kinks.crossed(name, entry.place, by)):
        return replace(entry, kink=kink)
    return entry


@dataclass(frozen=True)
class _Kinks:
    """What in a graph has a kink, and which of them a small step crosses."""

    graph: Graph
    single: Single

    def crossed(self, name: str, place: tuple[int, ...], by: float) -> str | None:
        """`relu at net.nn:4`; None where none is crossed. A loop does not show its steps: any kink there may be it."""
        sizes = self.single.sizes
        below, above = (self._values(name, place, sign * by) for sign in (-1, 1))
        for node in self.graph.nodes():
            if isinstance(node.op, KINKED) and not np.array_equal(_side(node, below, sizes), _side(node, above, sizes)):
                return _named(node)
        for node in self.graph.nodes():
            if isinstance(node.op, Scan):
                inner = next((n for n in node.op.body.graph.nodes() if isinstance(n.op, KINKED)), None)
                if inner is not None:
                    return _named(inner, node.span)
        return None

    def _values(self, name: str, place: tuple[int, ...], by: float) -> dict[Node, Value]:
        moved = np.array(self.single.feeds[name])
        moved[place] += by
        return values_of(self.graph, {**self.single.feeds, name: moved}, self.single.sizes)


def _side(node: Node, values: Mapping[Node, Value], sizes: Mapping[str, int]) -> Array:
    """On which side of its kink each number is."""
    (x, *others) = (values[n] for n in node.inputs)
    match node.op:
        case Relu() | Abs() | Sign():
            return x > 0
        case Maximum() | Minimum():
            return x > others[0]
        case Max(axis=axis):
            return x.argmax(axis)
        case MaxPool2d(size=size, stride=stride):
            put = PutMax2d(size, stride)
            largest = values[node]
            there = Node(put, (*node.inputs, node, node), node.inputs[0].type)
            return compute(there, [x, largest, np.ones_like(largest)], sizes) > 0
        case _:
            return values[node]


def _named(node: Node, span: Span | None = None) -> str:
    where, word = node.span or span, op_name(type(node.op))
    return word if where is None else f"{word} at {where.file.rpartition('/')[2]}:{where.line}"
