"""What comes after the last row of a time series, fed back for as long as is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Port, Real, Series
from dsl.errors import DataError, Diagnostic, RunError
from dsl.source import Span
from runtime.data import Rows, Tables, series, subwords
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.table import plural
from runtime.data.whole import Whole
from runtime.predict import Answer

Numbers = NDArray[np.float64]


def forecast(
    ports: tuple[Port, ...],
    tables: Tables,
    raw: Raw,
    steps: int | None,
    answer: Callable[[Rows], dict[str, Answer]],
) -> Iterator[dict[str, Answer]]:
    """A row at a time, each output's answer: of `next(...)` a number, or one for each column of its series.

    raw: rows as they stand, NaN where a number is missing. The last one with all that is forecast is where the past
        ends; rows behind it say what of the future is known
    steps: rows; None for as many as the model tells at once. Past these its forecasts are what it looks at
    answer: of one row

    Raises DataError NN896 for too few rows, NN716 for a number that is missing in them, NN897 for a value of the future
    that the network needs and the rows lack; RunError NN898 for outputs that tell different numbers of rows, which
    cannot be fed back.
    """
    told, reach = series.told(ports), series.furthest(ports)
    wanted = reach if steps is None else steps
    if wanted > reach and len({sort.steps for _, sort in told}) > 1:
        message = f"{', '.join(p.name for p, _ in told)} tell different numbers of rows: none can be fed back"
        raise RunError(Diagnostic("NN898", message, help=f"ask for {reach} at most: --max {reach}"))
    past = _Past.of(ports, raw)
    done = 0
    while done < wanted:
        found = answer(past.row(ports, tables, done + 1))
        values: dict[str, Numbers] = {}
        for port, sort in told:
            given = found[port.name].value
            flat = given if isinstance(given, tuple) else (given,)
            values[port.name] = np.array([float(v) for v in flat]).reshape(sort.steps, sort.columns)
        for k in range(min(reach, wanted - done)):
            line = {} if k else {name: each for name, each in found.items() if name not in values}
            line |= {name: _answer(rows[k]) for name, rows in values.items() if k < len(rows)}
            yield {port.name: line[port.name] for port in ports if port.name in line}
        done += reach
        past = past.longer({sort.of: values[port.name] for port, sort in reversed(told)})


def _answer(row: Numbers) -> Answer:
    numbers = tuple(row.tolist())
    return Answer(numbers[0] if len(numbers) == 1 else numbers)


@dataclass(frozen=True)
class _Past:
    """raw: the rows, the forecast series ending at `end`; first: where the forecast began; told: these series"""

    raw: Raw
    end: int
    first: int
    told: frozenset[str]

    @staticmethod
    def of(ports: tuple[Port, ...], raw: Raw) -> _Past:
        names = frozenset(sort.of for _, sort in series.told(ports))
        whole = ~np.any([np.isnan(raw.columns.numbers[name]).any(axis=1) for name in names], axis=0)
        end = int(np.flatnonzero(whole)[-1]) + 1 if whole.any() else 0
        numbers = {n: v[:end] if n in names else v for n, v in raw.columns.numbers.items()}
        raw = replace(raw, columns=replace(raw.columns, numbers=numbers))
        return _Past(raw, end, end, names)

    def longer(self, more: Mapping[str, Numbers]) -> _Past:
        """With a forecast as if it had come to pass. more: [steps, columns], of each forecast series"""
        numbers = dict(self.raw.columns.numbers)
        for name, values in more.items():
            numbers[name] = np.concatenate([numbers[name], values])
        end = max(len(numbers[name]) for name in self.told)
        return replace(self, raw=replace(self.raw, columns=replace(self.raw.columns, numbers=numbers)), end=end)

    def row(self, ports: tuple[Port, ...], tables: Tables, step: int) -> Rows:
        """The example behind the last row. step: which of the forecast it begins with, from 1"""
        inputs = tuple(port for port in ports if not port.output)
        for port in inputs:
            self._require(port, step)
        whole = Whole.of((series.at(inputs, series.scaled(inputs, self.raw, tables.scalings), np.array([self.end])),))
        problems = Problems()
        tokenised = subwords.cut(inputs, whole.tokenised(inputs, problems), tables.vocabularies)
        return whole.encoded(ports, tables, tokenised)

    def _require(self, port: Port, step: int) -> None:
        """Raises DataError where what this input looks at is not there."""
        numbers = self.raw.columns.numbers.get(port.name)
        if isinstance(port.sort, Series):
            assert numbers is not None
            begin = self.end - port.sort.steps
            if begin < 0:
                message = f"`{port.name}` looks at {plural(port.sort.steps, 'row')}, and the series has {self.end:,}"
                raise DataError(Diagnostic("NN896", message, port.span, help="give more of what came before"))
            window = numbers[begin : self.end]
            gaps = np.flatnonzero(np.isnan(window).any(axis=1)) + begin
            if len(gaps) and gaps[0] < self.first:
                message = f"`{port.name}`: a number is missing that the forecast looks at"
                help = "fill it in; `missing last` in the spec's data goes on with the last number"
                raise DataError(Diagnostic("NN716", message, self._place(port, int(gaps[0])), help=help))
            if len(gaps) or len(window) < port.sort.steps:
                raise DataError(self._lacks(port, step, "until the row before"))
        elif self.end >= self.raw.count or (
            isinstance(port.sort, Real) and numbers is not None and bool(np.isnan(numbers[self.end]).any())
        ):
            raise DataError(self._lacks(port, step, "in that row"))

    def _place(self, port: Port, row: int) -> Span:
        return self.raw.span(port.name, row)

    def _lacks(self, port: Port, step: int, where: str) -> Diagnostic:
        known = self.raw.count - self.first
        many = plural(known, "row") if known else "no row"
        message = f"row {step} of the forecast needs `{port.name}` {where}, and the file has {many} of the future"
        names = ", ".join(sorted(self.told))
        help = f"write a row for each to come, with {names} empty and the rest filled in; or forecast fewer: --max"
        return Diagnostic("NN897", message, self._place(port, min(self.end, self.raw.count) - 1), help=help)
