"""The recurrent cells by hand: one row, one position after the other, with the operators of NumPy or PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Values = Mapping[str, Any]
Affine = Callable[..., Any]
"""Of a line of the cell: affine("i", x=x, h=h) is x W + h U + b."""


def _lstm(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    i, f, o = (s.sigmoid(a(gate, x=x, h=h)) for gate in "ifo")
    after = f * c + i * s.tanh(a("g", x=x, h=h))
    return o * s.tanh(after), after


def _lstm_1997(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    i, o = (s.sigmoid(a(gate, x=x, h=h)) for gate in "io")
    after = c + i * s.tanh(a("g", x=x, h=h))
    return o * s.tanh(after), after


def _peephole(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    i, f = (s.sigmoid(a(gate, x=x, h=h) + w[f"{gate}.diagonal.weight"] * (c * k["c"])) for gate in "if")
    after = f * c + i * s.tanh(a("g", x=x, h=h))
    return s.sigmoid(a("o", x=x, h=h) + w["o.diagonal.weight"] * after) * s.tanh(after), after


def _coupled(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    f, o = (s.sigmoid(a(gate, x=x, h=h)) for gate in "fo")
    after = f * c + (1 - f) * s.tanh(a("g", x=x, h=h))
    return o * s.tanh(after), after


def _gru(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any) -> tuple[Any]:
    z, r = (s.sigmoid(a(gate, x=x, h=h)) for gate in "zr")
    c = s.tanh(x @ w["c.weight_x"] + (r * h * k["h"]) @ w["c.weight_2"] + w["c.bias"])
    return (z * h + (1 - z) * c,)


def _gru_after(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any) -> tuple[Any]:
    z, r = (s.sigmoid(a(gate, x=x, h=h)) for gate in "zr")
    c = s.tanh(a("c", x=x) + r * a("c.2", h=h))
    return (z * h + (1 - z) * c,)


def _projected(a: Affine, w: Values, s: Any, k: Values, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    i, f, o = (s.sigmoid(a(gate, x=x, h=h)) for gate in "ifo")
    after = f * c + i * s.tanh(a("g", x=x, h=h))
    return (o * s.tanh(after)) @ w["h.weight_1"] + w["h.bias"], after


CELLS: dict[str, tuple[Callable[..., tuple[Any, ...]], int]] = {
    "elman": (lambda a, w, s, k, x, h: (s.tanh(w["U.weight"] @ (h * k["h"]) + w["W.weight"] @ x + w["b.weight"]),), 1),
    "srn": (lambda a, w, s, k, x, h: (s.tanh(a("h", x=x, h=h)),), 1),
    "leaky": (lambda a, w, s, k, x, h: (h + s.tanh(a("h", x=x)),), 1),
    "leaky_deep": (lambda a, w, s, k, x, h: (h + s.tanh(a("h", x=x, h=h)),), 1),
    "gru": (_gru, 1),
    "gru_after": (_gru_after, 1),
    "lstm": (_lstm, 2),
    "lstm_1997": (_lstm_1997, 2),
    "lstm_peephole": (_peephole, 2),
    "lstm_coupled": (_coupled, 2),
    "lstm_projected": (_projected, 2),
}
"""Each with how many states it has."""
MET = {"leaky": (), "lstm_peephole": ("h", "c")}
"""The states that meet weights, in the order of the equations, where these are not just h."""


def run(
    cell: str, weights: Values, s: Any, rows: Any, first: Any, reverse: bool = False, masks: Values | None = None
) -> list[tuple[Any, ...]]:
    """The states after each position of one row, in the order of the text. masks: by state, where it meets weights"""
    step, _ = CELLS[cell]
    masks = {"h": 1.0, "c": 1.0, **(masks or {})}

    def affine(line: str, **operands: Any) -> Any:
        total = weights[f"{line}.bias"]
        for name, value in operands.items():
            total = total + (value * masks.get(name, 1.0)) @ weights[f"{line}.weight_{name}"]
        return total

    states = tuple(first)
    found: list[tuple[Any, ...]] = []
    for t in range(len(rows))[::-1] if reverse else range(len(rows)):
        states = step(affine, weights, s, masks, rows[t], *states)
        found.append(states)
    return found[::-1] if reverse else found
