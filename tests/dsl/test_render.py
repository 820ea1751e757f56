"""Diagnostics as people and editors see them."""

from __future__ import annotations

import json

import pytest

from dsl.errors import Diagnostic, Note
from dsl.render import columns, render, show, to_json
from dsl.source import Span

POOL = Span("textcnn.nn", 5, 3, 5, 10, "  maxpool")
CONV = Span("textcnn.nn", 6, 3, 6, 7, "  conv k=3 filters=50")
ERROR = Diagnostic(
    "NN204",
    "conv needs a sequence, but gets a vector [200]",
    CONV,
    "expects [T, d]",
    (Note(POOL, "this pools the sequence [T, 200] into one vector [200]"),),
    "put conv before maxpool",
)


def at(text: str, column: int, end: int, **rest: object) -> Diagnostic:
    return Diagnostic("NN120", "wrong", Span("s.nn", 1, column, 1, end, text), **rest)  # type: ignore[arg-type]


def test_error_looks_as_the_language_page_shows_it() -> None:
    assert render([ERROR]) == (
        "error[NN204]: conv needs a sequence, but gets a vector [200]\n"
        "  --> textcnn.nn:6:3\n"
        "   |\n"
        " 5 |   maxpool\n"
        "   |   ------- this pools the sequence [T, 200] into one vector [200]\n"
        " 6 |   conv k=3 filters=50\n"
        "   |   ^^^^ expects [T, d]\n"
        "   = help: put conv before maxpool\n"
    )


def test_carets_stand_under_wide_characters() -> None:
    lines = render([at("  模型 | 卷积 k=3", 8, 10)]).split("\n")
    assert lines[3:5] == [" 1 |   模型 | 卷积 k=3", "   |          ^^^^"]


def test_carets_stand_under_a_base_with_combining_characters() -> None:
    lines = render([at("e\u0301 x", 4, 5)]).split("\n")
    assert lines[4] == "   |   ^"


def test_tab_is_four_columns() -> None:
    lines = render([at("\tx", 2, 3)]).split("\n")
    assert lines[3:5] == [" 1 |     x", "   |     ^"]


def test_long_line_is_cut_around_the_place() -> None:
    text = "a" * 300 + "WRONG" + "b" * 300
    lines = render([at(text, 301, 306)], width=60).split("\n")
    assert len(lines[3]) <= 60
    assert lines[3].count("…") == 2
    start = lines[4].index("^")
    assert lines[3][start : start + 5] == "WRONG"


def test_place_past_the_end_of_the_line_has_a_caret() -> None:
    assert render([at("abc", 4, 5)]).split("\n")[4] == "   |    ^"


def test_note_in_another_file_names_it() -> None:
    note = Note(Span("b.nn", 7, 1, 7, 2, "x"), "here")
    text = render([at("abc", 1, 2, notes=(note,))])
    assert "::: b.nn:7:1" in text


def test_lines_left_out_between_are_marked() -> None:
    note = Note(Span("s.nn", 10, 1, 10, 2, "x"), "here")
    assert "\n...\n" in render([at("abc", 1, 2, notes=(note,))])


@pytest.mark.parametrize("width", [20, 30, 60])
def test_narrow_terminal_is_not_exceeded(width: int) -> None:
    text = render([ERROR, at("  模型 | 卷积 " + "k=3 " * 50, 8, 10, help="write it " * 20)], width=width)
    place = ("-->", ":::")
    assert [line for line in text.split("\n") if columns(line) > width and not line.strip().startswith(place)] == []


def test_error_without_a_place_has_no_source() -> None:
    assert render([Diagnostic("NN803", "no GPU", help="use the CPU")]) == (
        "error[NN803]: no GPU\n   = help: use the CPU\n"
    )


def test_five_errors_in_full_then_a_count() -> None:
    text = render([ERROR] * 7 + [Diagnostic("NN299", "hm", severity="warning")])
    assert text.count("error[NN204]") == 5
    assert text.endswith("\n\nand 2 more errors and 1 more warning\n")


def test_nothing_renders_as_nothing() -> None:
    assert render([]) == ""


def test_colour_changes_nothing_but_escapes() -> None:
    import re

    coloured = render([ERROR], color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render([ERROR])


def test_source_is_shown_without_control_characters() -> None:
    text = render([at("a \x1b[31m\u202e b", 1, 2)])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\u001b" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("模型 é", "模型 é"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[0m", "\\u001b[0m"),
        ("\u202e", "\\u202e"),
        ("\x00\x7f\x9b", "\\u0000\\u007f\\u009b"),
        ("\U000e0001", "\\U000e0001"),
        ("\ud800", "\\ud800"),
        ("می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀"),
        ("good\u200d é\u200c", "good\\u200d é\\u200c"),
    ],
)
def test_shown_text_has_its_control_characters_written_out(text: str, shown: str) -> None:
    assert show(text) == shown


def test_json_holds_everything() -> None:
    assert json.loads(json.dumps(to_json(ERROR))) == {
        "code": "NN204",
        "severity": "error",
        "message": "conv needs a sequence, but gets a vector [200]",
        "file": "textcnn.nn",
        "line": 6,
        "column": 3,
        "end_line": 6,
        "end_column": 7,
        "label": "expects [T, d]",
        "notes": [
            {
                "file": "textcnn.nn",
                "line": 5,
                "column": 3,
                "end_line": 5,
                "end_column": 10,
                "text": "this pools the sequence [T, 200] into one vector [200]",
            }
        ],
        "help": "put conv before maxpool",
    }


def test_json_of_an_error_without_a_place_has_nulls() -> None:
    assert to_json(Diagnostic("NN803", "no GPU"))["line"] is None


def test_a_message_that_quotes_a_whole_file_shows_both_its_ends():
    text = render([Diagnostic("NN715", "x" * 1_000_000 + " is no number", help="y" * 1_000_000)])
    assert len(text) < 5000
    assert "…" in text
    assert "is no number" in text
