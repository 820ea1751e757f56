"""Columns of labels: `class`, `class per words`."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Port, Tokens
from dsl.errors import DataError, Diagnostic, Note
from dsl.render import show
from dsl.source import Span
from runtime.data import tokens
from runtime.data.problems import Problems
from runtime.data.real import NUMBER
from runtime.data.tokens import Sequences, Tokenised

UNKNOWN = -1
"""The id of a label that the training rows lack: always counted as wrong."""
NONE = -2
"""What stands where a position has no label: a mark, an empty text. Nothing counts it."""


def check(labels: Sequence[str], place: Callable[[int], Span], title: str, problems: Problems) -> None:
    """An error for each label that is missing."""
    empty = {label for label in set(labels) if not label or label.isspace()}
    if empty:
        for i, label in enumerate(labels):
            if label in empty:
                message = f"{title}: the label is missing"
                problems.add(Diagnostic("NN723", message, place(i), help="write the label, or delete the row"))


def fit(port: Port, labels: Iterable[str], part: str = "training rows") -> tuple[str, ...]:
    """The label set, sorted; numbers as numbers.

    Raises DataError NN717 when there is but one.
    """
    found = in_order(set(labels))
    if len(found) < 2:
        only = f'only "{show(found[0])}"' if found else "none"
        raise DataError(
            Diagnostic(
                "NN717",
                f"`{port.name}` needs two labels at least, but the {part} have {only}",
                port.span,
                help="check which column holds the labels; a file sorted by label should not be split with `last`",
            )
        )
    return found


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Sorted by text; where all are numbers, by their value."""
    several = sorted(labels)
    if all(NUMBER.fullmatch(label) for label in several):
        several.sort(key=float)
    return tuple(several)


def encode(labels: list[str], known: tuple[str, ...]) -> NDArray[np.int64]:
    """Each label's place among those known, UNKNOWN where it is not."""
    places = {label: i for i, label in enumerate(known)}
    return np.fromiter(map(places.get, labels, repeat(UNKNOWN)), np.int64, len(labels))


def encode_each(like: Tokens, labels: Tokenised, known: tuple[str, ...]) -> Sequences:
    """The labels of positions, which lie as the tokens of their text do. like: that text's sort"""
    return tokens.laid_out(like, labels, encode(labels.names, known).astype(np.int32), (NONE, NONE, NONE))


def warn_of_twins(port: Port, labels: list[str], place: Callable[[int], Span], problems: Problems) -> None:
    """Warn of labels that differ by case, white space or NFC alone."""
    groups: dict[str, list[str]] = {}
    for label in in_order(set(labels)):
        groups.setdefault(_folded(label), []).append(label)
    for group in groups.values():
        if len(group) > 1:
            first, *others = sorted(group, key=labels.index)
            names = " and ".join(f'"{show(label)}"' for label in (first, *others))
            problems.warn(
                Diagnostic(
                    "NN718",
                    f"`{port.name}`: the labels {names} differ by case, white space or Unicode form alone",
                    place(labels.index(others[0])),
                    notes=(Note(place(labels.index(first)), f'"{show(first)}" is here for the first time'),),
                    help="they count as different labels; if they are one, write them the same way",
                    severity="warning",
                )
            )


def warn_of_unknown(
    port: Port, labels: list[str], ids: NDArray[np.int64], place: Callable[[int], Span], part: str, problems: Problems
) -> None:
    """Warn once of labels that the training rows lack, with the first place."""
    unknown = np.flatnonzero(ids == UNKNOWN)
    if not len(unknown):
        return
    names = list(dict.fromkeys(labels[i] for i in unknown))
    listed = ", ".join(f'"{show(name)}"' for name in names[:5]) + (", ..." if len(names) > 5 else "")
    have = "have" if len(unknown) > 1 else "has"
    problems.warn(
        Diagnostic(
            "NN719",
            f"`{port.name}`: {len(unknown):,} of the {part} rows {have} a label that no training row has: {listed}",
            place(int(unknown[0])),
            "the first one",
            help="these rows count as wrong",
            severity="warning",
        )
    )


def _folded(label: str) -> str:
    return "".join(unicodedata.normalize("NFC", label).casefold().split())
