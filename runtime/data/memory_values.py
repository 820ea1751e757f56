"""One column of rows in memory: what Python and NumPy hold, as the texts, numbers and pictures that files give."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, nan
from os import PathLike
from typing import Any, TypeGuard, cast

import numpy as np

from compiler.sorts import Category, Class, Image, Pixels, Port, Real, Spans, Tokens
from dsl.errors import Diagnostic
from dsl.render import show
from runtime.data import pictures, real
from runtime.data.part import Columns
from runtime.data.problems import Problems

LONGEST = 60
"""Characters of a value that an error shows."""


def sequence(column: Any) -> Sequence[Any]:
    """A column that can be counted and indexed: a list and an array as they are, a generator as a list."""
    if isinstance(column, np.ndarray | list | tuple):
        return cast("Sequence[Any]", column)
    if hasattr(column, "to_numpy"):
        return cast("Sequence[Any]", column.to_numpy())
    return list(column)


def read(port: Port, column: Sequence[Any], into: Columns, problems: Problems, *, keep_missing: bool = False) -> None:
    """Put the column where it belongs; a value that does not fit the port is an error with row and name.

    keep_missing: a number that is missing is NaN, and no error
    """
    if isinstance(column, np.ma.MaskedArray):
        column = _unmasked(column)
    match port.sort:
        case Real(width=width):
            into.numbers[port.name] = _numbers(port, column, width, problems, keep_missing)
        case Image():
            found = _pictures(port, port.sort, column, problems)
            if found is not None:
                into.pictures[port.name] = found
        case Pixels():
            found = _map(port, port.sort, column, problems)
            if found is not None:
                into.maps[port.name] = found
        case Tokens() | Class() | Category() | Spans():
            if port.per is not None or (isinstance(port.sort, Tokens) and _is_list(column[0])):
                into.lists[port.name] = _lists(port, column, problems)
            else:
                into.texts[port.name] = [_scalar(port, value, i, problems) for i, value in enumerate(column)]


def _unmasked(column: Any) -> Sequence[Any]:
    """What is masked is missing; the numbers that stand below the mask mean nothing."""
    mask = np.ma.getmaskarray(column)
    if not mask.any():
        return column.data
    values = column.data.astype(object)
    values[mask] = None
    return values


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, list | tuple | np.ndarray)


def _lists(port: Port, column: Sequence[Any], problems: Problems) -> list[list[str]]:
    found: list[list[str]] = []
    for i, value in enumerate(column):
        if _is_list(value):
            found.append([_scalar(port, each, i, problems, k) for k, each in enumerate(value)])
        else:
            problems.add(_wrong(port, value, i, "a list is wanted"))
            found.append([])
    return found


def _scalar(port: Port, value: Any, row: int, problems: Problems, position: int | None = None) -> str:
    """A text as it stands; a label or a category as it would be written."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str) and not _is_sound(value):
        problems.add(_wrong(port, value, row, "whole characters are wanted, no half of a pair", position))
        return ""
    if isinstance(port.sort, Tokens):
        if isinstance(value, str):
            return str(value)
        problems.add(_wrong(port, value, row, "a text is wanted", position))
        return ""
    if isinstance(value, str) and value and not value.isspace():
        return str(value)
    if value is None or isinstance(value, str) or (isinstance(value, float) and value != value):
        message = f"{_title(port, row, position)}: the label is missing"
        problems.add(Diagnostic("NN723", message, help="give the label, or leave the row out"))
        return ""
    if isinstance(value, bool):
        # As JSON has it, so that a model of a file in JSON lines knows it.
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    problems.add(_wrong(port, value, row, "a label is wanted, a text or a number", position))
    return ""


def _is_sound(text: str) -> bool:
    """Whether it can be written as UTF-8: else no model that knows it could be saved."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _numbers(
    port: Port, column: Sequence[Any], width: int, problems: Problems, keep_missing: bool
) -> np.ndarray[Any, Any]:
    """f64[rows, width]"""
    array = _array(column)
    if array is not None and array.dtype.kind in "iuf":
        flat = array.reshape(len(array), -1)
        if array.ndim <= 2 and flat.shape[1] == width:
            # A long double may become infinite, and is then refused with its row.
            with np.errstate(over="ignore"):
                values = flat.astype(np.float64)
            bad = ~(np.abs(values) <= real.LARGEST)
            if keep_missing:
                bad &= ~np.isnan(values)
            for row, k in np.argwhere(bad)[:100].tolist():
                problems.add(_bad_number(port, values[row, k].item(), row, k))
            return np.where(bad, 0.0, values)
        shape = "x".join(map(str, array.shape[1:])) or "1"
        message = f"{show(port.name)}: {_count(width)} a row are wanted, but each has {shape}"
        problems.add(Diagnostic("NN710", message, port.span, help=f"give an array of {len(array)} rows and {width}"))
        return np.zeros((len(array), width))
    values = np.zeros((len(column), width))
    for row, value in enumerate(column):
        several = list(value) if _is_list(value) else [value]
        if len(several) != width:
            message = f"{_title(port, row)}: {_count(width)} are wanted, but it has {len(several)}"
            problems.add(Diagnostic("NN710", message, port.span, help=f"give {width} in a list or an array"))
            continue
        for k, each in enumerate(several):
            is_missing = each is None or (isinstance(each, float) and each != each)
            values[row, k] = nan if keep_missing and is_missing else _number(port, each, row, k, problems)
    return values


def _array(column: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """The column as an array, where it is one of numbers."""
    if isinstance(column, np.ndarray):
        return cast("np.ndarray[Any, Any]", column) if column.ndim else None
    if column and all(isinstance(value, np.ndarray) for value in column):
        shapes = {cast("np.ndarray[Any, Any]", value).shape for value in column}
        return np.stack(cast("list[np.ndarray[Any, Any]]", list(column))) if len(shapes) == 1 else None
    return None


def _number(port: Port, value: Any, row: int, k: int, problems: Problems) -> float:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        found = real.number(value)
        if found is None:
            problems.add(_bad_number(port, value, row, k))
        return found or 0.0
    if value is None:
        problems.add(_bad_number(port, float("nan"), row, k))
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(_wrong(port, value, row, "a number is wanted"))
        return 0.0
    if not -real.LARGEST <= value <= real.LARGEST:
        problems.add(_bad_number(port, value, row, k))
        return 0.0
    return float(value)


def _bad_number(port: Port, value: float | str, row: int, k: int) -> Diagnostic:
    width = port.sort.width if isinstance(port.sort, Real) else 1
    title = _title(port, row) + (f", number {k + 1} of {width}" if width > 1 else "")
    if isinstance(value, str) and value.strip(" ").lower() not in real.MISSING:
        return Diagnostic("NN715", f'{title}: "{show(value[:LONGEST])}" is not a number', help="give a number")
    if isinstance(value, str) or value != value:
        return Diagnostic("NN716", f"{title}: the number is missing", help="fill it in, or leave the row out")
    known = "infinite" if not isinstance(value, int) and not isfinite(value) else "too large"
    message = f"{title}: the number is {known}: numbers go up to {real.LARGEST:.1e}"
    return Diagnostic("NN715", message, help="scale the column, or correct the number")


def _pictures(port: Port, sort: Image, column: Sequence[Any], problems: Problems) -> np.ndarray[Any, Any] | None:
    """u8[rows, h, w, c], or f32 from 0 to 1; of paths the files' pictures."""
    if all(isinstance(value, str | PathLike) for value in column):
        return pictures.of_paths(port, sort, [str(value) for value in column], lambda _: None, problems)
    array = _array(column) if not _is_list(column[0]) or isinstance(column[0], np.ndarray) else _stacked(column)
    size = f"{sort.height}x{sort.width}" + (f"x{sort.channels}" if sort.channels > 1 else "")
    shapes = {(sort.height, sort.width, sort.channels)}
    if sort.channels == 1:
        shapes |= {(sort.height, sort.width), (sort.height * sort.width,)}
    if array is None or array.shape[1:] not in shapes:
        found = "other values" if array is None else "x".join(map(str, array.shape[1:])) or "single numbers"
        message = f"{show(port.name)}: pictures of {size} are wanted, not {found}"
        problems.add(Diagnostic("NN891", message, port.span, help=f"give an array of shape (rows, {size}), or paths"))
        return None
    shaped = array.reshape(len(array), sort.height, sort.width, sort.channels)
    if shaped.dtype == np.uint8:
        return shaped
    if shaped.dtype.kind in "iu" and shaped.min() >= 0 and shaped.max() <= 255:
        return shaped.astype(np.uint8)
    if shaped.dtype.kind == "f" and bool(((shaped >= 0) & (shaped <= 1)).all()):
        return shaped.astype(np.float32)
    message = f"{show(port.name)}: the pictures hold numbers that are neither bytes nor from 0 to 1"
    problems.add(Diagnostic("NN891", message, port.span, help="give uint8, or floats from 0 (black) to 1 (white)"))
    return None


def _stacked(column: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    try:
        array = np.array([np.asarray(value) for value in column])
    except ValueError:
        return None
    return array if array.dtype.kind in "iuf" else None


def _wrong(port: Port, value: object, row: int, wanted: str, position: int | None = None) -> Diagnostic:
    text = show(repr(value)[:LONGEST])
    message = f"{_title(port, row, position)}: {wanted}, not {type(value).__name__} ({text})"
    return Diagnostic("NN891", message, help="convert the column before it is given")


def _title(port: Port, row: int, position: int | None = None) -> str:
    where = "" if position is None else f", position {position + 1}"
    return f"row {row + 1}, {show(port.name)}{where}"


def _count(width: int) -> str:
    return "1 number" if width == 1 else f"{width} numbers"


def _map(port: Port, sort: Pixels, column: Sequence[Any], problems: Problems) -> np.ndarray[Any, Any] | None:
    """Whole numbers [rows, h, w]."""
    array = _array(column) if not _is_list(column[0]) or isinstance(column[0], np.ndarray) else _stacked(column)
    size = f"{sort.height}x{sort.width}"
    if array is not None and array.shape[1:] == (sort.height, sort.width) and array.dtype.kind in "iub":
        return array.astype(np.uint8) if array.dtype.kind == "b" else array
    found = "other values" if array is None else "x".join(map(str, array.shape[1:])) or "single numbers"
    if array is not None and array.dtype.kind not in "iub":
        found = f"numbers that are not whole ({array.dtype})"
    message = f"{show(port.name)}: a whole number for each of {size} pixels is wanted, not {found}"
    problems.add(Diagnostic("NN891", message, port.span, help=f"give an array of shape (rows, {size})"))
    return None
