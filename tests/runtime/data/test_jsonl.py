"""JSONL: what is taken, and the code and place of what is refused."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Category, Class, Image, Real, Tokens
from tests.runtime.data.build import LABEL, POINT, TEXT, VALUE, files, port
from tests.runtime.data.rows import errors, raw

WORDS = port("words", Tokens("words"))
TAGS = replace(port("tags", Class(), output=True), per="words")
OK = '{"label": "1", "text": "good"}\n{"text": "bad", "label": "0"}\n'


def rows(folder, text, ports=(TEXT, LABEL), columns=None, **how):
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    return raw(folder, ports, files("a.jsonl", columns=columns), **how)[0]


def refused(folder, text, ports=(TEXT, LABEL), columns=None, **how):
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    return errors(folder, ports, files("a.jsonl", columns=columns), **how)


def test_jsonl_is_matched_by_key_and_empty_lines_are_skipped(tmp_path):
    found = rows(tmp_path, "\n" + OK.replace("\n", "\n\n \n"))
    assert found.columns.texts == {"text": ["good", "bad"], "label": ["1", "0"]}


def test_jsonl_may_be_packed(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(OK.encode()))
    assert raw(tmp_path, (TEXT, LABEL), files("a.jsonl.gz"))[0].count == 2


def test_keys_that_are_not_asked_for_are_passed_over(tmp_path):
    found = rows(tmp_path, '{"id": [{"a": NULL}], "label": 1, "text": ""}\n'.replace("NULL", "null"))
    assert found.columns.texts == {"text": [""], "label": ["1"]}


def test_columns_rename_keys_and_an_order_of_columns_says_nothing_of_them(tmp_path):
    text = '{"stars": 1, "text": "good"}\n'
    assert rows(tmp_path, text, columns=("label=stars", "text=text")).columns.texts["label"] == ["1"]
    assert rows(tmp_path, OK, columns=("label", "_", "text")).columns.texts["label"] == ["1", "0"]


def test_labels_and_categories_keep_the_text_they_are_written_in(tmp_path):
    ports = (port("kind", Category()), LABEL)
    text = "".join(f'{{"kind": {v}, "label": {v}}}\n' for v in ("true", "3", "3.0", "-1", '"3"', "1e2", "false"))
    found = rows(tmp_path, text, ports)
    assert (
        found.columns.texts["kind"] == found.columns.texts["label"] == ["true", "3", "3.0", "-1", "3", "1e2", "false"]
    )


def test_numbers_stand_alone_in_lists_or_under_several_keys(tmp_path):
    found = rows(tmp_path, '{"point": [1, -2.5e1], "value": 0}\n{"point": [3, 4], "value": 1}\n', (POINT, VALUE))
    np.testing.assert_array_equal(found.columns.numbers["point"], [[1, -25], [3, 4]])
    np.testing.assert_array_equal(found.columns.numbers["value"], [[0], [1]])
    how = {"columns": ("point=x", "point=y", "value=value")}
    found = rows(tmp_path, '{"y": 1, "x": 2, "value": 0}\n', (POINT, VALUE), **how)
    np.testing.assert_array_equal(found.columns.numbers["point"], [[2, 1]])


def test_lists_are_tokens_and_what_belongs_to_them(tmp_path):
    found = rows(tmp_path, '{"words": ["so it", "goes"], "tags": ["A", 2]}\n{"words": [], "tags": []}\n', (WORDS, TAGS))
    assert found.columns.lists == {"words": [["so it", "goes"], []], "tags": [["A", "2"], []]}
    assert found.columns.texts == {}
    span = found.span("tags", 0, 1)
    assert (span.line, span.column, span.snippet) == (1, 44, "2")


def test_a_place_is_found_behind_escapes_and_brackets_in_strings(tmp_path):
    found = rows(tmp_path, '{"a\\"]": ["}", {"label": 1}], "text": "\\u00e9\\"", "label" : "x"}\n')
    assert found.columns.texts["text"] == ['é"']
    assert found.span("label", 0).snippet == '"x"'


def test_outputs_may_be_absent_when_they_are_predicted(tmp_path):
    found = rows(tmp_path, '{"text": "good"}\n', outputs_optional=True)
    assert found.columns.texts == {"text": ["good"]}
    found = rows(tmp_path, '{"text": "good", "label": null}\n{"text": "bad"}\n', outputs_optional=True)
    assert found.columns.texts == {"text": ["good", "bad"]}


def test_missing_number_of_a_row_to_predict_is_not_to_be_left_out(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"point": [1, null]}\n')
    (found,) = errors(tmp_path, (POINT, VALUE), files("a.jsonl"), outputs_optional=True)
    assert (found.code, found.help) == ("NN716", "fill it in")


def test_missing_numbers_are_left_out_on_request(tmp_path):
    text = '{"point": [1, null], "value": 0}\n{"point": [3, 4], "value": 1}\n'
    (tmp_path / "a.jsonl").write_text(text)
    found, warnings = raw(tmp_path, (POINT, VALUE), files("a.jsonl"), skip_missing=True)
    np.testing.assert_array_equal(found.columns.numbers["point"], [[3, 4]])
    assert found.span("value", 0).line == 2
    assert [(w.code, w.span.snippet) for w in warnings] == [("NN736", "null")]


def test_characters_past_the_first_plane_are_two_escapes(tmp_path):
    assert rows(tmp_path, '{"label": 1, "text": "\\ud83d\\ude00"}\n').columns.texts["text"] == ["😀"]


BAD = [
    ("\n \n", "NN707", 1, 1),
    ('{"label": 1,\n"text": ""}\n', "NN730", 1, 13),
    ("{'label': 1}\n", "NN730", 1, 2),
    ('{"label": 1, "text": "a\tb"}\n', "NN730", 1, 24),
    ('{"label": 1, "text": "a"} 1\n', "NN730", 1, 27),
    ('{"label": 1, "text": "a",}\n', "NN730", 1, 26),
    ('{"label": NaN, "text": "NaN"}\n', "NN730", 1, 11),
    ('{"label": 1, "x": [-Infinity], "text": "a"}\n', "NN730", 1, 20),
    ('{"label": 01, "text": "a"}\n', "NN730", 1, 12),
    ('{"label": 1, "text": "\\ud83d"}\n', "NN730", 1, 22),
    ('{"label": 1, "text": "a\\u0000b"}\n', "NN704", 1, 22),
    ('{"label": 1, "text": "a\0"}\n', "NN704", 1, 24),
    ('["a"]\n', "NN731", 1, 1),
    ("3\n", "NN731", 1, 1),
    ('{"label": 1, "text": "a", "lab\\u0065l": 2}\n', "NN732", 1, 27),
    ('{"x": [{"a": 1, "b": {"a": 2}, "a": 3}]}\n', "NN732", 1, 32),
    ('{"label": 1}\n', "NN733", 1, 1),
    ('{"label": 1, "text": 3}\n', "NN734", 1, 22),
    ('{"label": 1, "text": null}\n', "NN734", 1, 22),
    ('{"label": 1, "text": ["a", 3]}\n', "NN734", 1, 28),
    ('{"label": [1], "text": "a"}\n', "NN734", 1, 11),
    ('{"label": {"text": 1}, "text": "a"}\n', "NN734", 1, 11),
    ('{"label": 1, "text": "a"}\n{"label": 1, "text": ["a"]}\n', "NN734", 2, 22),
    ('{"label": 1, "text": ["a"]}\n{"label": 1, "text": "a"}\n', "NN734", 2, 22),
    ('{"label": null, "text": "a"}\n', "NN723", 1, 11),
    ('{"label": " ", "text": "a"}\n', "NN723", 1, 11),
    ('{"label": 1, "text": ["a", ""]}\n', "NN723", 1, 28),
    ("[" * 65, "NN735", 1, 65),
    ('{"x": ' + "[" * 100_000 + "\n", "NN735", 1, 70),
]


@pytest.mark.parametrize(("text", "code", "line", "column"), BAD)
def test_a_bad_line_is_refused_with_its_place(tmp_path, text, code, line, column):
    first = refused(tmp_path, text)[0]
    assert (first.code, first.span.line, first.span.column) == (code, line, column)


BAD_NUMBERS = [
    ('{"point": [1, "2"], "value": 0}\n', "NN734", 15),
    ('{"point": [1, true], "value": 0}\n', "NN734", 15),
    ('{"point": [1], "value": 0}\n', "NN734", 11),
    ('{"point": 1, "value": 0}\n', "NN734", 11),
    ('{"point": [1, 2], "value": [0]}\n', "NN734", 28),
    ('{"point": [1, null], "value": 0}\n', "NN716", 15),
    ('{"point": [1, 1e39], "value": 0}\n', "NN715", 15),
    ('{"point": [1, 2], "value": 1' + "0" * 5000 + "}\n", "NN715", 28),
]


@pytest.mark.parametrize(("text", "code", "column"), BAD_NUMBERS)
def test_what_is_no_number_of_json_is_refused_with_its_place(tmp_path, text, code, column):
    (first,) = refused(tmp_path, text, (POINT, VALUE))
    assert (first.code, first.span.column) == (code, column)


def test_lists_of_unlike_length_are_refused_with_both_places(tmp_path):
    (first,) = refused(tmp_path, '{"words": ["a", "b"], "tags": ["A"]}\n', (WORDS, TAGS))
    assert (first.code, first.span.column, first.notes[0].span.column) == ("NN738", 31, 11)


def test_an_earlier_key_is_shown_beside_the_second(tmp_path):
    (first,) = refused(tmp_path, '{"label": 1, "text": "a", "label": 2}\n')
    assert first.notes[0].span.column == 2


def test_a_picture_is_not_read_from_jsonl(tmp_path):
    (first,) = refused(tmp_path, OK, (port("picture", Image(2, 3)), LABEL))
    assert first.code == "NN743"


def test_brackets_inside_strings_do_not_nest(tmp_path):
    assert rows(tmp_path, '{"label": 1, "text": "' + "[" * 1000 + '"}\n').count == 1


def test_a_wide_line_is_not_a_deep_one(tmp_path):
    assert rows(tmp_path, '{"label": 1, "text": "a", "x": [' + ",".join(["[]"] * 200) + "]}\n").count == 1


def test_hostile_lines_take_linear_time(tmp_path):
    for text in ('{"' + '\\"' * 100_000, '{"a":"' * 50_000, "[]" * 100_000, '"' * 200_001, '\\"' * 100_000):
        refused(tmp_path, text + "\n")


def test_wide_real_takes_a_list_of_its_width(tmp_path):
    found = rows(tmp_path, '{"x": [1, 2, 3], "label": "a"}\n', (port("x", Real(3)), LABEL))
    assert found.columns.numbers["x"].shape == (1, 3)


@pytest.mark.parametrize(
    "changed", [b"\xef\xbb\xbf" + OK.encode(), OK.replace("\n", "\r\n").encode(), OK[:-1].encode()]
)
def test_bom_cr_lf_and_a_missing_last_newline_change_nothing_in_jsonl(tmp_path, changed):
    (tmp_path / "a.jsonl").write_bytes(changed)
    assert raw(tmp_path, (TEXT, LABEL), files("a.jsonl"))[0].columns.texts == {
        "text": ["good", "bad"],
        "label": ["1", "0"],
    }


def test_a_line_of_json_ends_at_a_newline_alone(tmp_path):
    assert rows(tmp_path, '{"label": 1, "text": "a\u2028b\x85c"}\n').columns.texts["text"] == ["a\u2028b\x85c"]


def test_labels_that_look_alike_are_told_of_jsonl_too(read_bytes):
    text = b'{"label": "Yes", "text": "a"}\n{"label": "yes", "text": "b"}\n'
    (warning,) = read_bytes(text, name="a.jsonl").warnings
    assert (warning.code, warning.span.line, warning.span.snippet) == ("NN718", 2, '"yes"')
