"""The passes, in order. Each takes a valid graph and gives a valid one that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from compiler.ir.graph import Graph
from compiler.passes.bodies import in_bodies
from compiler.passes.canonical import canonical
from compiler.passes.cse import cse
from compiler.passes.dce import dce
from compiler.passes.distinct import distinct
from compiler.passes.factors import factors
from compiler.passes.flatten import flatten
from compiler.passes.fold import fold
from compiler.passes.fuse import fuse
from compiler.passes.hoist import hoist
from compiler.passes.join import join
from compiler.passes.masked import masked
from compiler.passes.maximum import maximum
from compiler.passes.merge import merge
from compiler.passes.pooling import pooling
from compiler.passes.recompute import recompute
from compiler.passes.sink import sink
from compiler.passes.squash import squash
from compiler.passes.stability import stability
from compiler.passes.transpose import transpose
from compiler.passes.vocabulary import vocabulary
from compiler.passes.widen import widen


@dataclass(frozen=True)
class Pass:
    """sentence: what it does, for `inspect`; exact: whether every result stays the same to the bit."""

    name: str
    sentence: str
    run: Callable[[Graph], Graph]
    exact: bool = True


PASSES: tuple[Pass, ...] = (
    Pass("join", "runs a loop once for its values and for its gradient", join),
    Pass("canonical", "writes each thing in one way and drops what does nothing", canonical),
    Pass("fold", "does arithmetic on constants", fold),
    Pass("cse", "computes once what was computed twice", cse),
    Pass("stability", "takes the logarithm of a softmax without the softmax", stability, exact=False),
    Pass("factors", "multiplies numbers with each other before arrays with them", factors, exact=False),
    Pass("vocabulary", "takes a vocabulary's softmax, loss and gradient from one array", vocabulary, exact=False),
    Pass("maximum", "moves biases and rising functions behind the maximum over positions", maximum, exact=False),
    Pass("pooling", "moves biases and rising functions behind the maximum of windows", pooling, exact=False),
    Pass("distinct", "multiplies each word of a batch once, not at every position", distinct, exact=False),
    Pass("hoist", "takes products that wait for no state out of a loop, before it", hoist, exact=False),
    Pass("sink", "takes products that no state waits for out of a loop, after it", sink, exact=False),
    Pass("merge", "makes products that share an operand one product", merge, exact=False),
    Pass("masked", "reads a sequence with its padding cleared where that is there anyway", masked),
    Pass("recompute", "computes again what is cheap, instead of saving it for the gradient", recompute),
    Pass("transpose", "lays weights that a loop reads transposed out so, before it", transpose, exact=False),
    Pass("widen", "makes equal work on neighbouring columns one call", widen),
    Pass("squash", "makes sigmoids and tanhs of neighbouring columns one tanh", squash, exact=False),
    Pass("fuse", "makes groups of element-wise ops one op each", fuse),
    Pass("dce", "drops updates that change nothing", dce),
    Pass("flatten", "moves small weights of one rule as one vector", flatten),
)


def optimize(graph: Graph, upto: str | None = None) -> Graph:
    """The graph after all passes, or after those up to and with the one named. Raises ValueError for another name."""
    return trace(graph, upto)[-1][2]


def trace(graph: Graph, upto: str | None = None) -> list[tuple[str, Graph, Graph]]:
    """Each pass by name, with the graph before it and after it."""
    names = [p.name for p in PASSES]
    stop = len(PASSES) if upto is None else names.index(upto) + 1
    steps: list[tuple[str, Graph, Graph]] = []
    for p in PASSES[:stop]:
        after = p.run(in_bodies(p.run, graph))
        steps.append((p.name, graph, after))
        graph = after
    return steps
