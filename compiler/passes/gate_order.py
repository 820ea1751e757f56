"""In which order products lie side by side, so that what is done to several of them alike meets neighbours."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.ir.graph import Node, sorted_nodes
from compiler.ops.elementwise import Add
from compiler.ops.product import MatMul
from compiler.ops.scan import Scan
from compiler.ops.shape import Slice
from compiler.recurrence import depending, opened

Rank = dict[Node, tuple[int, str, int]]
"""A weight -> in which loop its product ends up, what is done to it there first that is no sum, and which one of these.

So the gates of one loop are neighbours though two directions read one input, gates with one activation are neighbours
among them, and the products of an input and of a state have their gates in one order.
"""


def gate_order(roots: Iterable[Node]) -> Rank:
    readers: dict[Node, list[Node]] = {}
    home: dict[Node, tuple[int, int]] = {}
    products: list[Node] = []
    outside = sorted_nodes(roots)
    blocks = [(0, outside)]
    for node in outside:
        if not isinstance(node.op, Scan):
            continue
        loop = opened(node)
        varying = depending(loop.roots, loop.moving)
        blocks.append((len(blocks), [n for n in sorted_nodes(loop.roots) if n in varying]))
        for element, outer in loop.sequences:
            readers.setdefault(outer, []).append(element)
    for block, nodes in blocks:
        for node in nodes:
            home.setdefault(node, (block, len(home)))
            if isinstance(node.op, MatMul):
                products.append(node)
            if not isinstance(node.op, Scan):
                for operand in node.inputs:
                    readers.setdefault(operand, []).append(node)
    rank: Rank = {}
    for product in products:
        end, reader = product, next(iter(readers.get(product, ())), None)
        while reader is not None and (isinstance(reader.op, (Add, Slice)) or not reader.inputs):
            end, reader = reader, next(iter(readers.get(reader, ())), None)
        reader = reader or end
        block, position = home.get(reader, (0, 0))
        rank.setdefault(product.inputs[1], (block, type(reader.op).__name__, position))
    return rank
