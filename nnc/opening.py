"""The model file as a model: written, and opened with everything in it checked."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.types import bound_shape
from dsl.errors import Diagnostic, NncError, RunError
from dsl.render import show
from nnc import __version__
from nnc.model import Model, Origin
from nnc.run_folder import model_path
from runtime import model_file
from runtime.backend import NUMPY_DTYPES, Array
from runtime.checkpoint import KIND
from runtime.data import Tables


def save_model(path: Path, model: Model) -> None:
    """Write the model file, whole or not at all."""
    model_file.save(path, model.weights, _meta(model))


def model_bytes(model: Model) -> bytes:
    """The model file's bytes, for a copy in another process."""
    return b"".join(model_file.encoded(model.weights, _meta(model)))


def model_of_bytes(data: bytes) -> Model:
    """The model that model_bytes gave; checked as a file is."""
    weights, meta = model_file.decoded(memoryview(data), "the model")
    return _opened(weights, meta)


def _meta(model: Model) -> dict[str, object]:
    experiment, origin = model.experiment, model.origin
    return {
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
    if meta.get("kind") == KIND:
        raise ValueError("it is a checkpoint; the model of a run that has ended is model.safetensors beside it")
    uses = {_text(p): _text(t) for p, t in _list(meta["uses"])}
    sets = tuple(_text(s) for s in _list(meta["sets"]))
    seed, fold = _number(meta["seed"]), _number(meta["fold"])
    spec, file = _text(meta["spec"]), _text(meta["file"])
    tables = Tables.from_json(meta["tables"])
    folder, root = _text(meta["folder"]), None if meta["data_root"] is None else _text(meta["data_root"])
    if "\0" in folder or "\0" in (root or ""):
        raise ValueError("a folder in its metadata has a NUL character")
    # A model file is that of the last phase.
    phase = len(pipeline.phases(spec, file, sets=sets)) - 1
    experiment = pipeline.check(
        spec, file, read_use=lambda p: uses[p].encode(), sets=sets, sizes=tables.sizes(), seed=seed, phase=phase
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
