"""The words of a batch are looked up and multiplied with a convolution's weights once each, not at every position; the
gradient of the maximum over positions meets only the words that it picked. Roundings differ."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir.graph import Graph, Node, apply
from compiler.ir.types import Dim, times
from compiler.ops.distinct import DistinctRows, MatMulRows, OuterRows, Places, PutPicks, WindowSums
from compiler.ops.elementwise import Add
from compiler.ops.lookup import Gather, ScatterRows
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import ArgMax, Max, PutAlong
from compiler.ops.sequence import Mask
from compiler.ops.shape import Fold, Reshape, Transpose, Windows
from compiler.passes.block import Block, around, with_roots
from compiler.passes.cse import cse
from dsl.source import Span


def distinct(graph: Graph) -> Graph:
    """max(mask(matmul(windows(gather(table, ids)), w))) -> the same of window_sums(matmul(distinct rows, w by taps))

    And with x = put_along(d, arg_max), outer(windows, x) and scatter_rows(ids, fold(matmul(x, w'))) -> products of the
    distinct rows and put_picks(d). Multiplying before laying out costs as much where all words differ, but for windows
    that move by more than one position, which are left.
    """
    graph = cse(graph)
    block = around(graph)
    found: dict[Node, Node] = {}
    sites = {site.windows: site for n in block.nodes if (site := _site(n, block)) is not None}
    for site in sites.values():
        found |= site.forward()
    for node in block.nodes:
        if isinstance(node.op, ScatterRows):
            new = _scattered(node, block, sites)
            if new is not None:
                found[node] = new
    return cse(with_roots(graph, block.exchanged(found).roots)) if found else graph


@dataclass(frozen=True)
class _Site:
    """A convolution of looked-up words, of which only the maximum over positions is read, and its gradient.

    windows: [B, T', size * D], reshaped; product: [B, T', F]; outers: the weight's gradients
    """

    windows: Node
    product: Node
    outers: tuple[Node, ...]

    @property
    def op(self) -> Windows:
        op = self.windows.inputs[0].op
        assert isinstance(op, Windows)
        return op

    @property
    def words(self) -> tuple[Node, Node]:
        """The table and the ids."""
        table, ids = self.windows.inputs[0].inputs[0].inputs
        return table, ids

    @property
    def sizes(self) -> tuple[int, Dim, Dim]:
        """Taps, width of a word's row, filters."""
        return self.op.size, self.words[0].type.shape[1], self.product.type.shape[2]

    def rows(self) -> Node:
        return apply(DistinctRows(), *self.words, span=self.windows.inputs[0].inputs[0].span)

    def places(self) -> Node:
        return apply(Places(), self.rows(), self.words[1], span=self.windows.span)

    def by_taps(self) -> Node:
        """The weights as [D, size * F], each tap's beside the others."""
        size, depth, filters = self.sizes
        apart, shape = (size, depth, filters), (depth, times(filters, size))
        return _exchanged(self.product.inputs[1], apart, shape, self.product.span)

    def sums(self) -> Node:
        """The rows times the weights of each tap."""
        return apply(MatMulRows(), self.rows(), self.by_taps(), span=self.product.span)

    def forward(self) -> dict[Node, Node]:
        op = WindowSums(self.op.size, self.op.dilation, self.op.before, self.op.after)
        found = {self.product: apply(op, self.sums(), self.places(), span=self.product.span)}
        for outer in self.outers:
            together = apply(OuterRows(), self.rows(), self.put(outer.inputs[1], outer), span=outer.span)
            size, depth, filters = self.sizes
            found[outer] = _exchanged(together, (depth, size, filters), (times(depth, size), filters), outer.span)
        return found

    def put(self, cotangent: Node, user: Node) -> Node:
        """The gradient of the sums, from a cotangent of the product that is put at its largest."""
        x, places = cotangent.inputs
        picks = places.inputs[0]
        flat = apply(Reshape(picks.type.shape), x, span=user.span)
        op = PutPicks(self.op.size, self.op.dilation, self.op.before)
        return apply(op, flat, picks, self.places(), self.rows(), span=user.span)


def _exchanged(matrix: Node, apart: tuple[Dim, Dim, Dim], shape: tuple[Dim, Dim], span: Span | None) -> Node:
    """The matrix in another shape, once the first two of three axes have changed places; span: of what needs it so."""
    turned = apply(Transpose((1, 0, 2)), apply(Reshape(apart), matrix, span=span), span=span)
    return apply(Reshape(shape), turned, span=span)


def _site(product: Node, block: Block) -> _Site | None:
    """The site of a product, if it is one and everything that would need all its windows is not there."""
    match product:
        case Node(op=MatMul(transposed=False), inputs=(Node(op=Reshape()) as windows, weight)):
            pass
        case _:
            return None
    match windows.inputs[0]:
        case Node(op=Windows(stride=1), inputs=(Node(op=Gather(computed=False), inputs=(table, ids)),)):
            pass
        case _:
            return None
    if table.type.rank != 2 or ids.type.rank != 2 or windows.type.rank != 3 or weight.type.rank != 2:
        return None
    widths = (*table.type.shape[1:], *weight.type.shape)
    if not all(isinstance(d, int) for d in widths):
        return None
    others = [user for user in block.users[windows] if user is not product]
    outers = tuple(user for user in others if isinstance(user.op, Outer) and user.inputs[0] is windows)
    if len(outers) < len(others) or not all(_is_put(outer.inputs[1], product) for outer in outers):
        return None
    below = [
        user for u in block.users.get(product, ()) for user in (block.users[u] if isinstance(u.op, Mask) else (u,))
    ]
    if not below or not all(isinstance(user.op, (Max, ArgMax)) and user.op.axis == 1 for user in below):
        return None
    return _Site(windows, product, outers)


def _is_put(cotangent: Node, product: Node) -> bool:
    """Whether it is put where the product is largest."""
    match cotangent:
        case Node(op=PutAlong(axis=1), inputs=(_, Node(op=Reshape(), inputs=(Node(op=ArgMax(axis=1), inputs=(x,)),)))):
            return product in (x, *(x.inputs if isinstance(x.op, Mask) else ()))
        case _:
            return False


def _scattered(node: Node, block: Block, sites: dict[Node, _Site]) -> Node | None:
    """The gradient of a table: what comes of sites as products of rows, all else as it was."""
    ids, total = node.inputs
    of = {site.product: site for site in sites.values()}
    rest: list[Node] = []
    rows: list[Node] = []
    stack = [total]
    while stack:
        term = stack.pop()
        alone = term is total or len(block.users[term]) == 1
        if isinstance(term.op, Add) and alone and all(n.type.shape == term.type.shape for n in term.inputs):
            stack += reversed(term.inputs)
            continue
        put = _put_below(term)
        site = next((s for p, s in of.items() if put is not None and _is_put(put[0], p)), None)
        if site is None or put is None or site.words[1] is not ids or site.product.inputs[1] is not put[1]:
            rest.append(term)
            continue
        rows.append(apply(MatMulRows(transposed=True), site.put(put[0], term), site.by_taps(), span=term.span))
    if not rows:
        return None
    if rest:
        left = rest[0]
        for term in rest[1:]:
            left = apply(Add(), left, term, span=node.span)
        rows.append(apply(node.op, ids, left, span=node.span))
    whole = rows[0]
    for other in rows[1:]:
        whole = apply(Add(), whole, other, span=node.span)
    return whole if whole.type == node.type else None


def _put_below(term: Node) -> tuple[Node, Node] | None:
    """(x, w) of fold(reshape(matmul(x, w, transposed)))"""
    match term:
        case Node(
            op=Fold(stride=1),
            inputs=(Node(op=Reshape(), inputs=(Node(op=MatMul(transposed=True), inputs=(x, w)),)),),
        ):
            return x, w
        case _:
            return None
