"""A trained model: saved, opened, asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph
from compiler.ir.types import bound_shape
from compiler.settings.data import Files
from compiler.sorts import Port
from dsl.errors import Diagnostic, NncError, RunError
from dsl.render import show
from dsl.source import Span
from nnc import __version__
from nnc.run_folder import model_path
from runtime import model_file
from runtime.backend import NUMPY_DTYPES, Array
from runtime.data import Rows, Tables, encode, read_file
from runtime.evaluate import require_room, run_rows
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend
from runtime.predict import Answer, answers

BATCH = 64
"""Rows that are predicted together."""


Example: TypeAlias = "str | float | Sequence[str | float]"
"""A text or a number, or a row of them."""


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: what beside the spec decided it, and where its data lay.

    sets, seed: as on the command line; fold: from 0, None without folds
    folder: the spec's; data_root: where `--data-root` pointed, None where it did not
    fingerprint: of the data
    """

    sets: tuple[str, ...] = ()
    seed: int | None = None
    fold: int | None = None
    folder: str = "."
    data_root: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class Model:
    """A trained model.

    weights: by the parameters' names; metrics: as `train --json` gives them
    optimized: it is run with all passes; without them the results are the same, and come slower
    """

    experiment: Experiment
    tables: Tables
    weights: Mapping[str, Array]
    origin: Origin
    metrics: Mapping[str, Any]
    optimized: bool = True

    def predict(self, examples: Sequence[Example]) -> list[Any]:
        """The label (or the numbers) for each example; of several outputs a dictionary. An example is a text or
        number, or those of all inputs. Raises DataError for an example that does not fit them."""
        return [_only(found) for found in self.answers(self.encode(examples))]

    def predict_proba(self, examples: Sequence[Example]) -> list[dict[str, float]]:
        """For each example, each label's probability. Of the only output; a perceptron has none."""
        found = self.answers(self.encode(examples))
        return [dict(next(iter(each.values())).probabilities or {}) for each in found]

    def encode(self, examples: Sequence[Example], source: str = "input", first_line: int = 1) -> Rows:
        rows = ((e,) if isinstance(e, str) or not isinstance(e, Iterable) else e for e in examples)
        fields = [[_text(part) for part in row] for row in rows]
        return encode(self.ports, self.tables, fields, source=source, first_line=first_line)

    def read(self, files: Sequence[str], *, outputs_optional: bool) -> tuple[Rows, tuple[Diagnostic, ...]]:
        """The rows of other files, laid out as the training file is, and warnings.

        files: from the working directory
        outputs_optional: the outputs' columns may be absent, as for prediction
        """
        data = self.experiment.data
        entry = Files(
            paths=tuple(files),
            header=data.train.header if data else False,
            columns=data.train.columns if data else None,
            span=data.train.span if data else Span(files[0], 1, 1, 1, 1, ""),
            free=True,
        )
        form = data.format if data else None
        return read_file(self.ports, self.tables, entry, Path(), format=form, outputs_optional=outputs_optional)

    def answers(self, rows: Rows) -> list[dict[str, Answer]]:
        """For each row, each output's answer."""
        executor = self.executor(self.experiment.network.prediction)
        require_room(executor, rows, BATCH)
        return answers(run_rows(executor, rows, BATCH), self.experiment.network.heads, self.tables, rows.count)

    def executor(self, graph: Graph) -> Executor:
        run = pipeline.optimize(graph) if self.optimized else graph
        return Executor(numpy_backend(), run, pipeline.compile_bucket, dict(self.weights))

    @property
    def ports(self) -> tuple[Port, ...]:
        return self.experiment.network.ports


def _only(found: Mapping[str, Answer]) -> Any:
    values = {name: answer.value for name, answer in found.items()}
    return next(iter(values.values())) if len(values) == 1 else values


def save_model(path: Path, model: Model) -> None:
    """Write the model file, whole or not at all."""
    experiment, origin = model.experiment, model.origin
    meta = {
        "version": __version__,
        "file": Path(experiment.file).name,
        "spec": experiment.spec,
        "uses": [list(pair) for pair in experiment.uses],
        "sets": list(origin.sets),
        "seed": origin.seed,
        "fold": origin.fold,
        "folder": origin.folder,
        "data_root": origin.data_root,
        "fingerprint": origin.fingerprint,
        "tables": model.tables.to_json(),
        "metrics": dict(model.metrics),
    }
    model_file.save(path, model.weights, meta)


def open_model(run: str | PathLike[str]) -> Model:
    """A model from a run's folder or a model file; everything in it is checked, nothing in it is run.

    Raises RunError NN800 to NN807 for a damaged file, NN862 where there is none, NN867 for one that contradicts itself.
    """
    path = model_path(Path(run))
    weights, meta = model_file.load(path)
    try:
        return _opened(weights, meta)
    except NncError as error:
        if any(d.code.startswith("NN8") for d in error.diagnostics):
            raise
        first = error.diagnostics[0]
        raise RunError(_contradiction(path, f"its spec is refused: {first.message}")) from error
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(_contradiction(path, str(error))) from error


def _opened(weights: dict[str, Array], meta: Mapping[str, Any]) -> Model:
    uses = {_text(p): _text(t) for p, t in _list(meta["uses"])}
    sets = tuple(_text(s) for s in _list(meta["sets"]))
    seed, fold = _number(meta["seed"]), _number(meta["fold"])
    spec, file = _text(meta["spec"]), _text(meta["file"])
    tables = Tables.from_json(meta["tables"])
    folder, root = _text(meta["folder"]), None if meta["data_root"] is None else _text(meta["data_root"])
    if "\0" in folder or "\0" in (root or ""):
        raise ValueError("a folder in its metadata has a NUL character")
    experiment = pipeline.check(
        spec, file, read_use=lambda p: uses[p].encode(), sets=sets, sizes=tables.sizes(), seed=seed
    )
    network = experiment.network
    tables = Tables.from_json(meta["tables"], network.ports)
    _check_weights(experiment, weights)
    origin = Origin(
        sets,
        seed,
        fold,
        folder,
        root,
        _text(meta["fingerprint"]),
    )
    return Model(experiment, tables, weights, origin, cast("Mapping[str, Any]", meta["metrics"]))


def _check_weights(experiment: Experiment, weights: Mapping[str, Array]) -> None:
    """Raises ValueError where the file's weights are not those that its spec asks for."""
    import numpy as np

    wanted = {p.name: p.type for p in experiment.network.parameters}
    if set(wanted) != set(weights):
        raise ValueError("its weights are not those of its spec")
    for name, type_ in wanted.items():
        shape = bound_shape(type_, {})
        if weights[name].shape != shape or weights[name].dtype != NUMPY_DTYPES[type_.dtype]:
            raise ValueError(f"its weight {name} has another shape than its spec says")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"its weight {name} holds what is no finite number")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is missing in its metadata")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is missing in its metadata")
    return value


def _number(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63):
        raise TypeError("a number in its metadata is wrong")
    return value


def _contradiction(path: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "NN867",
        f"{show(str(path))} cannot be used: {show(reason)}",
        help="train it again, or use the version of nnc that wrote it",
    )


def _text(part: object) -> str:
    """A field as a data file would have it."""
    if isinstance(part, str):
        return part
    if isinstance(part, Real) and not isinstance(part, bool):
        return str(float(part))
    raise TypeError(f"an example is made of texts and numbers, not of {type(part).__name__}")
