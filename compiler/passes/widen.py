"""Equal element-wise work on neighbouring columns becomes one call on all of them. Values do not change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from compiler.ir.graph import Graph, Input, Node, apply, sorted_nodes
from compiler.ops.elementwise import Constant
from compiler.ops.fused import Fused
from compiler.ops.scan import Scan
from compiler.ops.shape import Concat
from compiler.passes.block import Block, around, body_of, with_roots
from compiler.passes.cse import cse
from compiler.passes.gather import gathered, take_wholes
from compiler.passes.lift import edit_scans
from compiler.passes.parts import RULES, cut, side_by_side, split
from compiler.recurrence import Recurrence


def widen(graph: Graph) -> Graph:
    """f(slice(x, i to j), y), f(slice(x, j to k), z) -> the columns of f(slice(x, i to k), [y z]), in loops and before

    Each call saved is one of the interpreter's in every step. [y z] is a stretch of one value, numbers that are the
    same, vectors laid side by side, or results that nothing says where to put.
    """
    if not any(isinstance(n.op, Scan) for n in graph.nodes()):
        return graph
    graph = with_roots(graph, widened(around(graph), _before_loops).roots)
    return cse(edit_scans(graph, _in_body))


def _before_loops(block: Block) -> set[Node]:
    return set(sorted_nodes(n for n in block.nodes if isinstance(n.op, Scan)))


def _in_body(loop: Recurrence) -> list[Node] | None:
    changed = take_wholes(loop)
    body = body_of(loop)
    wide = widened(body, lambda block: block.own)
    loop.replace_roots(wide.roots)
    return gathered(loop, changed or wide is not body)


def widened(block: Block, where: Callable[[Block], set[Node]]) -> Block:
    """The block after no more of what is in `where` can be made wide."""
    while (found := _first_run(block, where(block))) is not None:
        block = block.exchanged(found).settled(RULES)
    return block


def _first_run(block: Block, chosen: set[Node]) -> dict[Node, Node] | None:
    """What stands for the members of some run from now on."""
    below = _below(block)
    groups: dict[object, list[Node]] = {}
    for node in block.nodes:
        if node in chosen and node.op.elementwise and not isinstance(node.op, (Constant, Fused)):
            kinds = tuple(_kind(n, node, block) for n in node.inputs)
            if None not in kinds and any(isinstance(k, Node) for k in kinds):
                groups.setdefault((node.op, node.type.shape[:-1], node.type.dtype, kinds), []).append(node)
    place = {n: 1 << i for i, n in enumerate(block.nodes)}
    for group in groups.values():
        for run in _runs(group, lambda a, b: bool(below[a] & place[b] or below[b] & place[a]) or _shared(a, b)):
            if not _fits(run, block):
                continue
            operands = [_wide([n.inputs[i] for n in run]) for i in range(len(run[0].inputs))]
            whole = apply(run[0].op, *operands, span=run[0].span)
            last = whole.type.rank - 1
            parts = split(whole, run, last, last)
            if all(a.type == b.type for a, b in zip(parts, run, strict=True)):
                return dict(zip(run, parts, strict=True))
    return None


def _fits(run: Sequence[Node], block: Block) -> bool:
    """Whether the results may lie side by side: no concat wants them elsewhere, or one wants them all like this."""
    wanted = [[u for u in block.users.get(n, ()) if isinstance(u.op, Concat)] for n in run]
    if not any(wanted):
        return True
    (whole, *_), *_ = [w for w in wanted if w]
    places = [whole.inputs.index(n) for n in run if n in whole.inputs]
    return len(places) == len(run) and places == list(range(places[0], places[0] + len(run)))


def _below(block: Block) -> dict[Node, int]:
    """What each node needs of the block, as a number with a bit for each."""
    below: dict[Node, int] = {}
    for i, node in enumerate(block.nodes):
        below[node] = 1 << i
        for operand in node.inputs:
            below[node] |= below.get(operand, 0)
    return below


def _kind(operand: Node, of: Node, block: Block) -> object:
    """What operands have in common that can be one wide operand: the value that they are columns of, say."""
    piece = cut(operand)
    match operand:
        case Node(op=Constant() as number):
            return number
        case _ if piece is None or piece.stop - piece.start != of.type.shape[-1]:
            return None
        case _ if piece.of is not operand:
            return piece.of
        case Node(type=type_) if type_.rank == 1 and (operand not in block.own or isinstance(operand.op, Input)):
            return "vector"
        case _ if _lies_anywhere(operand, block) and operand.type.shape == of.type.shape:
            taken = any(isinstance(u.op, (Concat, Scan)) for u in block.users[operand])
            return None if taken or isinstance(operand.op, Fused) else "anywhere"
        case _:
            return None


def _lies_anywhere(operand: Node, block: Block) -> bool:
    """Whether it is computed in the block, where it is wanted; a concat too, if nobody else wants it."""
    if operand not in block.own:
        return False
    whole = isinstance(operand.op, Concat) and operand.op.axis == operand.type.rank - 1
    return operand.op.elementwise or (whole and len(block.users[operand]) == 1)


def _shared(a: Node, b: Node) -> bool:
    """Whether both read one value that would have to be copied to lie beside itself."""
    return any(x is y and not isinstance(x.op, Constant) for x, y in zip(a.inputs, b.inputs, strict=True))


def _runs(group: Sequence[Node], waits: Callable[[Node, Node], bool]) -> list[list[Node]]:
    """Longest stretches whose members are neighbours in all operands that are columns, and wait for none of them."""

    def starts(node: Node) -> list[int]:
        return [piece.start for n in node.inputs if (piece := cut(n)) is not None and piece.of is not n]

    def ends(node: Node) -> list[int]:
        return [piece.stop for n in node.inputs if (piece := cut(n)) is not None and piece.of is not n]

    ordered = sorted(group, key=starts)
    runs = [ordered[:1]]
    for left, right in pairwise(ordered):
        if ends(left) == starts(right) and not any(waits(right, other) for other in runs[-1]):
            runs[-1].append(right)
        else:
            runs.append([right])
    return [run for run in runs if len(run) > 1]


def _wide(operands: Sequence[Node]) -> Node:
    first = operands[0]
    return first if isinstance(first.op, Constant) else side_by_side(operands, first.type.rank - 1)
