"""`nnc eval RUN`: a trained model's scores on the spec's splits, or on another file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dsl.errors import Diagnostic, RunError
from dsl.render import show
from nnc.device import backend_of
from nnc.failure import print_diagnostics, width
from nnc.model import Model
from nnc.opening import open_model
from nnc.report import scores
from runtime.data import Rows, read
from runtime.evaluate import evaluate, require_room


def run(
    run: Path,
    *,
    data: Sequence[str],
    data_root: Path | None,
    as_json: bool,
    optimized: bool = True,
    device: str = "auto",
    kernels: str | None = None,
) -> int:
    model = replace(open_model(run), optimized=optimized, backend=backend_of(device, kernels))
    parts = {"test": _other_rows(model, data)} if data else _own_rows(model, data_root)
    executor = model.executor(model.experiment.network.evaluation)
    heads, batch = model.experiment.network.heads, model.experiment.train.batch
    for rows in parts.values():
        require_room(executor, rows, batch)
    found = {name: evaluate(executor, heads, rows, model.tables, batch) for name, rows in parts.items()}
    if as_json:
        print(json.dumps({name: each.to_json() for name, each in found.items()}, ensure_ascii=False))
        return 0
    for name, each in found.items():
        print(f"{each.rows:,} {name} rows")
        print("\n".join(scores(each, name, None, width(sys.stdout))))
    return 0


def _other_rows(model: Model, paths: Sequence[str]) -> Rows:
    rows, warnings = model.read(paths, outputs_optional=False)
    print_diagnostics(warnings, sys.stderr)
    return rows


def _own_rows(model: Model, data_root: Path | None) -> dict[str, Rows]:
    """The validation and test rows that training had; refused where the files are no longer the same."""
    settings, origin = model.experiment.data, model.origin
    if settings is None:
        raise RunError(
            Diagnostic("NN866", "this model's spec names no data", help="give a file: nnc eval RUN --data FILE")
        )
    root = data_root or (Path(origin.data_root) if origin.data_root is not None else None)
    known = model.tables.vocabularies
    dataset = read(model.ports, settings, Path(origin.folder), root, fold=origin.fold, vocabularies=known)
    if dataset.fingerprint != origin.fingerprint:
        raise RunError(
            Diagnostic(
                "NN866",
                f"the data in {show(str(root or origin.folder))} are not those that this model was trained on",
                help="its validation and test rows cannot be told apart any more; score a file: --data FILE",
            )
        )
    parts = {"valid": dataset.valid, "test": dataset.test}
    found = {name: rows for name, rows in parts.items() if rows is not None}
    if not found:
        raise RunError(
            Diagnostic(
                "NN866",
                "the spec of this model has neither validation nor test rows",
                help="score a file: nnc eval RUN --data FILE",
            )
        )
    return found
