"""Weights of a layer used again: of cells, of linear and of param."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import Place, checked, errors, model, weights

END = "\nlast\ndense softmax"


def cells(first: str, second: str, more: str = "") -> str:
    return model(
        f"x = embed 5\na = x | {first} as r | last\nb = x{more} | {second} | last\nconcat(a, b)\ndense softmax"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("gru 4", "gru 4 tied=r"),
        ("gru 4", "gru 4 reverse tied=r"),
        ("lstm 4 layers=2 bidir", "lstm 4 layers=2 bidir dropout=0.2 tied=r"),
        ("lstm_projected 4 width=3", "lstm_projected 4 width=3 tied=r"),
        ("elman 4", "elman size=4 layers=1 tied=r"),
    ],
)
def test_tied_cell_has_the_weights_of_the_other(first: str, second: str):
    found = weights(cells(first, second))
    assert {n.partition(".")[0] for n in found} == {"embed", "r", "dense"}


def test_cell_may_be_tied_to_one_that_is_tied():
    body = "x = embed 5\na = x | gru 4 as r | last\nb = x | gru 4 tied=r as s | last\nc = x | gru 4 tied=s | last"
    found = weights(model(f"{body}\nconcat(a, b, c)\ndense softmax"))
    assert {n.partition(".")[0] for n in found} == {"embed", "r", "dense"}


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("gru 4", "gru 5 tied=r", [("NN506", 4, 15)]),
        ("gru 4", "lstm 4 tied=r", [("NN506", 4, 16)]),
        ("gru 4", "gru 4 bidir tied=r", [("NN506", 4, 21)]),
        ("gru 4", "gru 4 layers=2 tied=r", [("NN506", 4, 24)]),
        ("lstm_projected 4 width=3", "lstm_projected 4 width=2 tied=r", [("NN506", 4, 34)]),
        ("dense 4", "gru 4 tied=r", [("NN506", 4, 15)]),
        ("gru 4", "dense 4 tied=r", [("NN506", 4, 17)]),
        ("gru 4", "gru 4 tied=s", [("NN308", 4, 15)]),
        ("gru 4", "gru 4 tied=r frozen", [("NN406", 4, 15)]),
        ("gru 4", "gru 4 tied=r init=zeros", [("NN406", 4, 15)]),
    ],
)
def test_cell_that_would_have_other_weights_cannot_be_tied(first: str, second: str, wanted: list[Place]):
    assert errors(cells(first, second)) == wanted


def test_tied_cell_wants_values_of_the_same_width():
    assert errors(cells("gru 4", "gru 4 tied=r", " | dense 3")) == [("NN506", 4, 25)]


def test_tied_weights_are_frozen_by_the_label_that_made_them():
    spec = cells("gru 4", "gru 4 tied=r as s")
    assert errors(spec + "train { freeze s }\n") == [("NN506", 4, 15)]
    frozen = [p.name for p in checked(spec + "train { freeze r }\n").network.parameters if not p.trained]
    assert frozen
    assert all(n.startswith("r.") for n in frozen)


def test_rounds_of_cells_have_their_own_weights_or_the_same():
    own = weights(model(f"embed 4\nrepeat 2 {{ srn 4 }}{END}"))
    assert {"repeat.1.srn.h.bias", "repeat.2.srn.h.bias"} < set(own)
    same = weights(model(f"embed 4\nrepeat 3 shared {{ srn 4 bidir ; dense 4 }}{END}"))
    assert [n for n in same if n.endswith("h.bias")] == ["repeat.srn.forward.h.bias", "repeat.srn.backward.h.bias"]
    assert errors(model(f"embed 4\nrepeat 3 shared {{ srn 5 }}{END}")) == [("NN213", 3, 19)]


def test_shared_network_of_cells_has_one_set_of_weights():
    body = "shared s { embed 4 ; lstm 3 bidir ; last }\nconcat((a | s), (b | s))\ndense softmax"
    found = weights(model(body, "a: words, b: words"))
    assert all(n.startswith("s.") for n in found if "lstm" in n)
    assert len([n for n in found if "lstm" in n]) == 2 * 4 * 3


def test_linear_is_tied_value_by_value_whatever_the_values_are_called():
    body = "h' = tanh((linear(x, h) as l) + (linear(x, h * h) tied=l))"
    found = weights(f"cell mine(x) state h {{\n{body}\n}}\n" + model(f"embed 4\nmine 3{END}"))
    assert [n for n in found if n.startswith("mine")] == [f"mine.h.l.{n}" for n in ("weight_x", "weight_h", "bias")]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("a = linear(x, x) 4 as l\nb = x | linear 4 tied=l\na + b", [("NN506", 4, 9)]),
        ("a = linear(x) 4 as l\nb = x | dense 4 tied=l\na + b", [("NN506", 4, 9)]),
        ("a = linear(x) 4 as l\nb = x | linear 5 tied=l\na + (b | dense 4)", [("NN506", 4, 9)]),
    ],
)
def test_linear_that_does_not_fit_is_refused(body: str, wanted: list[Place]):
    assert errors(model(f"x = embed 5\n{body}\nmean\ndense softmax")) == wanted
