"""Cells: what their equations become, and what is wrong with some."""

from __future__ import annotations

from collections import Counter

import pytest

from compiler.ir.graph import Input
from compiler.ir.verify import verify
from compiler.ops.chance import DropoutMask
from compiler.ops.elementwise import Tanh
from compiler.ops.product import MatMul
from compiler.ops.scan import Scan
from compiler.ops.sequence import TakePosition
from compiler.ops.shape import Slice
from compiler.passes import optimize
from compiler.pipeline import check, training_step
from tests.compiler.lower.specs import errors

END = "\nlast\ndense softmax"


def spec(use: str, cell: str = "", end: str = END) -> str:
    return f"{cell}\nmodel m(text: words) -> label: class {{\nx = embed 5\n{use}{end}\n}}\n"


def mine(body: str, heading: str = "(x) state h") -> str:
    return f"cell mine{heading} {{\n{body}\n}}"


def weights(text: str) -> dict[str, str]:
    return {p.name: str(p.type) for p in check(text, "m.nn", sizes={"V": 9, "classes": 2}).network.parameters}


def test_weights_of_a_cell_have_the_names_of_its_lines_and_operands():
    found = weights(spec("gru 3"))
    assert found["gru.z.weight_x"] == "f32[5, 3]"
    assert found["gru.z.weight_h"] == "f32[3, 3]"
    assert found["gru.c.weight_2"] == "f32[3, 3]"  # of r * h, which has no name
    assert found["gru.z.bias"] == "f32[3]"


def test_each_layer_and_direction_has_weights_of_its_own():
    found = weights(spec("srn 3 layers=2 bidir"))
    assert found["srn.1.forward.h.weight_x"] == "f32[5, 3]"
    assert found["srn.2.backward.h.weight_x"] == "f32[6, 3]"
    assert len([n for n in found if n.startswith("srn")]) == 4 * 3


def test_weights_of_a_cell_serve_all_steps_and_each_use_has_its_own():
    found = weights(spec("srn 3\nsrn 4"))
    assert [n for n in found if n.endswith("bias") and "srn" in n] == ["srn.h.bias", "srn.2.h.bias"]


def test_params_have_the_names_of_their_lines():
    body = "U = param[size, size]\nW = param[size, dim(x)]\nb = param[size] init=zeros\nh' = tanh(U @ h + W @ x + b)"
    found = weights(spec("mine 3", mine(body)))
    assert {n: t for n, t in found.items() if "mine" in n} == {
        "mine.U.weight": "f32[3, 3]",
        "mine.W.weight": "f32[3, 5]",
        "mine.b.weight": "f32[3]",
    }


def test_weights_of_a_cell_start_as_its_size_says_and_as_init_says():
    parameters = {p.name: p for p in check(spec("lstm 16 init=normal scale=0.1"), "m.nn").network.parameters}
    assert parameters["lstm.i.weight_h"].init.kind == "normal"
    assert parameters["lstm.i.weight_h"].init.width() == 0.1
    assert parameters["lstm.i.bias"].init.width() == 0.25


def test_label_and_frozen_reach_the_weights_of_a_cell():
    parameters = {p.name: p for p in check(spec("lstm 3 as reader frozen\nsrn 3"), "m.nn").network.parameters}
    assert not parameters["reader.i.weight_x"].trained
    assert parameters["srn.h.bias"].trained


def test_cell_with_a_setting_and_a_state_of_another_width():
    found = weights(spec("lstm_projected 4 width=3"))
    assert found["lstm_projected.i.weight_h"] == "f32[3, 4]"
    assert found["lstm_projected.h.weight_1"] == "f32[4, 3]"
    assert found["dense.weight"] == "f32[3, 2]"


def test_cell_is_fed_other_sequences_and_what_is_the_same_in_all_steps():
    cell = mine("h' = tanh(linear(x, z, h) + k)", "(x, z each, k) state h")
    text = spec("z = x | dense 2\nk = x | mean | dense 3\nmine(x, z, k) 3", cell)
    found = weights(text)
    assert found["mine.h.weight_z"] == "f32[2, 3]"
    step = training_step(check(text, "m.nn", sizes={"V": 9, "classes": 2})).graph
    verify(step)
    scan = next(n.op for n in step.nodes() if isinstance(n.op, Scan) and not n.op.reverse)
    assert scan.sequences == 2


def test_first_state_is_the_operand_of_its_name():
    text = spec("s = x | mean | dense 3\nx | lstm(c=s) 3")
    step = training_step(check(text, "m.nn", sizes={"V": 9, "classes": 2})).graph
    scan = next(n for n in step.nodes() if isinstance(n.op, Scan) and not n.op.reverse)
    assert not isinstance(scan.inputs[1].op, Input)
    assert scan.inputs[0] is not scan.inputs[1]


def test_last_states_of_a_labelled_cell_are_its_parts():
    verify(check(spec("lstm 3 as reader\nconcat(reader.h, reader.c)", end="\ndense softmax"), "m.nn").network.training)


def test_last_states_of_one_cell_are_the_first_of_another():
    for settings in ("", "bidir", "layers=3", "layers=2 bidir"):
        text = spec(f"x | lstm 3 {settings} as reader\nx | lstm(h=reader.h, c=reader.c) 3 {settings}")
        verify(training_step(check(text, "m.nn", sizes={"V": 9, "classes": 2})).graph)
    wide = spec("x | gru 3 bidir as reader\nx | gru(h=reader.h) 6")
    verify(training_step(check(wide, "m.nn", sizes={"V": 9, "classes": 2})).graph)


def test_setting_of_a_cell_hides_the_one_of_every_cell():
    cell = mine("h' = tanh(linear(x, h)) * layers + scale", "(x) layers=2 scale=3 state h")
    assert "mine.h.bias" in weights(spec("mine 3", cell))


def test_constant_expressions_of_a_body_are_computed_outside_the_loop():
    cell = mine("U = param[size, size]\nb = param[size]\nh' = tanh(linear(x) + (U @ h) * b)")
    step = training_step(check(spec("mine 3", cell), "m.nn", sizes={"V": 9, "classes": 2})).graph
    scan = next(n.op for n in step.nodes() if isinstance(n.op, Scan) and not n.op.reverse)
    varying = scan.varying()
    inner = [n for n in scan.body.graph.nodes() if n not in varying and not isinstance(n.op, Input)]
    assert inner == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (spec("mine 3", mine("h' = linear(x, h)\nz = h | dense 3")), [("NN503", 3, 1)]),
        (spec("mine 3", mine("h' = linear(x, h)\nh' = h")), [("NN302", 3, 1)]),
        (spec("mine 3", mine("h = linear(x, h)")), [("NN302", 2, 1)]),
        (spec("mine 3", mine("h' = linear(x, y)")), [("NN301", 2, 16)]),
        (spec("mine 3", mine("h' = linear(x, h)", "(x) state h, c")), [("NN554", 1, 23)]),
        (spec("mine 3", mine("hh' = linear(x, h)\nh' = linear(x)")), [("NN553", 2, 1)]),
        (spec("mine 3", mine("h' = c'\nc' = linear(x)", "(x) state h, c")), [("NN555", 2, 6)]),
        (spec("mine 3", mine("h' = x")), [("NN550", 2, 6)]),
        (spec("mine 3", mine("h' = embed 3")), [("NN501", 2, 6)]),
        (spec("mine 3", mine("h' = mine(x) 3")), [("NN507", 2, 6)]),
        (spec("mine 3", mine("h' = param[3] @ h")), [("NN551", 2, 6)]),
        (spec("mine 3", mine("W = param[size, 0]\nh' = W @ h")), [("NN403", 2, 17)]),
        (spec("mine 3", mine("h' = x | dense softmax")), [("NN405", 2, 10)]),
        (spec("mine 3", mine("h' = lstm(h) 3")), [("NN204", 2, 6)]),
        (spec("lstm"), [("NN405", 4, 1)]),
        (spec("lstm 3 bidir reverse"), [("NN406", 4, 1)]),
        (spec("x | mean | lstm 3"), [("NN204", 4, 12)]),
        (spec("lstm(x, x) 3"), [("NN409", 4, 1)]),
        (spec("lstm(x, z=x) 3"), [("NN409", 4, 9)]),
        (spec("lstm 3 { dense 3 }"), [("NN408", 4, 8)]),
        (spec("lstm 3 dropuot=0.2 layers=2"), [("NN401", 4, 8)]),
        (spec("lstm 3 stateful"), [("NN518", 4, 1)]),
        (spec("lstm 3 stateful bidir"), [("NN406", 4, 1)]),
        (spec("lstm 3 stateful reverse"), [("NN406", 4, 1)]),
        (spec("s = x | mean | dense 3\nx | lstm(h=s) 3 stateful"), [("NN406", 5, 5)]),
        (spec("lstm 3 variational"), [("NN405", 4, 1)]),
        (spec("lstm 3 dropout=0.2"), [("NN557", 4, 1)]),
        (spec("x | leaky 5 dropout=0.2 variational"), [("NN557", 4, 5)]),
        (spec("x | leaky 5 dropout=0 variational"), []),
        (spec("s = x | mean | dense 4\nx | gru(h=s) 3 layers=2"), [("NN552", 5, 5)]),
        (spec("s = x | dense 3\nx | gru(h=s) 3"), [("NN552", 5, 5)]),
        (spec("x | gru(h=text) 3"), [("NN208", 4, 5)]),
    ],
)
def test_error_has_the_line_and_column_of_the_cell(text: str, found: list[tuple[str, int, int]]):
    assert errors(text) == found


def test_error_in_a_cell_of_the_library_stands_at_its_use():
    assert errors(spec("x | lstm(h=(x | mean)) 3")) == [("NN552", 4, 5)]


def test_error_of_a_cell_is_told_once_for_all_its_layers_and_directions():
    assert errors(spec("mine 3 layers=3 bidir", mine("h' = x | dense 4"))) == [("NN550", 2, 6)]


def test_optimized_layers_run_each_loop_once_and_the_products_of_all_gates_as_one():
    step = optimize(training_step(check(spec("lstm 3 layers=2 bidir"), "m.nn", sizes={"V": 9, "classes": 2})).graph)
    scans = [n.op for n in step.nodes() if isinstance(n.op, Scan)]
    assert len(scans) == 2 * 2 * 2
    forward = [s for s in scans if any(isinstance(n.op, Tanh) or "Tanh" in str(n.op) for n in s.body.graph.nodes())]
    assert [sum(isinstance(n.op, MatMul) for n in s.body.graph.nodes()) for s in forward] == [1, 1, 1, 1]


def test_own_cell_with_gates_in_another_order_gets_the_program_of_the_library():
    lines = ["g = tanh(linear(x, h))", "o = sigmoid(linear(x, h))", "i = sigmoid(linear(x, h))"]
    body = "\n".join([*lines, "f = sigmoid(linear(x, h))", "c' = i * g + f * c", "h' = tanh(c') * o"])
    counts: list[Counter[str]] = []
    for text in (spec("lstm 3"), spec("mine 3", mine(body, "(x) state h, c"))):
        step = optimize(training_step(check(text, "m.nn", sizes={"V": 9, "classes": 2})).graph)
        bodies = [m for n in step.nodes() if isinstance(n.op, Scan) for m in n.op.body.graph.nodes()]
        counts.append(Counter(type(n.op).__name__ for n in (*step.nodes(), *bodies)))
    assert counts[0] == counts[1]


def test_last_of_both_directions_is_taken_where_each_ends_after_dropout_too():
    graph = check(spec("lstm 3 bidir\ndropout 0.5"), "m.nn", sizes={"V": 9, "classes": 2}).network.training
    taken = [n.inputs[0].op for n in graph.nodes() if isinstance(n.op, TakePosition)]
    assert [(op.start, op.size) for op in taken if isinstance(op, Slice)] == [(0, 3), (3, 3)]


def test_cell_inside_a_cell_runs_once_before_the_first_step():
    inner = "a = m | gru 4 bidir | last\nh' = tanh(linear(x, a, h))"
    text = spec("mine(x, x) 3", mine(inner, "(x, m) state h"))
    step = training_step(check(text, "m.nn", sizes={"V": 9, "classes": 2})).graph
    verify(step)
    scans = [n.op for n in step.nodes() if isinstance(n.op, Scan)]
    assert not any(isinstance(n.op, Scan) for s in scans for n in s.body.graph.nodes())
    assert "mine.a.gru.forward.z.weight_x" in weights(text)


def test_dropout_in_a_cell_draws_at_each_position_and_once_where_it_is_variational():
    for words, shape in (("", "[T, B, 3]"), ("variational", "[B, 3]"), ("words", "[T, B, 1]")):
        cell = mine(f"h' = x | dense 3 | dropout 0.5 {words}")
        step = training_step(check(spec("mine 3", cell), "m.nn", sizes={"V": 9, "classes": 2})).graph
        verify(step)
        assert {str(n.type) for n in step.nodes() if isinstance(n.op, DropoutMask)} == {f"f32{shape}"}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("a = m | gru(h=h) 3 | last\nh' = tanh(linear(x, a, h))", [("NN561", 2, 9)]),
        ("y = concat(m, h)\na = y | gru 4 | last\nh' = tanh(linear(x, a, h))", [("NN561", 3, 9)]),
        ("a = m * x | maxpool | linear\nh' = tanh(linear(x, a, h))", [("NN562", 2, 5)]),
        ("y = concat(m, h)\na = attend(h, y)\nh' = tanh(linear(x, a, h))", [("NN562", 2, 5)]),
        ("a = attend(h, m)\nh' = tanh(linear(x, a, h))", []),
        ("b = m | maxpool\na = b | linear\nh' = tanh(linear(x, a, h))", []),
    ],
)
def test_what_is_fed_whole_may_not_meet_the_step_before_it_is_pooled(body: str, found: list[tuple[str, int, int]]):
    assert errors(spec("mine(x, x) 3", mine(body, "(x, m) state h"))) == found


def test_a_state_that_the_heading_has_twice_is_reported_once_however_the_cell_is_used():
    for use in ("mine 3", "mine 3 layers=2 bidir"):
        assert errors(spec(use, mine("h' = linear(x, h)", "(x) state h, h"))) == [("NN302", 1, 23)]
