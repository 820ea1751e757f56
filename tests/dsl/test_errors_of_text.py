"""Every error of the text: its code and place, and that it speaks to the reader of the spec."""

from __future__ import annotations

import re

import pytest

from dsl.errors import Diagnostic, SpecError
from dsl.parse import parse
from dsl.render import render
from tests.dsl.broken import CASES, m

JARGON = re.compile(
    r"\b(_?NL|LPAR|RPAR|LBRACE|LSQB|VBAR|NAME|NUMBER|STRING|EQUAL|ANON|[Tt]oken|[Tt]erminal|[Ll]ark|\$END)\b"
)


def errors(spec: str | bytes) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        parse(spec, "spec.nn")
    return caught.value.diagnostics


@pytest.mark.parametrize(("code", "line", "column", "spec"), CASES, ids=[repr(case[3])[:60] for case in CASES])
def test_broken_spec_is_refused_at_its_place(code: str, line: int, column: int, spec: str | bytes) -> None:
    first = errors(spec)[0]
    assert first.span is not None
    assert (first.code, first.span.line, first.span.column) == (code, line, column)


@pytest.mark.parametrize("spec", [case[3] for case in CASES], ids=[repr(case[3])[:60] for case in CASES])
def test_error_has_help_and_no_jargon(spec: str | bytes) -> None:
    for diagnostic in errors(spec):
        assert diagnostic.help
        assert not JARGON.search(f"{diagnostic.message} {diagnostic.help}"), diagnostic
        assert len(diagnostic.message) < 160


def test_all_lexical_errors_are_told_at_once() -> None:
    found = errors("let a = .5\nlet b = 1_000\nuse 'x'\n")
    assert [(d.code, d.span.line if d.span else 0) for d in found] == [("NN105", 1), ("NN105", 2), ("NN109", 3)]


def test_syntax_errors_of_several_statements_are_told_at_once() -> None:
    found = errors(m("  dense 3, relu\n  mean\n  x: 3 ; f() ; maxpool\n  conv k=[2]") + "let x 3\n")
    places = [(d.code, d.span.line, d.span.column) for d in found if d.span]
    assert places == [("NN124", 2, 10), ("NN123", 4, 4), ("NN133", 4, 12), ("NN134", 5, 10), ("NN120", 7, 7)]


def test_error_in_a_heading_leaves_the_next_declaration_to_be_read() -> None:
    found = errors("model m(text) -> a: b {\n  x = 3 +\n}\ntrain { batch = 32 }\n")
    assert [d.code for d in found] == ["NN127", "NN131"]


def test_a_hundred_lexical_errors_are_the_most() -> None:
    assert len(errors("$\n" * 1000)) == 100


def test_ten_syntax_errors_are_the_most() -> None:
    assert len(errors("let x 3\n" * 50)) == 10


def test_unclosed_brace_points_at_the_declaration_after_and_at_the_brace() -> None:
    (found,) = errors('model m(a: b) -> c: d {\n  mean\n\ndata {\n  train "x"\n}\n')
    assert found.span is not None
    assert (found.span.line, found.notes[0].span.line, found.notes[0].span.column) == (4, 1, 23)


def test_column_counts_characters_after_wide_and_combining_ones() -> None:
    (found,) = errors("let 模型e\u0301 = $")
    assert found.span is not None
    assert found.span.column == 12


def test_misspelt_declaration_is_met_with_the_right_one() -> None:
    (found,) = errors("blcok f(x) { }")
    assert "`block`" in found.help


def test_brace_on_its_own_line_is_one_error() -> None:
    assert [d.code for d in errors("train\n{\n  adam\n}\n")] == ["NN121"]


def test_missing_brace_is_told_at_the_heading() -> None:
    (found,) = errors("let a = 1\nmodel m(a: b) -> c: d\n  mean\n}\n")
    assert found.code == "NN121"
    assert found.span is not None
    assert found.span.line == 2


def test_whole_error_reads_well() -> None:
    text = render(errors("model m(text: words) -> label: class {\n  dense 64, relu\n}\n"))
    assert text == (
        "error[NN124]: a comma cannot stand here\n"
        "  --> spec.nn:2:11\n"
        "   |\n"
        " 2 |   dense 64, relu\n"
        "   |           ^\n"
        "   = help: settings stand side by side without commas; `k=2,3` is a list, statements are parted by\n"
        "           `;`\n"
    )
