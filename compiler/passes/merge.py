"""Products of one value with several weights become one product with the weights side by side. Roundings differ."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.ir.graph import Graph, Input, Node, apply, sorted_nodes, with_inputs
from compiler.ops.product import MatMul
from compiler.ops.scan import Scan
from compiler.ops.shape import Concat, Slice
from compiler.passes.lift import edit_scans
from compiler.recurrence import Recurrence, depending, part


def merge(graph: Graph) -> Graph:
    """matmul(x, u), matmul(x, v) -> the columns of matmul(x, concat(u, v)), in bodies and in what feeds their loops

    In a body the weights are what all steps share, so they are laid side by side once, outside.
    """
    graph = edit_scans(graph, _in_body)
    fed = {n for s in graph.nodes() if isinstance(s.op, Scan) for n in s.inputs}
    chosen = [n for n in graph.nodes() if n in fed and n.inputs and isinstance(n.inputs[-1].op, Input)]
    roots = _merged([o.node for o in graph.outputs], chosen)
    if roots is None:
        return graph
    outputs = tuple(type(o)(o.name, n, o.update) for o, n in zip(graph.outputs, roots, strict=True))
    return Graph(graph.inputs, outputs)


def _in_body(loop: Recurrence) -> list[Node] | None:
    varying = depending(loop.roots, loop.moving)
    chosen = [n for n in sorted_nodes(loop.roots) if n in varying and n.inputs and n.inputs[-1] not in varying]
    roots = _merged(loop.roots, chosen)
    if roots is None:
        return None
    loop.replace_roots(roots)
    scan = loop.close()
    return [part(scan, i) for i in range(len(scan.type.parts))]


def _merged(roots: list[Node], chosen: Iterable[Node]) -> list[Node] | None:
    """The roots with those of the chosen products that share their value made one; None where none do.

    Every node is made anew once, so that no loop below two products becomes two loops.
    """
    groups: dict[Node, list[Node]] = {}
    for node in chosen:
        if isinstance(node.op, MatMul) and not node.op.transposed and isinstance(node.type.shape[-1], int):
            groups.setdefault(node.inputs[0], []).append(node)
    group_of = {n: group for group in groups.values() if len(group) > 1 for n in group}
    if not group_of:
        return None
    done: dict[Node, Node] = {}
    wholes: dict[Node, Node] = {}
    for node in sorted_nodes(roots):
        if node not in group_of:
            done[node] = with_inputs(node, tuple(done[n] for n in node.inputs))
            continue
        x, group = node.inputs[0], group_of[node]
        if x not in wholes:
            side_by_side = apply(Concat(1), *(n.inputs[1] for n in group), span=node.span)
            wholes[x] = apply(MatMul(), done[x], side_by_side, span=node.span)
        start = sum(_width(n) for n in group[: group.index(node)])
        done[node] = apply(Slice(node.type.rank - 1, start, _width(node)), wholes[x], span=node.span)
    return [done[n] for n in roots]


def _width(product: Node) -> int:
    width = product.type.shape[-1]
    assert isinstance(width, int)
    return width
