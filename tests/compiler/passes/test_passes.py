"""The engine under the rules, the list of passes, and the bounds of fusion."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.text import same
from compiler.ir.types import BATCH, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Add, Exp, Mul, Neg, Tanh, constant
from compiler.ops.fused import Fused
from compiler.passes import PASSES, optimize, trace
from compiler.passes.fuse import MOST_INPUTS, MOST_STEPS, fuse
from compiler.passes.rewrite import rewrite
from dsl.errors import InternalError

TEXT = Type("f64", (BATCH, symbol("T"), 3), "zero")


def given(name: str, type: Type) -> Node:
    return Node(Input(name, "data", type), (), type)


X, S = given("x", Type("f64", (BATCH, 3))), given("s", TEXT)


def of(node: Node, *inputs: Node) -> Graph:
    return Graph(inputs or (X,), (Output("out", node),))


def test_rules_that_undo_each_other_are_found():
    def tanh_of(node: Node) -> Node | None:
        return apply(Tanh(), X) if isinstance(node.op, Exp) else None

    def exp_of(node: Node) -> Node | None:
        return apply(Exp(), X) if isinstance(node.op, Tanh) else None

    with pytest.raises(InternalError, match="tanh_of, exp_of"):
        rewrite(of(apply(Exp(), X)), (tanh_of, exp_of))


def test_rule_that_knows_less_about_the_padding_is_not_taken():
    def forgets(node: Node) -> Node | None:
        return replace(node, type=node.type.with_pad("finite")) if isinstance(node.op, Tanh) else None

    graph = of(apply(Tanh(), S), S)
    assert rewrite(graph, (forgets,)).outputs[0].node.type.pad == "zero"


def test_rule_whose_ops_refuse_the_operands_is_passed_over():
    integer = given("n", Type("i64", (BATCH,)))
    graph = of(apply(Mul(), integer, constant(-1.0, "i64")), integer)
    assert same(optimize(graph), graph)


def test_passes_have_names_and_sentences():
    assert len({p.name for p in PASSES}) == len(PASSES)
    assert all(p.sentence for p in PASSES)


def test_trace_leads_from_the_graph_to_the_optimized_one():
    graph = of(apply(Neg(), apply(Neg(), apply(Tanh(), X))))
    steps = trace(graph)
    assert [name for name, _, _ in steps] == [p.name for p in PASSES]
    assert steps[0][1] is graph
    assert all(a[2] is b[1] for a, b in pairwise(steps))
    assert same(steps[-1][2], optimize(graph))
    assert same(optimize(graph, upto="canonical"), of(apply(Tanh(), X)))


def test_unknown_pass_is_an_error():
    with pytest.raises(ValueError, match="fusion"):
        optimize(of(X), upto="fusion")


def test_deep_graph_needs_no_stack():
    node = X
    for i in range(3000):
        node = apply(Tanh() if i % 2 else Exp(), node)
    verify(optimize(of(node)))


def test_group_has_no_more_steps_than_its_bound():
    node = X
    for _ in range(3 * MOST_STEPS):
        node = apply(Add(), apply(Tanh(), node), constant(0.5, "f64"))
    groups = [n.op for n in fuse(of(node)).nodes() if isinstance(n.op, Fused)]
    assert len(groups) > 3
    assert all(len(group.steps) <= MOST_STEPS for group in groups)


def test_group_has_no_more_inputs_than_its_bound():
    inputs = [given(f"x{i}", X.type) for i in range(3 * MOST_INPUTS)]
    node = inputs[0]
    for other in inputs[1:]:
        node = apply(Add(), node, other)
    graph = fuse(of(node, *inputs))
    verify(graph)
    assert all(len(n.inputs) <= MOST_INPUTS for n in graph.nodes())
    assert sum(isinstance(n.op, Fused) for n in graph.nodes()) >= 3
