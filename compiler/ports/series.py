"""`series[...]` as an input, and what is told of it: `next(y)`, `next[24](y)`."""

from __future__ import annotations

from compiler.signature import Evaluate, Report
from compiler.sorts import Ahead, Series
from dsl import ast
from dsl.errors import Diagnostic

MOST_STEPS = 100_000
MOST_COLUMNS = 100_000


def series(sort: ast.Sort, standard: bool, evaluate: Evaluate, report: Report) -> Series | None:
    """None after an error, which has been reported."""
    if len(sort.sizes) not in (1, 2):
        help = "series[12] is the last 12 values of a column, series[48,3] of three columns"
        report(Diagnostic("NN211", "series does not say how many rows it looks back", sort.span, help=help))
        return None
    steps = _count(sort.sizes[0], "rows", MOST_STEPS, evaluate, report)
    if len(sort.sizes) == 1:
        return None if steps is None else Series(steps, None, standard)
    columns = _count(sort.sizes[1], "columns", MOST_COLUMNS, evaluate, report)
    return None if steps is None or columns is None else Series(steps, columns, standard)


def ahead(sort: ast.Sort, name: str, of: Series, evaluate: Evaluate, report: Report) -> Ahead | None:
    """of: the series of that name that it is about; None after an error, which has been reported"""
    if sort.name.id == "previous":
        help = f"what comes is told: next({name})"
        report(Diagnostic("NN215", f"{name} is series, and its rows before are the input", sort.span, help=help))
        return None
    if len(sort.sizes) > 1:
        help = f"next[24]({name}) is the next 24 rows, of all its columns"
        report(Diagnostic("NN211", "next has one size", sort.sizes[1].span, help=help))
        return None
    steps = _count(sort.sizes[0], "rows", MOST_STEPS, evaluate, report) if sort.sizes else 1
    return None if steps is None else Ahead(name, steps, of.width, of.standard)


def _count(expression: ast.Expression, what: str, most: int, evaluate: Evaluate, report: Report) -> int | None:
    count = evaluate(expression)
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= most:
        return count
    if count is not None:
        message = f"a number of {what} is a whole number from 1 to {most:,}, not {count}"
        report(Diagnostic("NN211", message, expression.span, help="series[48,3] is 48 rows of 3 columns"))
    return None
