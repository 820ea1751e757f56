"""Time series: the rows of a file, in their order, to examples, each with its windows and what comes behind them.

An example is told from its first target's row: a series is the rows before that one, `next(...)` is that row and those
behind it, and every other column is read in that row. No window goes from one file into another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from compiler.settings.data import DataSettings, Missing
from compiler.sorts import Ahead, Port, Real, Series
from dsl.errors import DataError, Diagnostic
from dsl.source import Span
from runtime.data import real
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.real import Scaling
from runtime.data.splits import Indices, Split, split
from runtime.data.table import plural

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """raw: a row for each; first: its first target's row, among those that it was cut from"""

    raw: Raw
    first: Indices


def has_series(ports: Iterable[Port]) -> bool:
    return any(isinstance(port.sort, Series) for port in ports)


def of_series(ports: Iterable[Port]) -> list[tuple[Port, Series]]:
    return [(port, port.sort) for port in ports if isinstance(port.sort, Series)]


def told(ports: Iterable[Port]) -> list[tuple[Port, Ahead]]:
    """The outputs that are what comes of a series."""
    return [(port, port.sort) for port in ports if isinstance(port.sort, Ahead)]


def behind(ports: Iterable[Port]) -> int:
    """Rows that have to stand before the first target's."""
    return max(sort.steps for _, sort in of_series(ports))


def furthest(ports: Iterable[Port]) -> int:
    """Rows from the first target's to the last one's."""
    return max((sort.steps for _, sort in told(ports)), default=1)


# What is read


def carried_on(ports: tuple[Port, ...], raw: Raw, missing: Missing, *, future: bool = False) -> Raw:
    """With `missing last` each number that is missing as it is in the row before it, in the same file.

    future: what is forecast stays missing in the rows behind the last one that has it: these are still to come
    """
    if missing != "last":
        return raw
    bounds = [*(first for first, _ in raw.places), raw.count]
    numbers = dict(raw.columns.numbers)
    for name in numbers:
        filled = numbers[name].copy()
        known = np.flatnonzero(~np.isnan(filled).any(axis=1))
        last = int(known[-1]) + 1 if future and len(known) and name in {s.of for _, s in told(ports)} else raw.count
        for begin, end in pairwise(bounds):
            _carry(filled[begin : min(end, last)])
        numbers[name] = filled
    return replace(raw, columns=replace(raw.columns, numbers=numbers))


def _carry(values: Numbers) -> None:
    """In place; what is missing before the first number stays so."""
    for column in values.T:
        last = np.maximum.accumulate(np.where(np.isnan(column), 0, np.arange(len(column))))
        column[:] = column[last]


def fit(ports: tuple[Port, ...], raw: Raw, rows: Indices) -> dict[str, Scaling]:
    """The scalings of `(standard)` series by the training part's rows, and of what is told of them."""
    found: dict[str, Scaling] = {}
    for port, sort in of_series(ports):
        if sort.standard:
            columns = [column[~np.isnan(column)] for column in raw.columns.numbers[port.name][rows].T]
            each = [real.fit((known if len(known) else np.zeros(1)).reshape(-1, 1)) for known in columns]
            found[port.name] = Scaling(tuple(s.mean[0] for s in each), tuple(s.deviation[0] for s in each))
    for port, sort in told(ports):
        if sort.standard:
            found[port.name] = found[sort.of].times(sort.steps)
    return found


def scaled(ports: tuple[Port, ...], raw: Raw, scalings: Mapping[str, Scaling]) -> Raw:
    """With the numbers of each `(standard)` series in the network's scale."""
    numbers = dict(raw.columns.numbers)
    for port, sort in of_series(ports):
        if sort.standard:
            numbers[port.name] = scalings[port.name].apply(numbers[port.name])
    return replace(raw, columns=replace(raw.columns, numbers=numbers))


def of_fields(sort: Series, numbers: Numbers, scaling: Scaling | None) -> Numbers:
    """Windows whose numbers stand side by side in a row, oldest row first: [examples, steps columns]."""
    windows = numbers.reshape(len(numbers), sort.steps, sort.width)
    windows = windows if scaling is None else scaling.apply(windows)
    return windows[:, :, 0] if sort.columns is None else windows


# Windows


def examples(ports: tuple[Port, ...], raw: Raw, known: Raw, name: str, problems: Problems) -> Examples:
    """All examples of the rows; those that touch a missing number are left out, and counted in a warning.

    raw: with no more missing numbers than known, which has them as they were read: no target is one of those
    name: of the part

    Raises DataError NN896 where there is none.
    """
    back, reach = behind(ports), furthest(ports)
    bounds = [*(first for first, _ in raw.places), raw.count]
    every = [np.arange(a + back, b - reach + 1) for a, b in pairwise(bounds)]
    first = np.concatenate(every) if every else np.arange(0)
    if not len(first):
        rows = max((b - a for a, b in pairwise(bounds)), default=0)
        raise DataError(_too_short(ports, name, rows))
    whole = ~_touches(ports, raw, known, first)
    if not whole.all():
        _warn_of_missing(ports, known, name, int((~whole).sum()), len(first), problems)
        first = first[whole]
    if not len(first):
        message = f"each window of the {name} rows touches a missing number"
        help = "`missing last` goes on with the last number instead"
        raise DataError(Diagnostic("NN896", message, _longest(ports).span, help=help))
    return Examples(at(ports, raw, first), first)


def _touches(ports: tuple[Port, ...], raw: Raw, known: Raw, first: Indices) -> NDArray[np.bool_]:
    """Which examples look at a number that is missing, or are told one."""
    found = np.zeros(len(first), np.bool_)
    for port in ports:
        match port.sort:
            case Series(steps=steps):
                found |= _some(raw.columns.numbers[port.name], first - steps, steps)
            case Ahead(of=of, steps=steps):
                found |= _some(known.columns.numbers[of], first, steps)
            case Real() if port.name in raw.columns.numbers:
                numbers = known if port.output else raw
                found |= np.isnan(numbers.columns.numbers[port.name]).any(axis=1)[first]
            case _:
                pass
    return found


def _some(values: Numbers, begin: Indices, count: int) -> NDArray[np.bool_]:
    """Whether a number is missing in so many rows from each of these on."""
    upto = np.concatenate([[0], np.cumsum(np.isnan(values).any(axis=1))])
    return upto[begin + count] > upto[begin]


def at(ports: tuple[Port, ...], raw: Raw, first: Indices) -> Raw:
    """The examples with these first targets' rows; those rows themselves may lack where nothing is read in them."""
    rows = first.tolist()
    given = raw.columns
    alone = {port.name for port, _ in of_series(ports)}
    others = Columns(
        given.texts,
        {name: column for name, column in given.numbers.items() if name not in alone},
        given.lists,
        given.pictures,
    ).take(rows)
    numbers = dict(others.numbers)
    for port, sort in of_series(ports):
        windows = _windows(given.numbers[port.name], first - sort.steps, sort.steps)
        numbers[port.name] = windows[:, :, 0] if sort.columns is None else windows
    for port, sort in told(ports):
        if len(given.numbers[sort.of]) >= int(first[-1]) + sort.steps:
            numbers[port.name] = _windows(given.numbers[sort.of], first, sort.steps).reshape(len(first), sort.width)
    of = {port.name: sort.of for port, sort in told(ports)}

    def place(port: str, row: int, position: int | None) -> Span:
        return raw.span(of.get(port, port), rows[row], position)

    return Raw(len(first), replace(others, numbers=numbers), ((0, place),))


def _windows(values: Numbers, begin: Indices, count: int) -> Numbers:
    """[examples, count, columns], views where the rows that they begin at are neighbours"""
    every = sliding_window_view(values, count, axis=0).transpose(0, 2, 1)
    together = bool((np.diff(begin) == 1).all())
    return every[int(begin[0]) : int(begin[-1]) + 1] if together else every[begin]


# Splits


def divided(raw: Raw, settings: DataSettings) -> Split:
    """Which rows of the `train` entry are whose. Raises DataError NN720 where a part takes them all."""
    return split(raw.count, settings, None)


def inside(found: Examples, rows: Indices, ahead: int) -> Indices:
    """The examples all of whose targets are in these rows, which are neighbours; windows may reach back."""
    begin, end = int(rows[0]), int(rows[-1]) + 1
    return np.flatnonzero((found.first >= begin) & (found.first + ahead <= end))


def require(splits: Mapping[str, Indices], ports: tuple[Port, ...]) -> None:
    """Raises DataError NN896 for a part without an example."""
    for name, chosen in splits.items():
        if not len(chosen):
            back, ahead = behind(ports), furthest(ports)
            message = f"no example of the {name} rows is whole"
            help = f"an example is {plural(back, 'row')} to look at and {plural(ahead, 'row')} to tell"
            raise DataError(Diagnostic("NN896", message, _longest(ports).span, help=help))


# Errors


def _too_short(ports: tuple[Port, ...], name: str, rows: int) -> Diagnostic:
    back, ahead = behind(ports), furthest(ports)
    message = f"the {name} series has {plural(rows, 'row')}, too few for one example"
    help = f"an example is {plural(back, 'row')} to look at and {plural(ahead, 'row')} to tell; no window goes on "
    return Diagnostic("NN896", message, _longest(ports).span, help=f"{help}from one file into the next")


def _longest(ports: tuple[Port, ...]) -> Port:
    """The input or output that takes most rows: what to shorten where an example has too few."""
    return max([*of_series(ports), *told(ports)], key=lambda each: each[1].steps)[0]


def _warn_of_missing(
    ports: tuple[Port, ...], known: Raw, name: str, count: int, total: int, problems: Problems
) -> None:
    lacking = {p.name: np.isnan(known.columns.numbers[p.name]) for p in ports if p.name in known.columns.numbers}
    row, port = min((int(np.argmax(nan.any(axis=1))), port) for port, nan in lacking.items() if nan.any())
    place = known.span(port, row, int(np.argmax(lacking[port][row])))
    have = "touch" if count > 1 else "touches"
    message = f"{count:,} of the {total:,} {name} windows {have} a missing number and {'are' if count > 1 else 'is'}"
    problems.warn(
        Diagnostic(
            "NN736",
            f"{message} left out",
            place,
            "the first number that is missing",
            help="`missing` in `data` asks for this",
            severity="warning",
        )
    )
