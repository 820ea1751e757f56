"""The verifier finds what it is there for."""

from __future__ import annotations

import pytest

from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Add, Neg, constant
from compiler.ops.sequence import Lengths, Mask
from dsl.errors import InternalError

ROWS = Type("f64", (BATCH, 3))
TEXT = Type("f64", (BATCH, symbol("T"), 3))


def given(name: str, kind: InputKind = "data", type: Type = ROWS) -> Node:
    return Node(Input(name, kind, type), (), type)


X, W = given("x"), given("w", "weight", Type("f64", (3,)))


def refused(graph: Graph, message: str, spans: bool = False) -> None:
    with pytest.raises(InternalError, match=message) as error:
        verify(graph, spans)
    if "cycle" not in message:
        assert "\ngraph\n" in str(error.value)


def test_valid_graph_passes():
    verify(Graph((X, W), (Output("out", apply(Add(), X, W)), Output("w", apply(Neg(), W), "w"))))


def test_type_that_the_rule_does_not_give_is_found():
    refused(Graph((X,), (Output("out", Node(Neg(), (X,), Type("f64", (BATCH, 4)))),)), "has the rule's type")


def test_operands_that_the_rule_does_not_take_are_found():
    refused(Graph((X,), (Output("out", Node(Add(), (X, constant(1.0, "f32")), ROWS)),)), "the dtypes differ")
    refused(Graph((X,), (Output("out", Node(Neg(), (X, X), ROWS)),)), "another number of operands")


def test_input_that_is_not_listed_is_found():
    refused(Graph((), (Output("out", X),)), "x is not in the list")


def test_inputs_of_one_name_are_found():
    refused(Graph((X, given("x")), ()), "two inputs are named x")


def test_lengths_of_another_type_or_name_are_found():
    refused(Graph((given("lengths.T", "lengths", ROWS),), ()), "lengths are")
    refused(Graph((given("T", "lengths", Type("i64", (BATCH,))),), ()), "lengths are")


def test_number_with_a_shape_is_found():
    refused(Graph((given("lr", "number"),), ()), "lr is no number")


def test_update_of_what_is_no_weight_is_found():
    refused(Graph((X,), (Output("x", apply(Neg(), X), "x"),)), "x updates x")
    refused(Graph((X,), (Output("y", apply(Neg(), X), "y"),)), "y updates y")


def test_update_of_another_type_is_found():
    refused(Graph((X, W), (Output("w", apply(Neg(), X), "w"),)), "is updated by")


def test_result_given_out_twice_is_found():
    refused(Graph((X,), (Output("out", X), Output("out", X))), "out is given out twice")
    refused(Graph((W,), (Output("a", W, "w"), Output("b", W, "w"))), "w is given out twice")


def test_lengths_of_another_sequence_are_found():
    x, other = given("x", "data", TEXT), given("lengths.T.other", "lengths", Type("i64", (BATCH,)))
    refused(Graph((x, other), (Output("out", apply(Mask(), x, other)),)), "reads other lengths than lengths.T")
    refused(Graph((other,), (Output("out", apply(Lengths(symbol("T"), "f64"), other)),)), "reads other lengths")


def test_node_without_a_line_is_found_where_that_is_asked():
    graph = Graph((X,), (Output("out", apply(Neg(), X)),))
    verify(graph)
    refused(graph, "a Neg has no line", spans=True)


def test_cycle_is_found():
    node = apply(Neg(), X)
    above = apply(Neg(), node)
    object.__setattr__(node, "inputs", (above,))
    refused(Graph((X,), (Output("out", above),)), "cycle")


def test_value_read_in_many_places_is_no_cycle():
    node = X
    for _ in range(5000):
        node = apply(Add(), node, node)
    verify(Graph((X,), (Output("out", node),)))
