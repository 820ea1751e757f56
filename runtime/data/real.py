"""Columns of numbers: `real`, `real[n]`, and their scaling."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from dsl.errors import Diagnostic
from dsl.render import show
from dsl.source import Span
from runtime.data.problems import Problems

# Of Python's float this leaves out `1_000`, `inf`, `nan`, full-width digits and newlines around.
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
CHARACTERS = frozenset("0123456789+-.eE ")
"""Of a text of nothing else Python's float takes what NUMBER does, spaces around it aside."""
MISSING = frozenset({"", "na", "nan"})
LARGEST = float(np.finfo(np.float32).max)
FILL_IN = "fill it in"


def number(text: str) -> float | None:
    """What decimal text says, spaces around it allowed; None where it is none, or too large for float32."""
    stripped = text.strip(" ")
    if NUMBER.fullmatch(stripped) is None:
        return None
    value = float(stripped)
    return value if abs(value) <= LARGEST else None


def numbers(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """What `number` says of each; None where a text may be none. No Python runs for a text: the way of most columns."""
    if not CHARACTERS.issuperset("".join(texts)):
        return None
    try:
        found = np.fromiter(map(float, texts), np.float64, len(texts))
    except ValueError:
        return None
    return found if np.abs(found).max(initial=0.0) <= LARGEST else None


def read(
    columns: Sequence[Sequence[str]],
    place: Callable[[int, int], Span],
    title: Callable[[int], str],
    problems: Problems,
    missing: dict[int, int] | None = None,
    missing_help: str = FILL_IN,
) -> NDArray[np.float64]:
    """The numbers of these columns, f64[rows, columns]; one that is missing or wrong is an error.

    place: from row and column to the span; title: from the column to what it is called
    missing: takes the rows in which a number is missing, with the first such column, where that is no error; the
        number is NaN there
    """
    values = np.zeros((len(columns[0]) if columns else 0, len(columns)))
    for k, texts in enumerate(columns):
        found = numbers(texts)
        if found is None:
            column = [number(text) for text in texts]
            for i, value in enumerate(column):
                if value is None:
                    column[i] = nan
                    if missing is not None and texts[i].strip(" ").lower() in MISSING:
                        missing.setdefault(i, k)
                    else:
                        problems.add(wrong(texts[i], title(k), place(i, k), missing_help))
            values[:, k] = column
        else:
            values[:, k] = found
    return values


def wrong(text: str, title: str, span: Span, missing_help: str) -> Diagnostic:
    """Why the text is no number."""
    stripped = text.strip(" ")
    if stripped.lower() in MISSING:
        shown = "empty" if not stripped else f'"{show(stripped)}"'
        return Diagnostic(
            "NN716",
            f"{title}: the number is missing ({shown})",
            span,
            help=missing_help,
        )
    if NUMBER.fullmatch(stripped) is not None:
        message = f"{title}: {show(text)} is too large: numbers go up to {LARGEST:.1e}"
        return Diagnostic("NN715", message, span, help="scale the column, or correct the number")
    comma = re.fullmatch(r"[+-]?[0-9]+,[0-9]+", stripped) is not None
    helps = "a decimal comma is written as a point: 3.5" if comma else "numbers are written like 3, -0.5, .5 or 1e-3"
    return Diagnostic("NN715", f'{title}: "{show(text)}" is not a number', span, help=helps)


@dataclass(frozen=True)
class Scaling:
    """How `(standard)` scales each column: (x - mean) / deviation."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return (values - np.array(self.mean)) / np.array(self.deviation)

    def back(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the network's scale to the data's own."""
        return values * np.array(self.deviation) + np.array(self.mean)

    def times(self, count: int) -> Scaling:
        """Of as many rows side by side."""
        return Scaling(self.mean * count, self.deviation * count)


def fit(values: NDArray[np.float64]) -> Scaling:
    """Mean and deviation (divided by N) of each column; a constant column keeps deviation 1."""
    mean = values.mean(axis=0)
    deviation = values.std(axis=0)
    # Of equal numbers the computed deviation need not be 0: the mean is rounded.
    constant = (values.max(axis=0) == values.min(axis=0)) | (deviation == 0)
    return Scaling(tuple(map(float, mean)), tuple(map(float, np.where(constant, 1.0, deviation))))
