"""Sorts, resolved: what an input or output of a model is, and what the sizes that come with it are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dsl.source import Span


@dataclass(frozen=True)
class Tokens:
    """`words(...)`, `chars(...)`: text as ids, 0 padding, 1 unknown, 2 begin, 3 end.

    unit: "words" or "chars"
    min: how often a token must be seen in the training rows to get an id of its own
    max: positions; what is past it is cut, counted and said
    keep: size of the vocabulary, the four ids of the program's own not counted
    marks: begin and end are put around
    vocabulary: the input or output whose vocabulary this one shares
    """

    unit: str
    lower: bool = False
    punctuation: bool = False
    min: int = 1
    max: int | None = None
    keep: int | None = None
    reverse: bool = False
    marks: bool = False
    vocabulary: str | None = None


@dataclass(frozen=True)
class Real:
    """`real`, `real[13]`: numbers, a column each. standard: mean 0 and deviation 1 by the training rows."""

    width: int = 1
    standard: bool = False


@dataclass(frozen=True)
class Class:
    """`class`: one of the labels that the training rows have."""


Sort: TypeAlias = Tokens | Real | Class


@dataclass(frozen=True)
class Port:
    """An input or output of a model. span: the name in the signature."""

    name: str
    sort: Sort
    output: bool
    span: Span


def owner(port: Port) -> str:
    """Whose vocabulary serves a port of tokens: its own, or that of the one that it shares with."""
    assert isinstance(port.sort, Tokens)
    return port.sort.vocabulary or port.name


def symbol_of(kind: str, name: str, several: bool) -> str:
    """`T`, or `T.source` where there are several."""
    return f"{kind}.{name}" if several else kind


def sequence_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """The positions of an input of tokens."""
    return symbol_of("T", port.name, sum(isinstance(p.sort, Tokens) and not p.output for p in ports) > 1)


def vocabulary_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """How many ids its vocabulary has."""
    return symbol_of("V", owner(port), len({owner(p) for p in ports if isinstance(p.sort, Tokens)}) > 1)


def classes_symbol_of(port: Port, ports: tuple[Port, ...]) -> str:
    """How many labels an output has."""
    return symbol_of("classes", port.name, sum(isinstance(p.sort, Class) for p in ports) > 1)
