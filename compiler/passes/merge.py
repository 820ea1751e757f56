"""Products that share an operand become one product with the other operands side by side. Roundings differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from compiler.ir.graph import Graph, Input, Node, apply
from compiler.ops.elementwise import Add, Constant
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import Sum
from compiler.ops.scan import Scan
from compiler.ops.sequence import Mask
from compiler.ops.shape import Concat
from compiler.passes.block import Block, around, body_of, with_roots
from compiler.passes.gate_order import Rank, gate_order
from compiler.passes.gather import gathered
from compiler.passes.lift import edit_scans
from compiler.passes.parts import cut, neighbours, side_by_side, split
from compiler.recurrence import Recurrence


def merge(graph: Graph) -> Graph:
    """x u, x v -> the columns of x [u v]; a u' + b v' -> [a b] [u v]'; outer(x, a), outer(x, b) -> of outer(x, [a b])

    In bodies and around their loops. Weights are laid side by side outside; values only where that copies nothing: they
    are neighbours already, or nobody else says where they have to be.
    """
    if not any(isinstance(n.op, Scan) for n in graph.nodes()):
        return graph
    rank = gate_order(o.node for o in graph.outputs)

    def in_body(loop: Recurrence) -> list[Node] | None:
        body = body_of(loop)
        merged = _merged(Site(body, rank, lambda w: w not in body.own))
        loop.replace_roots(merged.roots)
        return gathered(loop) if merged is not body else None

    def of_a_loop(weight: Node) -> bool:
        return isinstance(weight.op, Input) and weight in rank and rank[weight][0] > 0

    graph = edit_scans(graph, in_body)
    return with_roots(graph, _merged(Site(around(graph), rank, of_a_loop)).roots)


@dataclass
class Site:
    """is_weight: what may be laid side by side before"""

    block: Block
    rank: Rank
    is_weight: Callable[[Node], bool]

    def place_of(self, weight: Node) -> tuple[int, str, int]:
        return self.rank.get(weight, (0, "", 0))


Found = dict[Node, Node]


def _merged(site: Site) -> Block:
    """The block after all rules; itself where none had anything to say."""
    for rule in (products_of_one_value, sums_of_products, outer_products_of_one_value, sums_of_neighbours):
        found = rule(site)
        if found:
            site = replace(site, block=site.block.exchanged(found))
    return site.block


def products_of_one_value(site: Site) -> Found:
    groups: dict[tuple[Node, bool, int], list[Node]] = {}
    for node in site.block.nodes:
        op = node.op
        if isinstance(op, MatMul) and site.is_weight(node.inputs[1]) and isinstance(node.type.shape[-1], int):
            # Two loops get two products: the steps of each then read all columns of theirs, without gaps.
            loop = site.place_of(node.inputs[1])[0]
            groups.setdefault((node.inputs[0], op.transposed, loop), []).append(node)
    found: Found = {}
    for (x, transposed, _), group in groups.items():
        if len(group) < 2:
            continue
        group.sort(key=lambda n: site.place_of(n.inputs[1]))
        weights = side_by_side([n.inputs[1] for n in group], 0 if transposed else 1)
        whole = apply(group[0].op, x, weights, span=group[0].span)
        last = whole.type.rank - 1
        found |= zip(group, split(whole, group, last, last), strict=True)
    return found


def sums_of_products(site: Site) -> Found:
    found: Found = {}
    for node in site.block.nodes:
        if not isinstance(node.op, Add) or any(isinstance(user.op, Add) for user in site.block.users.get(node, ())):
            continue
        terms = _terms(node, site)
        groups: dict[object, list[Node]] = {}
        for term in terms:
            kind = _lies(term.inputs[0], site) if _is_product(term, site) and term.type == node.type else None
            if kind is not None:
                groups.setdefault((term.op, kind, term.inputs[0].type.shape[:-1]), []).append(term)
        merged = {t: group for group in groups.values() if len(group) > 1 for t in group}
        if not merged:
            continue
        rest = [t for t in terms if t not in merged]
        for group in groups.values():
            if len(group) > 1:
                rest.append(_one_product(group, site))
        total = rest[0]
        for term in rest[1:]:
            total = apply(Add(), total, term, span=node.span)
        if total.type == node.type:
            found[node] = total
    return found


def _is_product(term: Node, site: Site) -> bool:
    """Whether it is a product with a weight that nobody else needs."""
    return isinstance(term.op, MatMul) and site.is_weight(term.inputs[1]) and len(site.block.users.get(term, ())) == 1


def _one_product(group: list[Node], site: Site) -> Node:
    """The sum of some products as one."""
    cuts = [cut(t.inputs[0]) for t in group]
    if all(c is not None and c.of is cuts[0].of for c in cuts if cuts[0] is not None):
        group.sort(key=lambda t: c.start if (c := cut(t.inputs[0])) is not None else 0)
    else:
        group.sort(key=lambda t: site.place_of(t.inputs[1]))
    op = group[0].op
    assert isinstance(op, MatMul)
    weights = side_by_side([t.inputs[1] for t in group], 1 if op.transposed else 0)
    values = side_by_side([t.inputs[0] for t in group], group[0].inputs[0].type.rank - 1)
    return apply(op, values, weights, span=group[0].span)


def _terms(node: Node, site: Site) -> list[Node]:
    """What a sum adds, as far as no other value needs a part of it."""
    terms: list[Node] = []
    stack = [node]
    while stack:
        term = stack.pop()
        inner = term is node or len(site.block.users.get(term, ())) == 1
        if isinstance(term.op, Add) and term.type == node.type and inner and term in site.block.own:
            stack += reversed(term.inputs)
        else:
            terms.append(term)
    return terms


def _lies(value: Node, site: Site) -> object:
    """Equal for values that can lie side by side without a copy; None for one that cannot."""
    found = cut(value)
    if found is not None and found.of is not value:
        return found.of
    if value not in site.block.own or not value.op.elementwise or isinstance(value.op, Constant):
        return None
    if any(isinstance(user.op, (Concat, Scan)) for user in site.block.users.get(value, ())):
        return None
    return "anywhere"


def outer_products_of_one_value(site: Site) -> Found:
    found: Found = {}
    for side in (1, 0):
        groups: dict[tuple[Node, Node, object], list[Node]] = {}
        for node in site.block.nodes:
            if isinstance(node.op, Outer) and node not in found:
                part = _unmasked(node.inputs[side])
                piece = cut(part)
                if piece is not None and piece.of is not part:
                    key = (node.inputs[1 - side], piece.of, _mask_of(node.inputs[side]))
                    groups.setdefault(key, []).append(node)
        for (other, _, mask), group in groups.items():
            if (value := _stretch([n.inputs[side] for n in group])) is None:
                continue
            group.sort(key=lambda n, side=side: _start(n.inputs[side]))
            if isinstance(mask, Node):
                value = apply(Mask("zero"), value, mask, span=group[0].span)
            whole = apply(Outer(), *((other, value) if side == 1 else (value, other)), span=group[0].span)
            found |= zip(group, split(whole, group, side, side), strict=True)
    return found


def sums_of_neighbours(site: Site) -> Found:
    """sum(slice(x, i to j)), sum(slice(x, j to k)), down to the last axis -> of sum(slice(x, i to k))"""
    groups: dict[tuple[Node, object], list[Node]] = {}
    for node in site.block.nodes:
        if isinstance(node.op, Sum) and node.type.rank == 1 and not node.op.keep:
            operand = node.inputs[0]
            piece = cut(_unmasked(operand))
            if node.op.axes == tuple(range(operand.type.rank - 1)) and piece is not None:
                groups.setdefault((piece.of, _mask_of(operand)), []).append(node)
    found: Found = {}
    for (_, mask), group in groups.items():
        if (value := _stretch([n.inputs[0] for n in group])) is None:
            continue
        group.sort(key=lambda n: _start(n.inputs[0]))
        if isinstance(mask, Node):
            value = apply(Mask("zero"), value, mask, span=group[0].span)
        whole = apply(group[0].op, value, span=group[0].span)
        found |= zip(group, split(whole, group, 0, 0), strict=True)
    return found


def _unmasked(node: Node) -> Node:
    return node.inputs[0] if isinstance(node.op, Mask) and node.op.fill == "zero" else node


def _mask_of(node: Node) -> object:
    """The lengths that a value is masked by, None where it is not."""
    return node.inputs[1] if _unmasked(node) is not node else None


def _start(node: Node) -> int:
    piece = cut(_unmasked(node))
    assert piece is not None
    return piece.start


def _stretch(operands: list[Node]) -> Node | None:
    """Several parts of one value, whose order does not matter, as one part; None where they do not meet."""
    ordered = sorted((_unmasked(n) for n in operands), key=_start)
    if len(ordered) < 2 or not neighbours(ordered):
        return None
    return side_by_side(ordered, ordered[0].type.rank - 1)
