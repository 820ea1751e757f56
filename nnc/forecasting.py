"""Forecasts of a trained model: of a file, or of columns that a program holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from compiler.sorts import Ahead
from dsl.errors import Diagnostic, RunError
from runtime.data import Rows, series
from runtime.data.dataset import read_raw
from runtime.data.memory_rows import Given, read_memory
from runtime.data.other_files import other_files
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.evaluate import require_room, run_rows
from runtime.forecast import forecast
from runtime.predict import Answer, answers

if TYPE_CHECKING:
    from nnc.model import Model


def forecasts(model: Model) -> bool:
    """Whether it tells what comes of a series."""
    return any(isinstance(port.sort, Ahead) for port in model.ports)


def of_file(model: Model, file: Path, steps: int | None) -> Iterator[dict[str, Answer]]:
    """A row of the forecast at a time. steps: rows, None for as many as the model tells at once"""
    data = model.experiment.data
    entry = other_files(data, model.ports, [str(file)], outputs_optional=True)
    raw = read_raw(model.ports, entry, Path(), format=data.format if data else None)
    return of_rows(model, raw, steps)


def of_columns(model: Model, given: Given, steps: int | None) -> Iterator[dict[str, Answer]]:
    """The same for what a program holds."""
    problems = Problems()
    part = read_memory(model.ports, given, "examples", problems, outputs_optional=True, keep_missing=True)
    problems.check()
    return of_rows(model, Raw.of_one(part), steps)


def of_rows(model: Model, raw: Raw, steps: int | None) -> Iterator[dict[str, Answer]]:
    network, tables = model.experiment.network, model.tables
    if not forecasts(model):
        message = f"{network.name} forecasts nothing: no output is next(...) of a series"
        raise RunError(Diagnostic("NN898", message, help="leave --max out"))
    data = model.experiment.data
    executor = model.executor(network.prediction)

    def answer(rows: Rows) -> dict[str, Answer]:
        require_room(executor, rows, 1)
        return answers(run_rows(executor, rows, 1, tables), network.heads, tables, rows)[0]

    filled = series.carried_on(model.ports, raw, data.missing if data else "error", future=True)
    return forecast(model.ports, tables, filled, steps, answer)
