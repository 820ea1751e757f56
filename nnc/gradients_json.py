"""Gradients as data."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from compiler.ir.graph import Node
from nnc.backprop import Passed
from nnc.chalk import Board, without_rows
from runtime.backend import Array

MOST_JSON = 64
"""Numbers of an array that JSON has; of a larger one its norm alone."""


def as_json(found: Board) -> dict[str, Any]:
    place = {link: i for i, link in enumerate(found.links)}

    def name(node: Node) -> dict[str, Any]:
        link = found.link_of.get(node)
        return {"input": found.leaf_name(node)} if link is None else {"link": place[link]}

    def one(each: Passed) -> dict[str, Any]:
        span = each.link.span
        return {
            "text": found.label(each.link),
            "file": None if span is None else span.file,
            "line": None if span is None else span.line,
            "values": [array_json(found.value(n)) for n in each.link.results],
            "upstream": [array_json(found.gradient(n)) for n in each.link.results],
            "operands": [
                {
                    **name(e.operand),
                    "local": None if e.local is None else array_json(e.local),
                    "downstream": array_json(without_rows(e.operand, e.downstream)),
                }
                for e in each.edges
            ],
        }

    return {
        "stage": "gradients",
        "of": found.name,
        "value": array_json(found.value(found.root)),
        "links": [one(each) for each in found.walk.passed],
        "inputs": {
            found.leaf_name(n): {"value": array_json(found.value(n)), "gradient": array_json(found.gradient(n))}
            for n in found.leaves
        },
    }


def array_json(value: Array) -> dict[str, Any]:
    """numbers: nested lists, None of a large array; what is not finite is null"""
    norm = float(np.linalg.norm(value))
    numbers = np.where(np.isfinite(value), value, np.nan).astype(object)
    numbers[~np.isfinite(value)] = None
    return {
        "shape": list(value.shape),
        "norm": norm if isfinite(norm) else None,
        "numbers": numbers.tolist() if value.size <= MOST_JSON else None,
    }
