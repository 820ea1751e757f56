"""What errors in a cell advise."""

from __future__ import annotations

from dsl.errors import Diagnostic
from tests.compiler.lower.specs import diagnostics, model


def found(equation: str, use: str = "mine 3", heading: str = "(x)") -> Diagnostic:
    body = f"x = embed 5\n{use}\nlast\ndense softmax"
    (diagnostic,) = diagnostics(f"cell mine{heading} state h {{\n{equation}\n}}\n{model(body)}")
    return diagnostic


def test_operand_that_comes_whole_is_told_of_each():
    assert "`y each`" in found("h' = tanh(linear(x, h, y))", "mine(x, x) 3", "(x, y)").help
    assert "each" not in found("h' = linear(x, h) 4").help


def test_widths_meet_by_linear():
    assert found("h' = h + x").help == "make them equally wide, with linear for example"


def test_error_about_a_use_names_it_once():
    assert not found("h' = linear(x, h)", "mine 3 dropout=0.2").notes
    assert [note.text for note in found("h' = h + x").notes] == ["in this use of mine"]


def test_layer_with_settings_in_a_formula_gets_parentheses():
    assert "(linear(b) 50)" in found("h' = h + linear(x) size").help
