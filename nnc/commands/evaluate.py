"""`nnc eval RUN`: a trained model's scores on the spec's splits, or on another file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from compiler.sorts import Word
from dsl.errors import Diagnostic, RunError
from dsl.render import columns, show
from nnc.device import backend_of
from nnc.failure import print_diagnostics, width
from nnc.model import Model
from nnc.opening import open_model
from nnc.report import scores
from nnc.translating import with_text_scores
from nnc.vectors import asked_of, vectors_of
from runtime.baselines import baselines
from runtime.data import Rows, read
from runtime.data.files import read_text, resolve
from runtime.evaluate import Evaluation, evaluate, number_or_null, require_room
from runtime.word_vectors import SimilarityScores


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
    if len(data) == 1 and (asked := _word_scores(model, data[0])) is not None:
        print(json.dumps({"test": asked}, ensure_ascii=False) if as_json else "\n".join(_in_lines(asked)))
        return 0
    if data:
        parts, train = {"test": _other_rows(model, data)}, None
    else:
        parts, train = _own_rows(model, data_root)
    executor = model.executor(model.experiment.network.evaluation)
    heads, batch = model.experiment.network.heads, model.experiment.train.batch
    for rows in parts.values():
        require_room(executor, rows, batch)
    found: dict[str, Evaluation] = {}
    for name, rows in parts.items():
        scored = with_text_scores(model, rows, evaluate(executor, heads, rows, model.tables, batch))
        assert scored is not None
        found[name] = scored
    network = model.experiment.network
    beaten = baselines(network.inputs, network.outputs, train, model.tables)
    if beaten is not None:
        found = {name: beaten.beside(each, parts[name], model.tables) for name, each in found.items()}
    if as_json:
        print(json.dumps({name: each.to_json() for name, each in found.items()}, ensure_ascii=False))
        return 0
    for name, each in found.items():
        print(f"{each.rows:,} {name} rows")
        print("\n".join(scores(each, name, None, width(sys.stdout))))
    return 0


def _word_scores(model: Model, path: str) -> dict[str, Any] | None:
    """The scores of word vectors, where the file has analogies or pairs of words; of a model of words alone."""
    if not any(isinstance(p.sort, Word) for p in model.experiment.network.outputs):
        return None
    found = asked_of(vectors_of(model, None), read_text(resolve(path, Path(), None, None, free=True)))
    if found is None:
        return None
    if isinstance(found, SimilarityScores):
        return {"spearman": number_or_null(found.spearman), "covered": found.covered, "pairs": found.pairs}
    sections = {name: right / asked for name, (right, asked) in found.sections.items()}
    whole = {"accuracy": number_or_null(found.accuracy), "covered": found.covered, "questions": found.questions}
    return {**whole, "sections": sections}


def _in_lines(scores: dict[str, Any]) -> list[str]:
    """Each score, then those of the sections."""
    sections = scores.get("sections", {})
    rows = [(name, value) for name, value in scores.items() if name != "sections"] + list(sections.items())
    width = max(columns(show(name)) for name, _ in rows)
    padded = [(show(name) + " " * (width - columns(show(name))), value) for name, value in rows]
    return [f"{name}  {f'{value:,}' if isinstance(value, int) else _share(value)}" for name, value in padded]


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _other_rows(model: Model, paths: Sequence[str]) -> Rows:
    rows, warnings = model.read(paths, outputs_optional=False)
    print_diagnostics(warnings, sys.stderr)
    return rows


def _own_rows(model: Model, data_root: Path | None) -> tuple[dict[str, Rows], Rows]:
    """The validation and test rows that training had, and those that it learnt from; refused where the files are no
    longer the same."""
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
    return found, dataset.train
