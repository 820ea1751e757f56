"""Arrays of a binary file, idx or npz, to the column of an input or output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Category, Class, Image, Pixels, Port, Real, Sort
from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span
from runtime.data.part import Columns
from runtime.data.real import LARGEST

BYTES_A_BYTE = 3
"""Memory that a byte of an array costs at most until it is encoded: as it is read, and converted."""


@dataclass(frozen=True)
class Found:
    """An array of a file. entry: where the spec names the file, for errors that concern the whole of it."""

    file: str
    values: NDArray[Any]
    entry: Span

    def row(self, row: int) -> Span:
        """A row as if it were a line: what stands there is its number, and its value where it is a single one."""
        text = f"row {row + 1}"
        if self.values.ndim == 1 and row < len(self.values):
            text = show(str(self.values[row]))
        return Span(self.file, row + 1, 1, row + 1, len(text) + 1, text)


def shape_of(sort: Sort) -> tuple[int, ...] | None:
    """The shape that a row of the sort has in an array; None for sorts that are not read from arrays."""
    match sort:
        case Image(height=height, width=width, channels=channels):
            return (height, width, channels)
        case Pixels(height=height, width=width):
            return (height, width)
        case Real(width=width):
            return (width,)
        case Class() | Category():
            return ()
        case _:
            return None


def check_shape(port: Port, shape: tuple[int, ...], file: str, entry: Span) -> int:
    """The number of rows of an array of this shape.

    Raises DataError: NN743 for a sort that is not read from arrays, NN741 for another shape, NN707 for no rows.
    """
    wanted = shape_of(port.sort)
    if wanted is None or port.per is not None:
        message = f"`{port.name}` is text, which arrays of numbers do not hold"
        raise DataError(Diagnostic("NN743", message, entry, help="name a file of text, TSV or JSONL for it"))
    # What has but one channel, or one number, need not have an axis for it.
    forms = {wanted, wanted[:-1]} if wanted and wanted[-1] == 1 else {wanted}
    if not shape or shape[1:] not in forms:
        raise DataError(
            Diagnostic(
                "NN741",
                f"{show(file)} holds {_sizes(shape)}, but `{port.name}` wants rows of {_sizes(wanted)}",
                entry,
                help=_shape_help(port, shape),
            )
        )
    if shape[0] == 0:
        raise DataError(Diagnostic("NN707", f"{show(file)} has no rows", entry, help="name a file that has some"))
    return shape[0]


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape) if shape else "one number"


def _shape_help(port: Port, shape: tuple[int, ...]) -> str:
    if isinstance(port.sort, Image) and len(shape) in (3, 4):
        sizes = ",".join(str(size) for size in shape[1:])
        if shape[1:] == (port.sort.channels, port.sort.height, port.sort.width):
            return "the channels stand last here: save array.transpose(0, 2, 3, 1)"
        if all(0 < size <= 10_000 for size in shape[1:]):
            return f"if these are the pictures, write image[{sizes}]"
    return "the first size is the number of rows, the others are those of the sort"


def add_column(
    port: Port, found: Found, columns: Columns, missing: dict[int, tuple[str, int]] | None, missing_help: str
) -> None:
    """Put the array, whose shape has been checked, where its port's sort has it.

    missing: takes rows in which a number is NaN, where those are left out

    Raises DataError: NN741 for numbers of a kind that the sort does not take, or outside its bounds; NN716 for NaN.
    """
    values = found.values
    rows = len(values)
    match port.sort:
        case Image(height=height, width=width, channels=channels):
            columns.pictures[port.name] = _pictures(port, found).reshape(rows, height, width, channels)
        case Pixels():
            if values.dtype.kind not in "iub":
                raise DataError(_of_wrong_kind(port, found, "labels are whole numbers there"))
            columns.maps[port.name] = values.astype(np.uint8) if values.dtype.kind == "b" else values
        case Real(width=width):
            columns.numbers[port.name] = _numbers(port, found, missing, missing_help).reshape(rows, width)
        case _:
            if values.dtype.kind not in "iub":
                raise DataError(_of_wrong_kind(port, found, "labels are whole numbers there"))
            names = {value: str(value).lower() for value in np.unique(values).tolist()}
            columns.texts[port.name] = [names[value] for value in values.tolist()]


def _pictures(port: Port, found: Found) -> NDArray[Any]:
    """Bytes as they are; whole numbers as bytes; others as float32."""
    values = found.values
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iuf":
        raise DataError(_of_wrong_kind(port, found, "pictures are bytes, or numbers from 0 to 1"))
    high = 1 if values.dtype.kind == "f" else 255
    # Written so that NaN is outside too.
    outside = ~((values >= 0) & (values <= high))
    if outside.any():
        row = int(np.flatnonzero(outside.reshape(len(values), -1).any(axis=1))[0])
        value = values[row][outside[row]][0]
        raise DataError(
            Diagnostic(
                "NN741",
                f"`{port.name}`: the picture holds {value}, but numbers here go from 0 to {high}",
                found.row(row),
                help="pictures are bytes from 0 to 255, or numbers from 0 to 1",
            )
        )
    return values.astype(np.float32 if high == 1 else np.uint8)


def _numbers(
    port: Port, found: Found, missing: dict[int, tuple[str, int]] | None, missing_help: str
) -> NDArray[np.float64]:
    if found.values.dtype.kind not in "iufb":
        raise DataError(_of_wrong_kind(port, found, "a number is whole or a float"))
    # A long double may become infinite, and is then refused with its row.
    with np.errstate(over="ignore"):
        values = found.values.astype(np.float64).reshape(len(found.values), -1)
    nan = np.isnan(values)
    if missing is not None:
        for row in np.flatnonzero(nan.any(axis=1)).tolist():
            missing[row] = (port.name, int(np.flatnonzero(nan[row])[0]))
    elif nan.any():
        row = int(np.flatnonzero(nan.any(axis=1))[0])
        message = f"{port.name}: the number is missing (NaN)"
        raise DataError(Diagnostic("NN716", message, found.row(row), help=missing_help))
    large = np.flatnonzero((np.abs(values) > LARGEST).any(axis=1))
    if len(large):
        message = f"{port.name}: a number of the row is too large: they go up to {LARGEST:.1e}"
        raise DataError(Diagnostic("NN715", message, found.row(int(large[0])), help="scale the column"))
    return values


def _of_wrong_kind(port: Port, found: Found, help: str) -> Diagnostic:
    message = f"{show(found.file)} holds {found.values.dtype.name} numbers, which `{port.name}` cannot be"
    return Diagnostic("NN741", message, found.entry, help=help)
