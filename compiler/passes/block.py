"""Part of a graph that a pass rewrites: the body of a loop that is open, or what stands around the loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from compiler.ir.graph import Graph, Node, sorted_nodes, users_of, with_inputs
from compiler.passes.rewrite import Rule, rewritten
from compiler.recurrence import Recurrence, depending


@dataclass
class Block:
    """The nodes below some roots. own: those that are computed in it; below the others nobody looks."""

    roots: list[Node]
    own: set[Node]

    def __post_init__(self) -> None:
        reached = sorted_nodes(self.roots, leaf=lambda n: n not in self.own)
        self.nodes = [n for n in reached if n in self.own]
        self.outside = {n for n in reached if n not in self.own}
        self.users = users_of(self.nodes)

    def exchanged(self, found: Mapping[Node, Node]) -> Block:
        """With some nodes exchanged, also below what they are exchanged for; each is made anew once."""
        done: dict[Node, Node] = {n: n for n in self.outside}
        stack = [(root, False) for root in reversed(self.roots)]
        while stack:
            node, ready = stack.pop()
            if node in done:
                continue
            below = (found[node],) if node in found else node.inputs
            if not ready:
                stack.append((node, True))
                stack += [(n, False) for n in reversed(below) if n not in done]
            else:
                done[node] = done[below[0]] if node in found else with_inputs(node, tuple(done[n] for n in below))
        roots = [done[root] for root in self.roots]
        own = set(self.own)
        for node in sorted_nodes(roots, leaf=lambda n: n in self.outside):
            if not own.isdisjoint(node.inputs):
                own.add(node)
        return Block(roots, own)

    def settled(self, rules: Sequence[Rule]) -> Block:
        """After no rule has anything more to say to a node of it."""
        block = self
        settled: set[Node] = set()
        while True:
            found = {n: new for n in block.nodes if n not in settled and (new := rewritten(n, rules)) is not n}
            if not found:
                return block
            settled.update(n for n in block.nodes if n not in found)
            block = block.exchanged(found)


def body_of(loop: Recurrence) -> Block:
    return Block(loop.roots, depending(loop.roots, loop.moving))


def around(graph: Graph) -> Block:
    """The graph itself; the bodies of its loops are no part of it."""
    return Block([o.node for o in graph.outputs], set(graph.nodes()))


def with_roots(graph: Graph, roots: Iterable[Node]) -> Graph:
    outputs = tuple(type(o)(o.name, n, o.update) for o, n in zip(graph.outputs, roots, strict=True))
    return Graph(graph.inputs, outputs)
