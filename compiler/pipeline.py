"""All the stages on one screen: text -> syntax tree -> typed graph -> gradients -> passes -> plan -> program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compiler.declarations import ReadUse, declarations
from compiler.experiment import Experiment, TrainingStep
from compiler.ir.graph import Graph
from compiler.ir.types import Dtype
from compiler.lower.missing import in_order, missing
from compiler.lower.model import network
from compiler.metric_names import wrong_metric
from compiler.overrides import overridden
from compiler.ports import ports
from compiler.sections.data import data_settings
from compiler.sections.other import other_sections
from compiler.sections.reading import Reading
from compiler.sections.train import train_settings
from dsl.errors import Diagnostic, SpecError
from dsl.parse import parse

if TYPE_CHECKING:
    from compiler.plan.plan import Plan


def check(
    text: str | bytes,
    file: str,
    *,
    read_use: ReadUse | None = None,
    sets: tuple[str, ...] = (),
    sizes: Mapping[str, int] | None = None,
    seed: int | None = None,
    dtype: Dtype = "f32",
) -> Experiment:
    """A spec, checked as far as it can be without its data.

    sets: `PATH=VALUE` overrides; sizes: of vocabularies and label sets, once they are known; until then, symbols.
    Raises SpecError with everything that is wrong.
    """
    spec = overridden(parse(text, file), sets, seed)
    found = declarations(spec, file, read_use)
    reading = Reading(found.number, found.constant, found.report)
    model = found.model()
    signature = ports(model, found.number, found.report) if model is not None else None
    sections = {kind: found.section(kind) for kind in ("data", "train")}
    names = [p.name.id for p in (*model.inputs, *model.outputs)] if model is not None else []
    train = train_settings(sections["train"], names, reading)
    data = data_settings(sections["data"], signature, names, reading)
    other_sections(spec, names, reading)
    lowered = None
    if model is not None:
        for diagnostic in missing(model, found.top):
            found.report(diagnostic)
    if model is not None and signature is not None:
        lowered, wrong = network(model, found.top, signature, train, dtype, sizes or {})
        for diagnostic in wrong:
            found.report(diagnostic)
    if found.errors or lowered is None:
        raise SpecError(in_order(found.errors, file))
    if train.patience is not None and data is not None and data.valid is None:
        span = train.stop_span
        help = "write `valid 10%` in data"
        raise SpecError(Diagnostic("NN605", "stop needs validation rows, and data has none", span, help=help))
    unknown = wrong_metric(lowered.heads, train)
    if unknown is not None:
        raise SpecError(unknown)
    written = text if isinstance(text, str) else text.decode("utf-8-sig")
    return Experiment(file, written, tuple(found.used.items()), lowered, data, train, tuple(found.warnings))


def training_step(experiment: Experiment) -> TrainingStep:
    """Forward, backward, clipping and update as one graph, not yet optimized."""
    from compiler import optimizers

    return optimizers.training_step(experiment)


def optimize(graph: Graph) -> Graph:
    """The graph after all passes."""
    from compiler import passes

    return passes.optimize(graph)


def compile_bucket(graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
    """The program for batches of these sizes: its source, and the plan that says where each value lies."""
    from compiler.emit.numpy import emit
    from compiler.plan.make import make_plan

    planned = make_plan(graph, sizes)
    return emit(planned), planned


__all__ = ["Experiment", "check", "compile_bucket", "optimize", "training_step"]
