"""What comes after the last row: fed back, and what of the future has to be known."""

from __future__ import annotations

from collections.abc import Callable
from math import nan

import numpy as np
import pytest

from compiler.sorts import Ahead, Category, Port, Real, Series
from dsl.errors import NncError
from runtime.data import Rows, Scaling, Tables, Vocabulary
from runtime.data.part import Columns
from runtime.data.raw import Raw
from runtime.forecast import forecast
from runtime.predict import Answer
from tests.runtime.data.build import SPEC, port

Y, NEXT = port("y", Series(2)), port("ahead", Ahead("y", 1), output=True)
NONE = Tables({}, {}, {})


def raw(texts: dict[str, list[str]] | None = None, **numbers) -> Raw:
    arrays = {name: np.array(values, np.float64).reshape(len(values), -1) for name, values in numbers.items()}
    count = max(len(values) for values in arrays.values())
    return Raw(count, Columns(texts=texts or {}, numbers=arrays), ((0, lambda port, row, position: SPEC),))


def told(ports: tuple[Port, ...], rows: Raw, steps: int | None, answer: Callable, tables: Tables = NONE) -> list:
    def answers(found: Rows) -> dict[str, Answer]:
        return {name: Answer(value) for name, value in answer(found).items()}

    return [{name: each.value for name, each in line.items()} for line in forecast(ports, tables, rows, steps, answers)]


def total(found: Rows) -> dict[str, float]:
    return {"ahead": float(found.columns["y"].sum())}


def test_forecast_is_fed_back():
    found = told((Y, NEXT), raw(y=[9, 1, 2]), 4, total)
    assert [line["ahead"] for line in found] == [3, 5, 8, 13]


def test_forecast_without_a_number_is_as_long_as_the_model_tells_at_once():
    ports = (Y, port("ahead", Ahead("y", 3), output=True))
    seen: list[list[float]] = []

    def answer(found: Rows) -> dict[str, tuple[float, ...]]:
        seen.append(found.columns["y"][0].tolist())
        return {"ahead": (10.0, 11.0, 12.0)}

    assert [line["ahead"] for line in told(ports, raw(y=[1, 2]), None, answer)] == [10, 11, 12]
    assert len(told(ports, raw(y=[1, 2]), 5, answer)) == 5
    assert seen == [[1, 2], [1, 2], [11, 12]]


def test_columns_of_a_row_are_told_together():
    ports = (port("y", Series(1, 2)), port("ahead", Ahead("y", 2, 2), output=True))
    found = told(ports, raw(y=[[1, 2]]), None, lambda rows: {"ahead": (1.0, 2.0, 3.0, 4.0)})
    assert found == [{"ahead": (1, 2)}, {"ahead": (3, 4)}]


def test_network_sees_its_own_scale_and_its_forecast_in_it():
    ports = (port("y", Series(1, None, True)), port("ahead", Ahead("y", 1, 1, True), output=True))
    tables = Tables({}, {}, {"y": Scaling((10.0,), (2.0,)), "ahead": Scaling((10.0,), (2.0,))})
    seen: list[float] = []

    def answer(found: Rows) -> dict[str, float]:
        seen.append(float(found.columns["y"][0, 0]))
        return {"ahead": 20.0}

    told(ports, raw(y=[14]), 2, answer, tables)
    assert seen == [2, 5]


def test_known_future_is_read_in_its_row():
    ports = (Y, port("u", Series(1)), port("now", Real()), port("day", Category()), NEXT)
    tables = Tables({"day": Vocabulary(("mo", "tu"))}, {}, {})
    rows = raw({"day": ["mo", "mo", "tu", "mo"]}, y=[1, 1, nan, nan], u=[5, 6, 7, 8], now=[0, 0, 30, 40])

    def answer(found: Rows) -> dict[str, float]:
        u, now, day = (float(np.ravel(found.columns[name])[0]) for name in ("u", "now", "day"))
        return {"ahead": u + now + 1000 * day}

    assert [line["ahead"] for line in told(ports, rows, 2, answer, tables)] == [5036, 4047]


@pytest.mark.parametrize(
    ("ports", "rows", "steps", "wanted"),
    [
        ((Y, NEXT), raw(y=[1]), None, "NN896"),
        ((Y, NEXT), raw(y=[nan, nan]), None, "NN896"),
        ((Y, NEXT), raw(y=[1, nan, 3]), None, "NN716"),
        ((Y, port("u", Series(2)), NEXT), raw(y=[1, 2], u=[1, 2]), 1, None),
        ((Y, port("u", Series(2)), NEXT), raw(y=[1, 2], u=[1, 2]), 2, "NN897"),
        ((Y, port("now", Real()), NEXT), raw(y=[1, 2], now=[1, 2]), 1, "NN897"),
        ((Y, port("now", Real()), NEXT), raw(y=[1, 2, nan], now=[1, 2, nan]), 1, "NN897"),
        ((Y, NEXT, port("far", Ahead("y", 3), output=True)), raw(y=[1, 2]), 3, None),
        ((Y, NEXT, port("far", Ahead("y", 3), output=True)), raw(y=[1, 2]), 4, "NN898"),
    ],
)
def test_what_a_forecast_needs(ports: tuple[Port, ...], rows: Raw, steps: int | None, wanted: str | None):
    def answer(found: Rows) -> dict:
        return {p.name: (0.0,) * p.sort.width for p in ports if isinstance(p.sort, Ahead)}

    try:
        told(ports, rows, steps, answer)
        found = None
    except NncError as error:
        found = error.diagnostics[0].code
    assert found == wanted
