"""What hoist and sink share: a value of one position becomes that of all positions at once, outside of the loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from compiler.ir.graph import Graph, Node, apply, with_inputs
from compiler.ops.elementwise import Constant
from compiler.ops.fused import Fused
from compiler.ops.normal import LogSoftmax, Softmax
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.scan import Part, Scan
from compiler.ops.shape import Concat, Reshape, Slice
from compiler.recurrence import Recurrence, opened

Edit = Callable[[Recurrence], "list[Node] | None"]
"""Changes an open scan; returns what stands for each of its parts from now on, None where it changed nothing."""


def edit_scans(graph: Graph, edit: Edit) -> Graph:
    """The graph with each scan as an edit leaves it."""
    if not any(isinstance(n.op, Scan) for n in graph.nodes()):
        return graph
    new: dict[Node, Node] = {n: n for n in graph.inputs}
    parts: dict[Node, list[Node]] = {}
    for node in graph.nodes():
        if node in new:
            continue
        if isinstance(node.op, Part) and node.inputs[0] in parts:
            new[node] = parts[node.inputs[0]][node.op.index]
            continue
        new[node] = with_inputs(node, tuple(new[n] for n in node.inputs))
        if isinstance(node.op, Scan) and (edited := edit(opened(new[node]))) is not None:
            parts[node] = edited
    outputs = tuple(type(o)(o.name, new[o.node], o.update) for o in graph.outputs)
    return Graph(graph.inputs, outputs)


@dataclass
class Lift:
    """leaf: for a node of the body what stands for it in all positions, if anything does without computing it

    varying: the nodes of the body that differ from position to position
    """

    loop: Recurrence
    varying: set[Node]
    leaf: Callable[[Node], Node | None]
    known: dict[Node, Node | None] = field(default_factory=dict[Node, "Node | None"])

    def __call__(self, root: Node) -> Node | None:
        """The node for all positions, [length, *shape]; None where an op does not work on so many at once."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.known:
                stack.pop()
                continue
            found = node if node not in self.varying else self.leaf(node)
            if found is not None:
                self.known[node] = found
                continue
            waiting = [n for n in node.inputs if n not in self.known]
            stack += waiting
            if not waiting:
                self.known[node] = self._whole(node)
        return self.known[root]

    def _whole(self, node: Node) -> Node | None:
        operands = [self.known[n] for n in node.inputs]
        present = [n for n in operands if n is not None]
        if len(present) < len(operands):
            return None
        op = node.op
        moving = [n for n in node.inputs if n in self.varying]
        match op:
            case MatMul() if node.inputs[1] not in self.varying:
                return apply(op, *present, span=node.span)
            case Softmax() | LogSoftmax():
                return apply(op, *present, span=node.span)
            case Slice(axis=axis, start=start, size=size):
                return apply(Slice(axis + 1, start, size), *present, span=node.span)
            case Concat(axis=axis) if len(moving) == len(operands):
                return apply(Concat(axis + 1), *present, span=node.span)
            case Sum(axes=axes, keep=keep):
                return apply(Sum(tuple(a + 1 for a in axes), keep), *present, span=node.span)
            case Reshape(shape=shape):
                return apply(Reshape((self.loop.length, *shape)), *present, span=node.span)
            case _ if op.elementwise and not isinstance(op, Constant | Fused):
                # An operand of fewer axes would meet the positions with its rows.
                full = all(n.type.rank == node.type.rank for n in moving)
                return apply(op, *present, span=node.span) if full else None
            case _:
                return None
