"""Sigmoids and tanhs of neighbouring columns become one tanh of all of them, without gaps. Roundings differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import Dim
from compiler.ops.elementwise import Add, Constant, Mul, Sigmoid, Sub, Tanh, constant
from compiler.ops.shape import Broadcast, Concat, Slice
from compiler.passes.block import Block, body_of
from compiler.passes.cse import cse
from compiler.passes.gather import gathered, take_wholes
from compiler.passes.lift import edit_scans
from compiler.passes.parts import cut
from compiler.passes.widen import widened
from compiler.recurrence import Recurrence

Squashed = tuple[int, int, Node, bool]
"""From which column to which, what stands for them, and whether it is of a sigmoid."""


def squash(graph: Graph) -> Graph:
    """In loops, sigmoid(slice(x)), tanh(slice(x)), of all columns of x -> of tanh(x * m) * m + n; their slopes alike

    sigmoid(x) = tanh(x / 2) / 2 + 1 / 2. m and n are rows of numbers that are made before the loop. Work on columns
    with gaps between them takes about twice as long as on all.
    """
    return cse(edit_scans(graph, _edit))


def _edit(loop: Recurrence) -> list[Node] | None:
    changed = take_wholes(loop)
    body = body_of(loop)
    wide = body
    for rewrite in (_values, _slopes):
        found = rewrite(wide)
        if found:
            wide = wide.exchanged(found)
    if wide is not body:
        wide = widened(wide, lambda block: block.own)
    loop.replace_roots(wide.roots)
    return gathered(loop, changed or wide is not body)


def _values(block: Block) -> dict[Node, Node]:
    def squashed(node: Node) -> tuple[Node, bool] | None:
        return (node.inputs[0], isinstance(node.op, Sigmoid)) if isinstance(node.op, (Sigmoid, Tanh)) else None

    found: dict[Node, Node] = {}
    for x, tiles in _tiled(block, squashed):
        half, move = _numbers(x, tiles, 0.5, 1.0), _numbers(x, tiles, 0.5, 0.0)
        bent = apply(Tanh(), apply(Mul(), x, half, span=x.span), span=x.span)
        whole = apply(Add(), apply(Mul(), bent, half, span=x.span), move, span=x.span)
        found |= _columns(whole, tiles)
    return found


def _slopes(block: Block) -> dict[Node, Node]:
    """a (1 - a) of sigmoids, 1 - a a = (1 - a) (1 + a) of tanhs"""

    def slope(node: Node) -> tuple[Node, bool] | None:
        match node:
            case Node(op=Mul(), inputs=(a, Node(op=Sub(), inputs=(one, b)))) if a is b and _is_one(one):
                return a, True
            case Node(op=Sub(), inputs=(one, Node(op=Mul(), inputs=(a, b)))) if a is b and _is_one(one):
                return a, False
            case _:
                return None

    found: dict[Node, Node] = {}
    for x, tiles in _tiled(block, slope):
        one = constant(1.0, x.type.dtype, x.span)
        more = apply(Add(), x, _numbers(x, tiles, 0.0, 1.0), span=x.span)
        found |= _columns(apply(Mul(), apply(Sub(), one, x, span=x.span), more, span=x.span), tiles)
    return found


def _is_one(node: Node) -> bool:
    return isinstance(node.op, Constant) and node.op.value == 1.0


def _tiled(block: Block, squashed: Callable[[Node], tuple[Node, bool] | None]) -> Iterable[tuple[Node, list[Squashed]]]:
    """Values all of whose columns are squashed, some in either way."""
    of: dict[Node, list[Squashed]] = {}
    for node in block.nodes:
        known = squashed(node)
        piece = cut(known[0]) if known is not None else None
        if known is not None and piece is not None and piece.of.type.rank == 2:
            of.setdefault(piece.of, []).append((piece.start, piece.stop, node, known[1]))
    for x, tiles in of.items():
        tiles.sort(key=lambda tile: tile[:2])
        ends = [0, *(stop for _, stop, _, _ in tiles)]
        meets = [start for start, _, _, _ in tiles] == ends[:-1] and ends[-1] == x.type.shape[-1]
        if meets and len({sigmoid for _, _, _, sigmoid in tiles}) == 2:
            yield x, tiles


def _numbers(x: Node, tiles: list[Squashed], sigmoid: float, tanh: float) -> Node:
    """A number for each column, written out for each row."""
    parts: list[Node] = []
    for start, stop, node, of_sigmoid in tiles:
        shape: tuple[Dim, ...] = (*x.type.shape[:-1], stop - start)
        number = constant(sigmoid if of_sigmoid else tanh, x.type.dtype, node.span)
        parts.append(apply(Broadcast(shape), number, span=node.span))
    return apply(Concat(x.type.rank - 1), *parts, span=x.span)


def _columns(whole: Node, tiles: list[Squashed]) -> dict[Node, Node]:
    last = whole.type.rank - 1
    return {n: apply(Slice(last, start, stop - start), whole, span=n.span) for start, stop, n, _ in tiles}
