"""The text form of a graph: shown, read back, and refused where it is wrong."""

from __future__ import annotations

import pytest

from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.parse import parse
from compiler.ir.text import op_name, same, show
from compiler.ir.types import BATCH, Type, symbol
from compiler.ops import OPS
from compiler.ops.elementwise import Add, Constant, Keep, Mul, Neg, constant
from compiler.ops.normal import LogSoftmax
from compiler.ops.reduction import ArgMax
from dsl.source import Span

X = Node(Input("x", "data", Type("f64", (BATCH, 3))), (), Type("f64", (BATCH, 3)))


def of(*outputs: Node, inputs: tuple[Node, ...] = (X,)) -> Graph:
    return Graph(inputs, tuple(Output(f"out{i}", node) for i, node in enumerate(outputs)))


def test_graph_reads_as_the_page_writes_it():
    line = "    conv 100 k=3"
    table = Node(Input("embed.weight", "weight", Type("f32", (symbol("V"), 4))), (), Type("f32", (symbol("V"), 4)))
    double = apply(Mul(), table, constant(2.0, "f32"), span=Span("a.nn", 3, 5, 3, 17, line))
    graph = Graph(
        (table,), (Output("out", double), Output("embed.weight", double, "embed.weight"), Output("n", table, "t"))
    )
    assert show(graph) == (
        "graph\n"
        "  %embed.weight: f32[V, 4] = input weight\n"
        "  %1: f32[] = constant 2.0\n"
        "  %2: f32[V, 4] = mul %embed.weight %1                                  # a.nn:3 conv 100 k=3\n"
        "  return out=%2\n"
        "  return embed.weight:=%2\n"
        "  return n=t:=%embed.weight\n"
    )


def test_escapes_of_a_spec_do_not_reach_the_terminal():
    node = apply(Neg(), X, span=Span("a.nn", 1, 1, 1, 2, "\x1b[31mred\u202e"))
    assert "\x1b" not in show(of(node))
    assert "\u202e" not in show(of(node))


@pytest.mark.parametrize("value", [0.1, -0.0, 1e-300, 5e-324, float("inf"), float("nan"), 1 / 3, 2.0**100])
def test_constant_keeps_its_bits(value: float):
    graph = of(constant(value, "f64"))
    read = parse(show(graph)).outputs[0].node.op
    assert read == Constant(value.hex(), "f64")


@pytest.mark.parametrize("name", ["模型", "text.T", "embed.weight.m", "ñ_1", "слой"])
def test_name_in_any_script_parses_back(name: str):
    node = Node(Input(name, "weight", Type("f64")), (), Type("f64"))
    graph = Graph((node,), (Output(name, apply(Neg(), node), name),))
    assert same(parse(show(graph)), graph)


def test_op_names_are_snake_case_and_differ():
    assert op_name(LogSoftmax) == "log_softmax"
    assert op_name(ArgMax) == "arg_max"
    assert len({op_name(op) for op in OPS}) == len(OPS)


def test_lines_of_the_spec_do_not_tell_graphs_apart():
    span = Span("a.nn", 1, 1, 1, 2, "x")
    assert same(of(apply(Neg(), X, span=span)), of(apply(Neg(), X)))


def test_what_is_computed_tells_graphs_apart():
    once = apply(Neg(), X)
    sharing, twice = of(apply(Add(), once, once)), of(apply(Add(), once, apply(Neg(), X)))
    others = [
        of(once),
        of(X),
        of(apply(Add(), once, X)),
        of(apply(Add(), X, once)),
        sharing,
        twice,
        of(once, once),
        of(once, inputs=(X, Node(Input("y", "number"), (), Type("f32")))),
        Graph((X,), (Output("other", once),)),
        Graph((X,), (Output("out0", once, "x"),)),
        of(constant(0.0, "f64")),
        of(constant(-0.0, "f64")),
    ]
    for i, a in enumerate(others):
        for j, b in enumerate(others):
            assert same(a, b) is (i == j), (show(a), show(b))


def test_flag_is_shown_only_where_it_is_set():
    condition = Node(Input("c", "data", Type("bool", (BATCH, 3))), (), Type("bool", (BATCH, 3)))
    graph = of(apply(Keep(), condition, X), apply(Keep(True), condition, X), inputs=(X, condition))
    assert "keep %c %x\n" in show(graph)
    assert "keep %c %x negated=true\n" in show(graph)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%2: f64[B, 3] = negate %x", "there is no op negate"),
        ("%2: f64[B, 3] = neg %y", "there is no %y"),
        ("%2: f64[B, 4] = neg %x", r"the type is f64\[B, 3\]"),
        ("%2: f64[B, 3] = neg %x %x", "another number of operands"),
        ("%2: f64[B, 3] = neg %x negated=true", "takes no attributes"),
        ("%2: f64[B] = sum %x", "axes"),
        ("%2: f64[B] = sum %x axes=[1] axes=[1]", "not axes"),
        ("%2: f64[B] = sum %x axes=1", "wants"),
        ("%2: f64[B] = sum %x axes=[1] keep=yes", "true, false"),
        ("%2: f64[B] = sum %x axes=[7]", "there are no axes"),
        ("%2: f64[B = neg %x", "is no type"),
        ("%2: f16[B, 3] = neg %x", "is no type"),
        ("%2: f64[B, T-0] = neg %x", "is no dimension"),
        ("%x: f64[B, 3] = neg %x", "there already"),
        ("%2: f64[] = constant two", "two"),
        ("%2: f64[B, 3] = input wait", "kind"),
        ("%2: f64[B, 3] = fused %x", "fused"),
        ("return %x", "name"),
        ("graph", "once"),
        ("neg %x", "wants"),
        ("import os", "wants"),
    ],
)
def test_wrong_line_is_refused_by_number(line: str, message: str):
    with pytest.raises(ValueError, match=f"line 3: .*{message}"):
        parse(f"graph\n  %x: f64[B, 3] = input data\n{'' if line == 'graph' else '  '}{line}\n")


def test_step_out_of_order_is_refused():
    with pytest.raises(ValueError, match=r"wants `\$1 = op"):
        parse("graph\n  %x: f64[B] = input data\n  %1: f64[B] = fused %x\n    $2 = neg $0\n  return out=%1\n")
