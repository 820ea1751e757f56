"""What a loop gives out, and gets, in parts of one value, it gives and gets as one; the parts are taken outside."""

from __future__ import annotations

from compiler.ir.graph import Graph, Node, apply
from compiler.ops.shape import Concat, Slice
from compiler.passes.block import body_of
from compiler.passes.hoist import drop_unread
from compiler.passes.lift import edit_scans
from compiler.passes.parts import cut
from compiler.recurrence import Recurrence, part


def gather(graph: Graph) -> Graph:
    """An output slice(x) of a body -> x stacked, sliced after the loop; a sequence slice(X) -> slice(x) in the step"""

    def edit(loop: Recurrence) -> list[Node] | None:
        changed = take_wholes(loop)
        return gathered(loop, changed)

    return edit_scans(graph, edit)


def take_wholes(loop: Recurrence) -> bool:
    """Sequences that are columns of one value: the value goes in, the columns are taken inside."""
    found: dict[Node, Node] = {}
    for inner, outer in list(loop.sequences):
        piece = cut(outer)
        if piece is not None and piece.of is not outer and piece.of.type.rank == outer.type.rank:
            whole = loop.element(piece.of, "whole")
            axis = inner.type.rank - 1
            found[inner] = apply(Slice(axis, piece.start, piece.stop - piece.start), whole, span=outer.span)
    if found:
        loop.replace_roots(body_of(loop).exchanged(found).roots)
        drop_unread(loop)
    return bool(found)


def gathered(loop: Recurrence, changed: bool = True) -> list[Node] | None:
    """The parts of the scan once it is closed, outputs that are columns of one value taken out of that."""
    states = len(loop.states)
    body = body_of(loop)
    moving = set(loop.moving)
    columns: dict[Node, Node] = {}
    for node in body.nodes:
        if isinstance(node.op, Concat) and node.op.axis == node.type.rank - 1:
            start = 0
            for member in node.inputs:
                size = member.type.shape[-1]
                assert isinstance(size, int)
                columns.setdefault(member, apply(Slice(node.op.axis, start, size), node, span=member.span))
                start += size
    next_ = {s.next for s in loop.states}
    outputs: list[Node] = []
    where: list[tuple[int, Slice | None]] = []
    for node in loop.outputs:
        seen = node if node in next_ or node in moving else columns.get(node, node)
        piece = cut(seen)
        of, by = node, None
        if piece is not None and piece.of is not seen and piece.of in body.own and piece.of not in moving:
            of, by = piece.of, Slice(node.type.rank, piece.start, piece.stop - piece.start)
        if of not in outputs:
            outputs.append(of)
        where.append((outputs.index(of), by))
    if not changed and outputs == loop.outputs:
        return None
    loop.outputs = outputs
    scan = loop.close()
    parts = [part(scan, k) for k in range(states + len(outputs))]
    found = parts[:states]
    for k, by in where:
        whole = parts[states + k]
        found.append(whole if by is None else apply(by, whole, span=whole.span))
    return found
