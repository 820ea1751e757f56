"""Dimensions as functions of lengths, against doing it number by number."""

from __future__ import annotations

import random

import pytest

from compiler.ir.parse import parse_dim, parse_type
from compiler.ir.types import (
    BATCH,
    Dim,
    Extent,
    Type,
    TypeRuleError,
    bind,
    broadcast,
    elements,
    is_ragged,
    moved,
    plus,
    size_bytes,
    symbol,
    times,
    value_of,
)
from compiler.ops.shape import Windows
from tests.compiler.random_graphs import fresh_seed

T, S, V, A = symbol("T"), symbol("T.source"), symbol("V"), symbol("V.source")


def test_windows_upon_windows_have_the_length_that_counting_gives():
    seed = fresh_seed()
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        dim: Dim = T
        layers = [
            Windows(rng.randint(1, 5), rng.randint(1, 3), rng.randint(1, 3), rng.randint(0, 4), rng.randint(0, 4))
            for _ in range(rng.randint(1, 4))
        ]
        for layer in layers:
            dim = layer.positions(dim)
        for length in range(1, 30):
            counted = length
            for layer in layers:
                starts = range(-layer.before, counted + layer.after - layer.reach + 1, layer.stride)
                counted = max(len(starts), 1)
            assert value_of(dim, {"T": length}) == counted, (layers, length, str(dim))


def test_dimension_prints_as_it_parses():
    seed = fresh_seed()
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        dim: Dim = rng.choice((T, S, plus(V, A), times(V, 3)))
        for _ in range(rng.randint(0, 3)):
            dim = moved(dim, rng.randint(-4, 4), rng.randint(1, 3))
        assert parse_dim(str(dim)) == dim


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (moved(T, -2), "T-2"),
        (moved(T, 2), "T+2"),
        (moved(moved(T, 2), -2), "T"),
        (moved(moved(T, -2), 2), "max(T, 3)"),
        (moved(T, -1, 2), "(T-1)//2"),
        (moved(T, 0, 2), "T//2"),
        (plus(V, A), "V+V.source"),
        (plus(V, 5), "V+5"),
        (times(plus(V, 1), 3), "3*V+3"),
        (times(5, 3), "15"),
    ],
)
def test_dimension_prints_as_the_page_writes_it(dim: Dim, text: str):
    assert str(dim) == text


@pytest.mark.parametrize(
    "make", [lambda: plus(moved(T, -2), 3), lambda: times(moved(T, -2), 2), lambda: plus(moved(T, 0, 2), T)]
)
def test_sum_with_a_bound_of_its_own_is_refused(make):
    with pytest.raises(TypeRuleError, match="is no dimension"):
        make()


def test_sum_and_product_have_the_value_of_their_parts():
    for v in range(1, 9):
        for a in range(1, 9):
            sizes = {"V": v, "V.source": a}
            assert value_of(plus(plus(V, 4), A), sizes) == v + 4 + a
            assert value_of(times(plus(V, A), 3), sizes) == 3 * (v + a)


def test_unbound_symbol_stays():
    assert bind(T, {"B": 3}) == T
    assert bind(moved(T, -2), {"T": 2}) == 1
    with pytest.raises(KeyError):
        value_of(T, {})


@pytest.mark.parametrize(
    ("dim", "ragged"), [(T, True), (S, True), (BATCH, False), (V, False), (3, False), (symbol("Type"), False)]
)
def test_only_a_sequences_dimension_is_ragged(dim: Dim, ragged: bool):
    assert is_ragged(dim) is ragged


@pytest.mark.parametrize(
    ("shapes", "result"),
    [
        (((BATCH, T, 5), (5,)), (BATCH, T, 5)),
        (((BATCH, 1, 5), (BATCH, T, 1)), (BATCH, T, 5)),
        (((), (3,)), (3,)),
        (((1,), (1, 1)), (1, 1)),
    ],
)
def test_broadcast_follows_numpy(shapes: tuple[tuple[Dim, ...], ...], result: tuple[Dim, ...]):
    assert broadcast(*shapes) == result


def test_shapes_that_do_not_meet_are_refused():
    with pytest.raises(TypeRuleError, match=r"shapes \[B, 2\] and \[B, 3\] do not meet"):
        broadcast((BATCH, 2), (BATCH, 3))
    with pytest.raises(TypeRuleError):
        broadcast((BATCH, T), (BATCH, moved(T, -1)))


@pytest.mark.parametrize(
    "text",
    [
        "f32[]",
        "f32[B, T, 5]{zero}",
        "i64[B, max(T, 3)]{lowest}",
        "f64[V, 5]{rows [B, (T-1)//2]}",
        "bool[B, T]{any}",
        "f32[V.source+V]",
    ],
)
def test_type_prints_as_it_parses(text: str):
    assert str(parse_type(text)) == text


def test_size_does_not_wrap():
    big = Type("f64", (Extent((("V", 1),)), 2**40))
    assert size_bytes(big, {"V": 2**40}) == 2**83
    assert elements(Type("f32", (2**40, 3), rows=(BATCH, T)), {"B": 2, "T": 5}) == 30
