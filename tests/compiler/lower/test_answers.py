"""An input that is read from the column of an answer."""

from __future__ import annotations

import pytest

from compiler.pipeline import check

SERIES = "model m(y: series[3], now: real) -> ahead: next(y) {\n  concat(y, now)\n  dense\n}\n"
TWO = "model m(y: series[3], old: series[2]) -> ahead: next(y) {\n  concat(y, old)\n  dense\n}\n"
CLASS = "model m(x: real, z: real) -> y: real {\n  concat(x, z)\n  dense\n}\n"


@pytest.mark.parametrize(
    ("spec", "columns", "warned"),
    [
        (SERIES, "y=bikes now=bikes", ["now"]),
        (SERIES, "y=now", ["now"]),
        (SERIES, "y=bikes now=temp", []),
        (SERIES, "now=ahead", []),
        (TWO, "y=bikes old=bikes", []),
        (CLASS, "x=y", ["x"]),
        (CLASS, "y=price x=price z=price", ["x", "z"]),
        (CLASS, "x=size z=size", []),
    ],
)
def test_input_of_the_answers_column_is_warned_of(spec: str, columns: str, warned: list[str]):
    found = check(f'{spec}data {{ train "a.csv" header ; columns {columns} }}\n', "m.nn").warnings
    assert [(w.code, w.message.split()[0]) for w in found] == [("NN610", name) for name in warned]


def test_warning_is_said_once_for_all_phases():
    spec = f'{SERIES}data {{ train "a.csv" header ; columns now=y }}\ntrain {{ epochs 1 }}\ntrain more {{ epochs 1 }}\n'
    assert len(check(spec, "m.nn").warnings) == 1
