"""What a loop can cheaply compute again from what it is given anyway, another loop does not save for it."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir.graph import Graph, Node, apply, rebuild, with_inputs
from compiler.ops.elementwise import Add, Constant, Mul, Neg, Sub
from compiler.ops.scan import Part, Scan
from compiler.passes.block import body_of
from compiler.passes.bodies import in_bodies
from compiler.passes.cse import cse
from compiler.passes.lift import edit_scans
from compiler.recurrence import Recurrence, opened, part

CHEAP = (Add, Sub, Mul, Neg)
"""One pass over what the cache holds: a saved value is written to memory and read from there again."""


def recompute(graph: Graph) -> Graph:
    """An element of what another loop saved, f(a, b) -> f(a, b) in the step, where a and b are given to it anyway"""
    found = edit_scans(graph, _edit)
    # The step may compute that already, for the gradient of another line.
    return in_bodies(cse, _without_unread(found)) if found is not graph else graph


def _edit(loop: Recurrence) -> list[Node] | None:
    found: dict[Node, Node] = {}
    for inner, outer in loop.sequences:
        source = outer.inputs[0] if isinstance(outer.op, Part) else None
        if source is None or not isinstance(source.op, Scan) or source.op.length != loop.length:
            continue
        again = _Saver(loop, source, set(found)).again(inner, outer)
        if again is not None:
            found[inner] = again
    if not found:
        return None
    loop.replace_roots(body_of(loop).exchanged(found).roots)
    loop.drop_unread()
    scan = loop.close()
    return [part(scan, i) for i in range(len(scan.type.parts))]


@dataclass
class _Saver:
    """The loop that saved a value, seen from one that reads it. gone: elements that are computed again already"""

    loop: Recurrence
    source: Node
    gone: set[Node]

    def again(self, inner: Node, outer: Node) -> Node | None:
        """The value as the saver computes it, from elements of the loop; None where it has to be saved."""
        saver, op = opened(self.source), outer.op
        assert isinstance(op, Part)
        states = len(saver.states)
        if op.index < states or saver.outputs[op.index - states] in {s.next for s in saver.states}:
            return None
        value = saver.outputs[op.index - states]
        if not isinstance(value.op, CHEAP):
            return None
        elements = {o: i for i, o in self.loop.sequences if i is not inner and i not in self.gone}
        given = {element: elements[o] for element, o in saver.sequences if o in elements}
        for o, element in elements.items():
            if isinstance(o.op, Part) and o.inputs[0] is self.source and o.op.index >= states:
                given.setdefault(saver.outputs[o.op.index - states], element)
        varying = body_of(saver).own
        operands = [given.get(n) if n in varying else n for n in value.inputs]
        known = [n for n in operands if n is not None]
        if len(known) < len(operands) or all(isinstance(n.op, Constant) for n in known):
            return None
        return apply(value.op, *known, span=value.span)


def _without_unread(graph: Graph) -> Graph:
    """The graph with no loop giving out values that nobody reads."""
    read: dict[Node, set[int]] = {}
    for node in graph.nodes():
        if isinstance(node.op, Part):
            read.setdefault(node.inputs[0], set()).add(node.op.index)
    places: dict[Node, dict[int, int]] = {}

    def change(old: Node, inputs: tuple[Node, ...]) -> Node:
        if isinstance(old.op, Part) and old.inputs[0] in places:
            return part(inputs[0], places[old.inputs[0]][old.op.index])
        if not isinstance(old.op, Scan):
            return with_inputs(old, inputs)
        states = old.op.states
        kept = [k for k in range(states, len(old.type.parts)) if k in read.get(old, set())]
        if len(kept) == len(old.type.parts) - states:
            return with_inputs(old, inputs)
        loop = opened(with_inputs(old, inputs))
        loop.outputs = [loop.outputs[k - states] for k in kept]
        loop.drop_unread()
        places[old] = {k: k for k in range(states)} | {k: states + i for i, k in enumerate(kept)}
        return loop.close()

    return rebuild(graph, change)
