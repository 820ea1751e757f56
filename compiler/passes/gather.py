"""What a loop gives out, and gets, in parts of one value, it gives and gets as one; the parts are taken outside."""

from __future__ import annotations

from compiler.ir.graph import Node, apply
from compiler.ops.shape import Concat, Slice
from compiler.passes.block import body_of
from compiler.passes.parts import Cut, cut
from compiler.passes.rewrite import serves
from compiler.recurrence import Recurrence, part


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
        loop.drop_unread()
    return bool(found)


def gathered(loop: Recurrence, changed: bool = True) -> list[Node] | None:
    """The parts of the scan once it is closed: outputs that are columns of one value are taken out of that, and what
    the loop is given is not given out again."""
    given, columns, states = list(loop.outputs), _columns(loop), len(loop.states)
    next_ = {s.next for s in loop.states}
    known = {e: outer for e, outer in loop.sequences if e in given and e not in next_}
    if not changed and not columns and not known:
        return None
    wanted = dict(zip(given, loop.close().type.parts[states:], strict=True))
    known = {e: outer for e, outer in known.items() if serves(outer.type, wanted[e])}
    while True:
        wholes = {n: piece.of if (piece := columns.get(n)) is not None else n for n in given if n not in known}
        loop.outputs = list(dict.fromkeys(wholes.values()))
        scan = loop.close()
        parts = [part(scan, k) for k in range(states + len(loop.outputs))]
        found = dict(known)
        for node, whole in wholes.items():
            found[node] = parts[states + loop.outputs.index(whole)]
            if (piece := columns.get(node)) is not None:
                by = Slice(node.type.rank, piece.start, piece.stop - piece.start)
                found[node] = apply(by, found[node], span=scan.span)
        # A neighbour may leave what is not finite in the padding, where the value itself does not.
        worse = {n for n in columns if not serves(found[n].type, wanted[n])}
        if not worse:
            return [*parts[:states], *(found[n] for n in given)]
        for node in worse:
            del columns[node]


def _columns(loop: Recurrence) -> dict[Node, Cut]:
    """Of outputs that are columns of another value of the step that value, and which."""
    body, moving, next_ = body_of(loop), set(loop.moving), {s.next for s in loop.states}
    parts: dict[Node, Cut] = {}
    for whole in body.nodes:
        if isinstance(whole.op, Concat) and whole.op.axis == whole.type.rank - 1:
            start = 0
            for member in whole.inputs:
                size = member.type.shape[-1]
                assert isinstance(size, int)
                parts.setdefault(member, Cut(whole, start, start + size))
                start += size
    found: dict[Node, Cut] = {}
    for node in loop.outputs:
        if node in next_ or node in moving:
            continue
        piece = parts.get(node) or cut(node)
        if piece is not None and piece.of is not node and piece.of in body.own and piece.of not in moving:
            found[node] = piece
    return found
