"""What a reader is asked for, and what it gives: the rows of one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Files
from compiler.sorts import Port
from dsl.source import Span
from runtime.data import real
from runtime.data.files import DataFile
from runtime.data.problems import Problems

Place: TypeAlias = Callable[[str, int, int | None], Span]
"""From a port, a row and (in a list, or of several numbers) a position to where that stands."""


@dataclass(frozen=True)
class Request:
    """ports: those that the file is to have

    outputs_optional: a file to predict; the outputs may be absent, and where they are there nothing reads them

    skip_missing: a number may be missing, and is NaN; otherwise that is an error
    """

    ports: tuple[Port, ...]
    entry: Files
    problems: Problems
    outputs_optional: bool = False
    skip_missing: bool = False

    def reads(self, port: Port) -> bool:
        """Whether the port's values are wanted: a file to predict may have empty labels, or a question mark."""
        return not (self.outputs_optional and port.output)

    @property
    def missing_help(self) -> str:
        """What to do about a missing number. Rows to predict are never left out: the others would shift."""
        skip = "; `missing skip` in `data` leaves such rows out, and says how many"
        return real.FILL_IN + ("" if self.outputs_optional else skip)


@dataclass(frozen=True)
class Columns:
    """The rows of each port, in one of the dictionaries.

    texts: of words, chars, labels and categories
    numbers: f64[rows, width]
    lists: of what has a value for each position, and of texts that come as tokens: they are not split again
    pictures: u8[rows, h, w, c], or f32 from 0 to 1
    maps: whole numbers [rows, h, w], of what has a label for each pixel
    """

    texts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    numbers: dict[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])
    lists: dict[str, list[list[str]]] = field(default_factory=dict[str, list[list[str]]])
    pictures: dict[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    maps: dict[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])

    def ports(self) -> set[str]:
        return {*self.texts, *self.numbers, *self.lists, *self.pictures, *self.maps}

    def kinds(self) -> dict[str, str]:
        """For each port, how its rows come."""
        held = {
            "strings": self.texts,
            "numbers": self.numbers,
            "lists": self.lists,
            "pictures": self.pictures,
            "labels of pixels": self.maps,
        }
        return {name: kind for kind, columns in held.items() for name in columns}

    def take(self, rows: list[int]) -> Columns:
        """These rows, in this order."""
        return Columns(
            {name: [column[i] for i in rows] for name, column in self.texts.items()},
            {name: column[rows] for name, column in self.numbers.items()},
            {name: [column[i] for i in rows] for name, column in self.lists.items()},
            {name: column[rows] for name, column in self.pictures.items()},
            {name: column[rows] for name, column in self.maps.items()},
        )

    @staticmethod
    def joined(several: Iterable[Columns], names: set[str]) -> Columns:
        """One after the other, of these ports; each of them is in all, and in the same form."""
        first, *others = several
        if not others and first.ports() == names:
            return first
        every = (first, *others)
        return Columns(
            {n: [text for c in every for text in c.texts[n]] for n in first.texts if n in names},
            {n: np.concatenate([c.numbers[n] for c in every]) for n in first.numbers if n in names},
            {n: [row for c in every for row in c.lists[n]] for n in first.lists if n in names},
            {n: _pictures([c.pictures[n] for c in every]) for n in first.pictures if n in names},
            {n: np.concatenate([c.maps[n] for c in every]) for n in first.maps if n in names},
        )


def _pictures(several: list[NDArray[Any]]) -> NDArray[Any]:
    """One after the other. Bytes beside numbers from 0 to 1 become such numbers."""
    if len({pictures.dtype for pictures in several}) > 1:
        several = [p.astype(np.float32) / np.float32(255) if p.dtype == np.uint8 else p for p in several]
    return np.concatenate(several)


Size: TypeAlias = tuple[int, int]
"""Of a picture, as it is held: its width and its height."""


@dataclass(frozen=True)
class Part:
    """The rows that a file gave.

    place: where they stand in it
    stems: of a folder the names of its files without their endings; sizes: how wide and high they are
    missing: rows in which a number is missing, where that is no error, and which port's number at which position
    """

    count: int
    columns: Columns
    place: Place
    files: tuple[DataFile, ...]
    missing: Mapping[int, tuple[str, int]] = field(default_factory=dict[int, tuple[str, int]])
    stems: tuple[str, ...] | None = None
    sizes: tuple[Size, ...] = ()
