"""`nnc check SPEC...`: right or wrong, in a few lines. Needs no NumPy unless the data are asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.optimizers import least_bytes
from dsl.errors import Diagnostic, NncError
from dsl.render import show, to_json
from dsl.source import shown
from nnc.failure import FAILED, print_diagnostics, width
from nnc.layers import signature_in_words, summary, weight_counts
from nnc.spec_files import read_spec, use_reader
from nnc.widths import folded
from runtime.memory import available_bytes, in_words, require_memory

if TYPE_CHECKING:
    from nnc.model import Model
    from runtime.data.survey import Survey


@dataclass(frozen=True)
class Rows:
    """What the data of a spec are like. phase: the name of the `train` section that they are for"""

    phase: str
    survey: Survey
    needed_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Verdict:
    """What is to say of one spec; experiment None where it is wrong. rows: where data were read."""

    path: Path
    experiment: Experiment | None
    diagnostics: tuple[Diagnostic, ...]
    rows: tuple[Rows, ...] = ()


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
        return _with_data(path, sets, data_root)
    except NncError as error:
        return Verdict(path, None, error.diagnostics)


def _with_data(path: Path, sets: tuple[str, ...], data_root: Path | None) -> Verdict:
    """As a run would read the data and prepare each of its phases, up to the first step."""
    from nnc.initial import begin
    from nnc.rehearsal import untrained
    from nnc.training import no_data, prepared, recipe
    from runtime.data.dataset import read_closely
    from runtime.data.survey import survey
    from runtime.job import needed

    made = recipe(path, sets=sets, data_root=data_root)
    rows: list[Rows] = []
    warnings: dict[Diagnostic, None] = {}
    first: Experiment | None = None
    before: Model | None = None
    for phase, name in enumerate(made.phases()):
        experiment = made.check(phase=phase)
        if experiment.data is None:
            return Verdict(path, None, (no_data(path),))
        fold = 0 if experiment.data.folds else None
        beginning = begin(experiment, made.base, before)
        known = beginning.vocabularies
        ports = experiment.network.ports
        found = read_closely(ports, experiment.data, path.parent, data_root, fold=fold, vocabularies=known)
        bound, job = prepared(made, found.dataset, phase=phase, beginning=beginning)
        memory, free = needed(job), job.backend.available_bytes()
        require_memory(memory.to_come, free)
        rows.append(Rows(name, survey(bound.network.ports, found), memory.total, free + memory.data))
        warnings.update(dict.fromkeys((*experiment.warnings, *found.dataset.warnings)))
        first = first or bound
        before = untrained(bound, found.dataset.tables)
    return Verdict(path, first, tuple(warnings), tuple(rows))


def _tell(verdict: Verdict) -> None:
    name = show(verdict.path.name)
    print_diagnostics(verdict.diagnostics, sys.stderr)
    if verdict.experiment is None:
        return
    network = verdict.experiment.network
    for line in (f"{name}  ok    {summary(network)}", f"  {signature_in_words(network)}"):
        # In a file or a pipe a line is one fact, however long.
        print("\n".join(folded(line, width(sys.stdout))) if sys.stdout.isatty() else line)
    for rows in verdict.rows:
        from nnc.survey_lines import lines

        memory = f"{in_words(rows.needed_bytes)} of {in_words(rows.free_bytes)} that are free"
        heading = ["", f"train {show(rows.phase)}"] if len(verdict.rows) > 1 else [""]
        print("\n".join([*heading, *lines(rows.survey, memory, width(sys.stdout))]))


def _json(verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {"file": str(verdict.path), "ok": verdict.experiment is not None}
    if verdict.experiment is not None:
        network = verdict.experiment.network
        found["layers"] = sum(row.layer for row in network.layers)
        counts = weight_counts(network.parameters)
        found["weights"] = {" x ".join(symbols) or "1": count for symbols, count in counts.items()}
        found["inputs"] = [port.name for port in network.inputs]
        found["outputs"] = [port.name for port in network.outputs]
    if verdict.rows:
        found["data"] = [
            {
                "phase": rows.phase,
                **rows.survey.to_json(),
                "memory": {"needed_bytes": rows.needed_bytes, "free_bytes": rows.free_bytes},
            }
            for rows in verdict.rows
        ]
    found["diagnostics"] = [to_json(d) for d in verdict.diagnostics]
    return found
