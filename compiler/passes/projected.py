"""Words are multiplied with a weight once each, not at every position, where kernels are compiled.

To lay out and add up rows as wide as a loop's gates takes them less time than the products. Roundings differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import elements, value_of
from compiler.ops.distinct import DistinctRows, MatMulRows, OuterRows, Places
from compiler.ops.elementwise import Add
from compiler.ops.lookup import Gather, ScatterRows
from compiler.ops.placed import AddPlaces, AtPlaces
from compiler.ops.product import MatMul, Outer
from compiler.ops.shape import Transpose
from compiler.passes.block import Block, around, with_roots
from compiler.passes.cse import cse

DEEP = 64
"""Numbers of a word: with fewer a product takes no longer than what it saves costs."""
MANY = 128
"""Words of a batch: among fewer hardly any is there twice."""
TIME_FIRST = Transpose((1, 0, 2))


def projected(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """matmul(gather(table, ids), w) -> at_places(matmul(distinct rows, w))

    And outer(gather(table, ids), d) -> outer(distinct rows, add_places(d)), scatter_rows(ids, matmul(d, w')) ->
    matmul(add_places(d), w'). The words may be laid out with time first.
    """
    block = around(graph)
    sites = {site.ids: site for n in block.nodes if (site := _site(n, block, sizes)) is not None}
    found: dict[Node, Node] = {}
    for site in sites.values():
        found |= site.forward()
    for node in block.nodes:
        site = sites.get(node.inputs[0]) if isinstance(node.op, ScatterRows) else None
        new = None if site is None else site.scattered(node, block)
        if new is not None:
            found[node] = new
    return cse(with_roots(graph, block.exchanged(found).roots)) if found else graph


@dataclass(frozen=True)
class _Site:
    """Words that are looked up, [B, T, D], and multiplied. products, outers: each with whether time is first"""

    words: Node
    products: tuple[tuple[Node, bool], ...]
    outers: tuple[tuple[Node, bool], ...]

    @property
    def ids(self) -> Node:
        return self.words.inputs[1]

    def rows(self) -> Node:
        return apply(DistinctRows(), *self.words.inputs, span=self.words.span)

    def places(self, time_first: bool) -> Node:
        places = apply(Places(), self.rows(), self.ids, span=self.words.span)
        return apply(Transpose((1, 0)), places, span=self.words.span) if time_first else places

    def forward(self) -> dict[Node, Node]:
        found: dict[Node, Node] = {}
        for product, first in self.products:
            rows = apply(MatMulRows(), self.rows(), product.inputs[1], span=product.span)
            op = AtPlaces(zero=self.words.type.pad == "zero")
            found[product] = apply(op, rows, self.places(first), span=product.span)
        for outer, first in self.outers:
            found[outer] = apply(OuterRows(), self.rows(), self.added(outer.inputs[1], first, outer), span=outer.span)
        return {node: new for node, new in found.items() if new.type == node.type}

    def added(self, cotangent: Node, time_first: bool, user: Node) -> Node:
        return apply(AddPlaces(), cotangent, self.places(time_first), self.rows(), span=user.span)

    def scattered(self, node: Node, block: Block) -> Node | None:
        """The gradient of the table, if all of it comes of products."""
        rows: list[Node] = []
        stack = [(node.inputs[1], False)]
        while stack:
            term, first = stack.pop()
            match term:
                case Node(op=Add()) if all(n.type.shape == term.type.shape for n in term.inputs):
                    stack += [(n, first) for n in reversed(term.inputs)]
                case Node(op=Transpose() as op, inputs=(x,)) if op == TIME_FIRST and not first:
                    stack.append((x, True))
                case Node(op=MatMul(transposed=True), inputs=(cotangent, w)):
                    summed = self.added(cotangent, first, term)
                    rows.append(apply(MatMulRows(transposed=True), summed, w, span=term.span))
                case _:
                    return None
            if len(block.users[term]) != 1:
                return None
        whole = rows[0]
        for other in rows[1:]:
            whole = apply(Add(), whole, other, span=node.span)
        return whole if whole.type == node.type else None


def _site(words: Node, block: Block, sizes: Mapping[str, int]) -> _Site | None:
    if not isinstance(words.op, Gather) or words.op.computed:
        return None
    table, ids = words.inputs
    if table.type.rank != 2 or ids.type.rank != 2 or not isinstance(table.type.shape[1], int):
        return None
    if value_of(table.type.shape[1], sizes) < DEEP or elements(ids.type, sizes) < MANY:
        return None
    turned = [n for n in block.users[words] if n.op == TIME_FIRST]
    users = [(n, x, x is not words) for x in (words, *dict.fromkeys(turned)) for n in block.users[x]]
    products = tuple(
        (n, first)
        for n, x, first in users
        if isinstance(n.op, MatMul) and not n.op.transposed and n.inputs[0] is x and n.inputs[1].type.rank == 2
    )
    outers = tuple((n, first) for n, x, first in users if isinstance(n.op, Outer) and n.inputs[0] is x)
    return _Site(words, products, outers) if products else None
