"""Sorts, resolved: what an input or output of a model is, and which columns of a row it takes."""

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
    """An input or output of a model.

    vocabulary: of Tokens, whose table serves: its own name, or the port it shares with
    span: the name in the signature
    """

    name: str
    sort: Sort
    output: bool
    span: Span
