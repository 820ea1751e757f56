"""Targets of `next(text)` and `previous(text)`: nothing is read for them, they are made from the text's ids.

Three layouts: each line a sequence of its own, from begin to end; one stream of all lines, cut into windows (`max=`);
one stream as it is (a `stateful` layer). In a stream an end stands before the first token, and behind each line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np

from compiler.sorts import Following, Port, Tokens
from compiler.views import base
from runtime.data.labels import NONE
from runtime.data.tokens import Sequences

Column = TypeVar("Column")


def texts(ports: Iterable[Port]) -> set[str]:
    """The texts that a `next(text)` or `previous(text)` is about."""
    return {p.per for p in ports if isinstance(p.sort, Following) and p.per is not None}


def stream_of(ports: Iterable[Port]) -> Port | None:
    """The text whose lines are one stream: a `stateful` layer goes along it, or `max=` cuts it into windows."""
    every = tuple(ports)
    followed = texts(every)
    found = [p for p in every if isinstance(p.sort, Tokens) and p.name in followed]
    return next((p for p in found if p.stream or (isinstance(p.sort, Tokens) and p.sort.max is not None)), None)


def as_read(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports, with how texts are cut into tokens and laid out: lines of a language model are never cut, and where
    each is a sequence of its own it has begin and end."""
    followed, marks = texts(ports), stream_of(ports) is None
    return tuple(
        replace(p, sort=replace(p.sort, max=None, marks=marks))
        if isinstance(p.sort, Tokens) and p.name in followed
        else p
        for p in ports
    )


def with_targets(ports: tuple[Port, ...], columns: Mapping[str, Column]) -> dict[str, Column | Sequences]:
    """The columns with those of `next` and `previous`.

    columns: each text from what stands before its first token to what stands behind its last one, and its views

    A position is left out where nothing is asked of it; where `next` is asked of it and `previous` is not, or the other
    way round, that target is NONE.
    """
    found: dict[str, Column | Sequences] = dict(columns)
    for text in sorted(texts(ports) & columns.keys()):
        about = [p for p in ports if isinstance(p.sort, Following) and p.per == text]
        backwards = {p.sort.backwards for p in about if isinstance(p.sort, Following)}
        ids = columns[text]
        assert isinstance(ids, Sequences)
        for port in about:
            assert isinstance(port.sort, Following)
            found[port.name] = _kept(_beside(ids, port.sort.backwards), backwards)
        for name, column in columns.items():
            if base(name) == text and isinstance(column, Sequences):
                found[name] = _kept(column, backwards)
    return found


def _beside(ids: Sequences, backwards: bool) -> Sequences:
    """Of each position the id behind it, or before it."""
    found = np.full_like(ids.ids, NONE)
    if backwards:
        found[1:] = ids.ids[:-1]
        found[ids.offsets[:-1]] = NONE
    else:
        found[:-1] = ids.ids[1:]
        found[ids.offsets[1:] - 1] = NONE
    return Sequences(found, ids.offsets)


def _kept(column: Sequences, backwards: set[bool]) -> Sequences:
    """Without the last position of each row where only what follows is asked, or the first one where what is before."""
    if len(backwards) == 2:
        return column
    keep = np.ones(len(column.ids), np.bool_)
    keep[column.offsets[:-1] if True in backwards else column.offsets[1:] - 1] = False
    return replace(column, ids=column.ids[keep], offsets=column.offsets - np.arange(len(column.offsets)))
