"""A batch for a spec without data: numbers and ids by chance, all texts of full length."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from compiler.ir.graph import Graph, Input, Node
from compiler.ir.types import bound_shape, value_of
from compiler.ops.lookup import Bag, Gather, OneHot, ScatterRows
from compiler.ops.picking import PickPositions
from compiler.ops.reduction import PutAlong, TakeAlong
from runtime.backend import NUMPY_DTYPES, Array


def stand_in(graph: Graph, sizes: Mapping[str, int], number: int = 1) -> dict[str, Array]:
    """What a step is fed beside lr, step and seed. sizes: every symbol of the graph; number: of the batch"""
    chance = np.random.Generator(np.random.Philox(number))
    limits = _limits(graph, sizes)
    places = {n.inputs[1]: n.inputs[0].type for n in graph.nodes() if isinstance(n.op, PickPositions)}
    feeds: dict[str, Array] = {}
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        shape, dtype = bound_shape(node.type, sizes), NUMPY_DTYPES[node.type.dtype]
        match node.op.kind:
            case "lengths":
                feeds[node.op.name] = np.full(shape, sizes[node.op.name.removeprefix("lengths.")], dtype)
            case "number":
                feeds[node.op.name] = np.ones(shape, dtype)
            case "data" if node in places:
                feeds[node.op.name] = _apart(chance, shape[1], prod(bound_shape(places[node], sizes)[:2]))
            case "data" if node.type.dtype == "i64":
                # 0 is padding.
                feeds[node.op.name] = chance.integers(1, max(2, limits.get(node, 2)), shape)
            case "data":
                feeds[node.op.name] = chance.standard_normal(shape).astype(dtype)
            case _:
                pass
    return feeds | {"rows": np.float64(sizes["B"])}


def _apart(chance: np.random.Generator, count: int, of: int) -> Array:
    """So many places of so many, each once; i64[1, count], -1 where there are no more."""
    found = np.full((1, count), -1, np.int64)
    drawn = chance.permutation(of)[:count]
    found[0, : len(drawn)] = drawn
    return found


def _limits(graph: Graph, sizes: Mapping[str, int]) -> dict[Node, int]:
    """Of whole numbers, below what they have to be for all that looks something up by them."""
    found: dict[Node, int] = {}
    for node in reversed(graph.nodes()):
        for place, operand in enumerate(node.inputs):
            if operand.type.dtype == "i64":
                limit = _looked_up(node, place, sizes)
                if limit is None and node.type.dtype == "i64":
                    limit = found.get(node)
                if limit is not None:
                    found[operand] = min(limit, found.get(operand, limit))
    return found


def _looked_up(node: Node, place: int, sizes: Mapping[str, int]) -> int | None:
    """In how many things the operand at this place looks something up, None for none."""
    match node.op, place:
        case Gather(), 1:
            return value_of(node.inputs[0].type.shape[0], sizes)
        case TakeAlong(axis=axis), 1:
            return value_of(node.inputs[0].type.shape[axis], sizes)
        case PutAlong(axis=axis), 1:
            return value_of(node.type.shape[axis], sizes)
        case ((OneHot() | Bag() | ScatterRows()), 0):
            return value_of(node.type.shape[-1 if not isinstance(node.op, ScatterRows) else 0], sizes)
        case _:
            return None
