"""Work that belongs to one of two loops is done by the thread that has the loop."""

from __future__ import annotations

from collections import Counter

from compiler import pipeline
from compiler.emit.together import Access, Piece, together
from compiler.ir.graph import Input, Node
from compiler.ops.scan import Scan
from compiler.plan.owners import owners
from compiler.plan.schedule import schedule

BOTH_WAYS = """model m(text: words) -> tags: class per text {
  embed 64
  lstm 128 bidir
  dense softmax
}
train { adam lr=1e-3 ; batch 32 }
"""
SIZES = {"V": 300, "classes": 5}


def owned(spec: str, threads: int) -> dict[Node, int]:
    step = pipeline.training_step(pipeline.check(spec, "m.nn", sizes=SIZES))
    return owners(schedule(pipeline.optimize(step.graph), threads).nodes, threads)


def test_each_direction_has_its_loops_and_all_that_its_weights_are_read_by():
    found = owned(BOTH_WAYS, 2)
    assert Counter(r for node, r in found.items() if isinstance(node.op, Scan)) == {0: 2, 1: 2}
    readers: dict[str, set[int]] = {}
    for node, r in found.items():
        for x in node.inputs:
            if isinstance(x.op, Input) and x.op.name.startswith("lstm."):
                readers.setdefault(x.op.name.split(".")[1], set()).add(r)
    assert sorted(map(sorted, readers.values())) == [[0], [1]]


def test_what_both_directions_need_or_make_is_nobodys():
    names = {type(node.op).__name__ for node in owned(BOTH_WAYS, 2)}
    assert "Gather" not in names
    assert "LogSoftmax" not in names


def test_one_direction_and_other_numbers_of_threads_own_nothing():
    assert owned(BOTH_WAYS.replace(" bidir", ""), 2) == {}
    assert owned(BOTH_WAYS, 1) == {}
    assert owned(BOTH_WAYS, 3) == {}


def piece(name: str, at: int, owner: int | None, cost: float = 50_000) -> Piece:
    mine = (Access("", at, at + 8, True),)
    return Piece(name, cost, mine, (0, 1, 2), (mine, (Access("", at + 8, at + 16, True),)), owner)


def test_a_thread_does_what_it_owns_where_it_could_be_shared():
    lists = together([piece("a", 0, 0), piece("b", 100, 1), piece("c", 200, None)], 2)
    assert lists == [["a", ("c", 0)], ["b", ("c", 1)]]


def test_owners_count_only_where_they_come_out_even():
    lists = together([piece("a", 0, 0), piece("b", 100, 1, 10_000)], 2)
    assert lists == [[("a", 0), ("b", 0)], [("a", 1), ("b", 1)]]
