"""Texts that `decode` writes: what it is fed and what it shall say, both made from the text's ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from compiler.sorts import Port, Tokens, fed_name, is_written
from runtime.data.tokens import Sequences

Column = TypeVar("Column")


def as_read(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports, each such text with begin and end put around it, which `max` does not count."""
    return tuple(_marked(p) if is_written(p) else p for p in ports)


def _marked(port: Port) -> Port:
    sort = port.sort
    assert isinstance(sort, Tokens)
    return replace(port, sort=replace(sort, marks=True, max=None if sort.max is None else sort.max + 2))


def with_fed(ports: tuple[Port, ...], columns: Mapping[str, Column]) -> dict[str, Column | Sequences]:
    """The columns, of each such text without its begin, and what it is fed beside it: the text without its end."""
    found: dict[str, Column | Sequences] = dict(columns)
    for port in ports:
        text = columns.get(port.name)
        if is_written(port) and isinstance(text, Sequences):
            found[fed_name(port)] = _without(text, text.offsets[1:] - 1)
            found[port.name] = _without(text, text.offsets[:-1])
    return found


def _without(text: Sequences, places: np.ndarray) -> Sequences:
    """places: one of each row"""
    return Sequences(np.delete(text.ids, places), text.offsets - np.arange(len(text.offsets)))
