"""Time series in a spec: shapes, heads, and which splits there may be."""

from __future__ import annotations

import pytest

from compiler.sorts import Ahead, Series
from tests.compiler.lower.specs import Place, checked, errors, model, shapes

AR = model("dense", "y: series[3](standard)", "ahead: next(y)").rstrip() + "\n"


def test_series_of_one_column_is_a_vector_and_of_several_a_sequence():
    of = "model m(a: series[3], b: series[3,1], c: series[5,2]) -> ahead: next(a) {\n"
    rows = shapes(of + "concat(a, (b | last), (c | last))\ndense 7\ndense\n}\n")
    assert rows[-1] == "[1]"
    assert "[6]" in rows


@pytest.mark.parametrize(
    ("series", "output", "width"),
    [("y: series[3]", "next(y)", 1), ("y: series[3,2]", "next(y)", 2), ("y: series[3,2]", "next[5](y)", 10)],
)
def test_head_of_a_forecast_is_as_wide_as_what_comes(series: str, output: str, width: int):
    network = checked(model("flatten\ndense", series, f"ahead: {output}")).network
    assert network.parameters[0].type.shape[-1] == width


def test_forecast_is_in_the_scale_of_its_series():
    series, ahead = (port.sort for port in checked(AR).network.ports)
    assert series == Series(3, None, standard=True)
    assert ahead == Ahead("y", 1, 1, standard=True)


def test_next_of_a_text_has_no_number_of_steps():
    assert errors(model("embed 4 ; lstm 4 ; dense softmax", "text: words", "n: next[3](text)")) == [("NN211", 1, 33)]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ("valid 10% last ; test 20% last", []),
        ('valid "b.csv" ; test 20% last', []),
        ("missing last", []),
        ("missing skip", []),
        ("valid 10%", [("NN612", 4, 24)]),
        ("test 20%", [("NN612", 4, 24)]),
        ("folds 5", [("NN612", 4, 24)]),
        ("columns y=load", []),
        ("columns ahead=load", [("NN606", 4, 24)]),
    ],
)
def test_rows_of_a_series_keep_their_order(entries: str, wanted: list[Place]):
    assert errors(AR + f'data {{ train "a.csv" ; {entries} }}') == wanted


@pytest.mark.parametrize(
    "body", ["last", "gru 4 ; last", "conv k=2 filters=3 ; maxpool", "conv k=9 filters=3 causal ; mean"]
)
def test_layers_of_sequences_take_a_series(body: str):
    assert errors(model(f"{body} ; dense", "y: series[4,2]", "ahead: next(y)")) == []


def test_series_of_different_lengths_do_not_meet():
    spec = "model m(a: series[3,1], b: series[4,1]) -> y: next(a) {\nconcat(a, b)\nlast\ndense\n}\n"
    assert errors(spec) == [("NN212", 2, 1)]
