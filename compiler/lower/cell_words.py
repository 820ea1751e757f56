"""What stands behind a cell where it is used: its own settings, and those that every cell has."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.layers.word import FROZEN, INIT, SCALE, TIED
from compiler.signature import Resolved, Setting, Signature
from dsl import ast

SIZE = Setting("size", "count", "how wide its states are, unless they say so themselves", required=True, low=1)
OF_EVERY_CELL = (
    Setting("bidir", "flag", "in both directions, each with weights of its own, side by side"),
    Setting("reverse", "flag", "from the last position to the first"),
    Setting("layers", "count", "so many, one on top of the other", default=1, low=1, high=100),
    Setting("dropout", "number", "between the layers the share that is dropped", low=0, high=1, below=True),
    Setting("stateful", "flag", "goes on where the window before it ended: the text is one stream"),
    Setting("variational", "flag", "dropout= is the same at all steps, and on states where they meet weights too"),
    INIT,
    SCALE,
    FROZEN,
    TIED,
)
EVERY_CELL = Signature(
    "every cell", "the states after each position, the first one's", (SIZE, *OF_EVERY_CELL), ("size",)
)
STATES = (
    "NAME(h=start): the state h before the first position, zeros if left out; with several layers and directions"
    " that of each, or one for each, side by side",
    "as NAME: a label; NAME.h is the last value of the state h, of all layers and directions side by side,"
    " forward before backward",
)


def of_every_cell(cell: ast.Cell, settings: Mapping[str, Resolved]) -> dict[str, Resolved]:
    """What every cell has, as given at a use; a setting of the cell's own hides the one of its name."""
    own = {f.name.id for f in cell.formals}
    every = {s.name: s.default if s.name in own else settings.get(s.name) for s in OF_EVERY_CELL}
    return {**every, SIZE.name: settings[SIZE.name]}


def deciding(cell: ast.Cell, settings: Mapping[str, Resolved]) -> dict[str, Resolved]:
    """The settings that decide which weights there are, and how large."""
    own = {f.name.id: settings[f.name.id] for f in cell.formals}
    every = of_every_cell(cell, settings)
    return {SIZE.name: every[SIZE.name], "layers": every["layers"], "bidir": every["bidir"] is True, **own}


def signature_of(cell: ast.Cell) -> Signature:
    """The cell's own settings behind its size: without a default by position or name, with one by name only."""
    own = [
        Setting(f.name.id, "constant", "a setting of the cell", required=f.default is None)
        for f in cell.formals
        if f.name.id != SIZE.name
    ]
    positional = (SIZE.name, *(s.name for s in own if s.required))
    taken = {s.name for s in own}
    rest = tuple(s for s in OF_EVERY_CELL if s.name not in taken)
    return Signature(cell.name.id, "a cell", (SIZE, *own, *rest), positional)
