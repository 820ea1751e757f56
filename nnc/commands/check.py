"""`nnc check SPEC...`: right or wrong, in a few lines. Needs no NumPy unless the data are asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.optimizers import least_bytes
from dsl.errors import Diagnostic, NncError
from dsl.render import show, to_json
from dsl.source import shown
from nnc.failure import FAILED, print_diagnostics
from nnc.layers import signature_in_words, summary, weight_counts
from nnc.spec_files import read_spec, use_reader
from runtime.memory import available_bytes, require_memory


@dataclass(frozen=True)
class Verdict:
    """What is to say of one spec; experiment None where it is wrong. rows: of each split, where data were read."""

    path: Path
    experiment: Experiment | None
    diagnostics: tuple[Diagnostic, ...]
    rows: dict[str, int] | None = None


def run(specs: Sequence[Path], *, with_data: bool, sets: tuple[str, ...], data_root: Path | None, as_json: bool) -> int:
    verdicts = [_verdict(path, with_data, sets, data_root) for path in specs]
    if as_json:
        print(json.dumps({"specs": [_json(v) for v in verdicts]}, ensure_ascii=False))
    else:
        for verdict in verdicts:
            _tell(verdict)
    return 0 if all(v.experiment is not None for v in verdicts) else FAILED


def _verdict(path: Path, with_data: bool, sets: tuple[str, ...], data_root: Path | None) -> Verdict:
    try:
        text, use = read_spec(path), use_reader(path)
        experiment = pipeline.check(text, shown(path), read_use=use, sets=sets)
        needed, largest = least_bytes(experiment)
        require_memory(needed, available_bytes(), "training, its weights and the optimizer alone,", largest)
        if not with_data:
            return Verdict(path, experiment, experiment.warnings)
        from nnc.training import no_data
        from runtime.data import read

        if experiment.data is None:
            return Verdict(path, None, (no_data(path),))
        fold = 0 if experiment.data.folds else None
        dataset = read(experiment.network.ports, experiment.data, path.parent, data_root, fold=fold)
        bound = pipeline.check(text, shown(path), read_use=use, sets=sets, sizes=dataset.tables.sizes())
        parts = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
        rows = {name: part.count for name, part in parts.items() if part is not None}
        return Verdict(path, bound, (*experiment.warnings, *dataset.warnings), rows)
    except NncError as error:
        return Verdict(path, None, error.diagnostics)


def _tell(verdict: Verdict) -> None:
    name = show(verdict.path.name)
    if verdict.experiment is None:
        print_diagnostics(verdict.diagnostics, sys.stderr)
        return
    print_diagnostics(verdict.diagnostics, sys.stderr)
    network = verdict.experiment.network
    print(f"{name}  ok    {summary(network)}")
    print(f"  {signature_in_words(network)}")
    if verdict.rows is not None:
        print("  " + " · ".join(f"{count:,} {part}" for part, count in verdict.rows.items()))


def _json(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {"file": str(verdict.path), "ok": verdict.experiment is not None}
    if verdict.experiment is not None:
        network = verdict.experiment.network
        found["layers"] = sum(row.layer for row in network.layers)
        counts = weight_counts(network.parameters)
        found["weights"] = {" x ".join(symbols) or "1": count for symbols, count in counts.items()}
        found["inputs"] = [port.name for port in network.inputs]
        found["outputs"] = [port.name for port in network.outputs]
        if verdict.rows is not None:
            found["rows"] = verdict.rows
    found["diagnostics"] = [to_json(d) for d in verdict.diagnostics]
    return found
