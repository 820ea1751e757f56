"""Where a number stopped being finite: the step, the value and the line of the spec that first had it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence

import numpy as np

from compiler.ir.graph import Graph, Input, Node, Output, sorted_nodes
from compiler.ir.types import Type, rows_of, sequence_symbol, value_of
from compiler.settings.train import TrainSettings
from dsl.errors import Diagnostic
from dsl.render import show
from runtime.backend import Array, all_finite, on_host
from runtime.deferred import Stepper
from runtime.interpret import evaluate as interpret

LARGE = 1e6
"""Numbers from here on are worth telling of."""


def not_finite(
    executor: Stepper,
    store: MutableMapping[str, Array],
    steps: Iterable[tuple[int, Mapping[str, Array], Mapping[str, int]]],
    last: int,
    epoch: int,
    loss: float | None,
    settings: TrainSettings,
    hand_on: Callable[[dict[str, Array]], None] = lambda results: None,
) -> Diagnostic:
    """Make the steps (number, feeds, sizes) again from the weights in store, which are those before the first of them.

    Everything is deterministic, so the step after which a weight or the loss is not finite comes again. That step is
    then computed value by value from the weights before it.
    last: the step at which it was noticed; loss: that step's, None where only a weight is not finite
    hand_on: takes what the next step is fed out of a step's results
    """
    for step, feeds, sizes in steps:
        executor.prepare(feeds)
        before = {name: values.copy() for name, values in on_host(executor.backend, store).items()}
        results = executor.run(feeds, sizes)
        again = float(results["loss"])
        damaged = [name for name, values in store.items() if not all_finite(executor.backend, [values])]
        if not np.isfinite(again) or damaged:
            found = first_not_finite(executor.graph, {**before, **feeds}, sizes, damaged)
            return _told(step, epoch, again, damaged, found, settings)
        if step >= last:
            break
        hand_on(results)
    # The same steps gave finite numbers this time: then say only what was seen.
    what = f"the loss is {loss}" if loss is not None else "a weight is not finite"
    return Diagnostic("NN850", f"{what} at step {last}, in epoch {epoch}", help=_help(settings, last - 1))


def first_not_finite(
    graph: Graph, feeds: Mapping[str, Array], sizes: Mapping[str, int], damaged: Iterable[str]
) -> tuple[Node, str] | None:
    """The node from which it came, with what stands in it; None where every value is finite.

    Back from the loss (else from the damaged weights' next values), through values that are not finite, to one whose
    inputs all are.
    """
    loss = [o.node for o in graph.outputs if o.name == "loss"]
    damaged = set(damaged)
    updates = [o.node for o in graph.outputs if o.update in damaged]
    for roots in (loss, updates):
        # The forward part alone first: the gradients' values may be large.
        nodes = sorted_nodes(roots)
        values = interpret(Graph(graph.inputs, tuple(Output(str(i), n) for i, n in enumerate(nodes))), feeds, sizes)
        place = {node: i for i, node in enumerate(nodes)}
        bad: dict[Node, str] = {}
        for i, node in enumerate(nodes):
            wrong = _what_is_wrong(node, values[str(i)], feeds, sizes)
            if wrong is not None:
                bad[node] = wrong
        reached: set[Node] = set()
        stack = [n for n in roots if n in bad]
        while stack:
            node = stack.pop()
            if node not in reached:
                reached.add(node)
                stack.extend(n for n in node.inputs if n in bad)
        for node in nodes:
            if node in reached and not any(n in bad for n in node.inputs):
                return node, bad[node] + _from_what([values[str(place[n])] for n in node.inputs])
    return None


def _from_what(operands: Sequence[Array]) -> str:
    """How large the numbers were that it was made from: an overflow shows by that."""
    plain = [x for x in operands if not isinstance(x, tuple) and x.dtype.kind == "f"]
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in plain]
    largest = max(sizes, default=0.0)
    return f", from numbers up to {largest:.0e}" if largest >= LARGE else ""


def _what_is_wrong(node: Node, value: Array, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> str | None:
    """`nan in 3 of 12 numbers`; None where all is as it should be. What stands in padding does not count."""
    if node.type.parts:
        wrong = (
            _what_is_wrong(Node(node.op, (), type_), part, feeds, sizes)
            for type_, part in zip(node.type.parts, value, strict=True)
        )
        return next((w for w in wrong if w is not None), None)
    if node.type.dtype not in ("f32", "f64") or np.isfinite(value).all():
        return None
    value = _without_padding(node.type, value, feeds, sizes)
    counts = {"nan": np.isnan(value), "inf": np.isposinf(value), "-inf": np.isneginf(value)}
    present = {kind: int(found.sum()) for kind, found in counts.items() if found.any()}
    if not present:
        return None
    return f"{' and '.join(present)} in {sum(present.values())} of {np.size(value)} numbers"


def _without_padding(type_: Type, value: Array, feeds: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    """The real numbers alone, in one row."""
    axis = type_.ragged
    if axis is None or type_.rows is not None or (batch := rows_of(type_.shape[axis])) not in type_.shape:
        return value.reshape(-1)
    symbol = sequence_symbol(type_.shape[axis])
    lengths = feeds[f"lengths.{symbol}"]
    real = [value_of(type_.shape[axis], {**sizes, symbol: int(length)}) for length in lengths]
    rows = np.moveaxis(value, (type_.shape.index(batch), axis), (0, 1))
    return np.concatenate([row[:n].reshape(-1) for row, n in zip(rows, real, strict=True)])


def _told(
    step: int, epoch: int, loss: float, damaged: list[str], found: tuple[Node, str] | None, settings: TrainSettings
) -> Diagnostic:
    # A loss comes from the updates before it, a damaged weight from its own step's too.
    updates = step if np.isfinite(loss) else step - 1
    if np.isfinite(loss):
        code, what = (
            "NN851",
            f"step {step}, in epoch {epoch}, makes {show(damaged[0])} not finite (its loss is still {loss:.3g})",
        )
    else:
        code, what = "NN850", f"the loss is {loss} at step {step}, in epoch {epoch}"
    if found is None:
        return Diagnostic(code, what, help=_help(settings, updates))
    node, numbers = found
    label = f"{show(node.op.name)}: {numbers}" if isinstance(node.op, Input) else f"here first: {numbers}"
    return Diagnostic(code, what, node.span, label, help=_help(settings, updates))


def _help(settings: TrainSettings, updates: int) -> str:
    if updates == 0:
        return "no step has been made yet: look at this line, at initial values, and for very large numbers in the data"
    lr = settings.optimizer.lr
    clip = "" if settings.clip.norm is not None else ", or add `clip norm=5` to train"
    smaller = f"try a smaller learning rate (lr={lr / 10:g} instead of {lr:g})"
    return f"{smaller}{clip}; very large numbers in the data do this too"
