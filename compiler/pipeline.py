"""All the stages on one screen: text -> syntax tree -> typed graph -> gradients -> passes -> plan -> program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from compiler.declarations import Declarations, ReadUse, declarations
from compiler.experiment import Experiment, Network, TrainingStep
from compiler.ir.graph import Graph
from compiler.ir.types import Dtype
from compiler.lower.model import Source
from compiler.lower.network import network
from compiler.misfits import misfits
from compiler.overrides import overridden
from compiler.phases import Phase, phase_names, unknown_labels
from compiler.phases import phases as phases_of
from compiler.ports.signature import ports
from compiler.sections.data import data_settings
from compiler.sections.other import other_sections
from compiler.sections.predict import finds_nothing, predict_settings
from compiler.sections.reading import Reading
from compiler.sections.train import train_settings
from compiler.settings.data import DataSettings
from compiler.settings.train import TrainSettings
from dsl.errors import Diagnostic, SpecError
from dsl.parse import parse

if TYPE_CHECKING:
    from compiler.plan.plan import Plan


def phases(
    text: str | bytes,
    file: str,
    *,
    sets: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """The names of a spec's `train` sections, which run in order, "" for a nameless one; at least one.

    Raises SpecError for a text that cannot be read, and for an override that reaches nothing.
    """
    return phase_names(overridden(parse(text, file), sets, None))


def check(
    text: str | bytes,
    file: str,
    *,
    read_use: ReadUse | None = None,
    sets: tuple[str, ...] = (),
    sizes: Mapping[str, int] | None = None,
    seed: int | None = None,
    dtype: Dtype = "f32",
    phase: int = 0,
) -> Experiment:
    """A spec, checked as far as it can be without its data.

    sets: `PATH=VALUE` overrides; sizes: of vocabularies and label sets, once they are known; until then, symbols
    phase: which of the `phases` the experiment is. All are checked; with sizes, which are those of its data, it alone.
    Raises SpecError with everything that is wrong.
    """
    spec = overridden(parse(text, file), sets, seed)
    found = declarations(spec, file, read_use)
    reading = Reading(found.number, found.constant, found.report)
    every = phases_of(found, reading)
    looked_at = (every[phase],) if sizes else every
    writing = found.sections("predict")
    predict = predict_settings(writing, reading)
    checked = {each.name: _phase(each, found, reading, dtype, sizes or {}, predict.threshold) for each in looked_at}
    sweeps = found.sections("sweep")
    other_sections(spec, sweeps, [each.model for each in every if each.model is not None], reading)
    if not found.errors:
        for diagnostic in finds_nothing(writing, predict, [network for network, _, _ in checked.values()]):
            found.report(diagnostic)
        for each, (network, train, data) in zip(looked_at, checked.values(), strict=True):
            _together(each, network, train, data, found)
    if found.errors:
        raise SpecError(_in_order(found.errors, file))
    network, train, data = checked[every[phase].name]
    assert network is not None
    written = text if isinstance(text, str) else text.decode("utf-8-sig")
    return Experiment(
        file=file,
        spec=written,
        uses=tuple(found.used.items()),
        network=network,
        data=data,
        train=train,
        warnings=tuple(_in_order(found.warnings, file)),
        phase=every[phase].name,
        init=every[phase].init,
        predict=predict,
        swept=bool(sweeps),
    )


Checked = tuple[Network | None, TrainSettings, DataSettings | None]


def _phase(
    phase: Phase,
    found: Declarations,
    reading: Reading,
    dtype: Dtype,
    sizes: Mapping[str, int],
    threshold: float | None,
) -> Checked:
    """One `train` section with its model and data, each looked at by itself."""
    model = phase.model
    signature = ports(model, found.number, found.report) if model is not None else None
    names = [p.name.id for p in (*model.inputs, *model.outputs)] if model is not None else []
    train = train_settings(phase.section, [model] if model is not None else [], reading)
    data = data_settings(phase.data, signature, names, reading)
    if model is None:
        return None, train, data
    if signature is None:
        return None, train, data
    freeze = frozenset(phase.freeze.labels)
    lowered, wrong = network(Source(model, found.top, signature, train, dtype, sizes, freeze, threshold))
    for diagnostic in wrong:
        found.report(diagnostic)
    return lowered, train, data


def _in_order(diagnostics: Iterable[Diagnostic], main: str) -> list[Diagnostic]:
    """By place, the spec's own file first; nothing twice, and what nnc does not have yet only where it comes first."""

    def place(diagnostic: Diagnostic) -> tuple[bool, str, int, int]:
        span = diagnostic.span
        return (span.file != main, span.file, span.line, span.column) if span is not None else (False, "", 0, 0)

    said: dict[tuple[str, object], Diagnostic] = {}
    for d in sorted(diagnostics, key=place):
        said.setdefault((d.code, d.message if d.code == "NN350" else (d.message, d.span)), d)
    return list(said.values())


def _together(
    phase: Phase, network: Network | None, train: TrainSettings, data: DataSettings | None, found: Declarations
) -> None:
    """What the parts of a phase ask of each other; each is right by itself."""
    if network is None:
        return
    for diagnostic in unknown_labels(phase, tuple(network.labels)):
        found.report(diagnostic)
    if phase.freeze.labels and not any(p.trained for p in network.parameters):
        help = "leave one of the labels out"
        found.report(Diagnostic("NN643", "freeze leaves nothing to train", phase.freeze.span, help=help))
    for diagnostic in misfits(network, train, data):
        found.report(diagnostic)


def training_step(experiment: Experiment) -> TrainingStep:
    """Forward, backward, clipping and update as one graph, not yet optimized."""
    from compiler import optimizers

    return optimizers.training_step(experiment)


def optimize(graph: Graph) -> Graph:
    """The graph after all passes."""
    from compiler import passes

    return passes.optimize(graph)


def as_lowered(graph: Graph) -> Graph:
    """The graph without passes for speed: the same numbers, and finite where those of all passes are."""
    from compiler.passes.stability import stability

    return stability(graph)


def compile_bucket(graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
    """The program for batches of these sizes: its source, and the plan that says where each value lies."""
    from compiler.emit.numpy import emit
    from compiler.plan.make import make_plan

    planned = make_plan(graph, sizes)
    return emit(planned), planned


def compiler_for(native: bool, threads: int = 1) -> Callable[[Graph, Mapping[str, int]], tuple[str, Plan]]:
    """native: for a backend that compiles kernels, which so many threads run"""
    return partial(compile_native, threads=threads) if native else compile_bucket


def compile_native(graph: Graph, sizes: Mapping[str, int], threads: int = 1) -> tuple[str, Plan]:
    """The same with kernels of its own, for a backend that compiles them and runs them by so many threads."""
    from compiler.emit.native import emit_native

    planned = plan_native(graph, sizes, threads)
    return emit_native(planned, threads), planned


def plan_native(graph: Graph, sizes: Mapping[str, int], threads: int = 1) -> Plan:
    """The plan of that program."""
    from compiler.passes.gathered import gathered
    from compiler.passes.parted import parted
    from compiler.passes.picks import picks
    from compiler.passes.projected import projected
    from compiler.passes.stepped import stepped
    from compiler.plan.make import make_plan

    return make_plan(parted(stepped(gathered(projected(picks(graph, sizes), sizes))), sizes, threads), sizes, threads)


__all__ = [
    "Experiment",
    "check",
    "compile_bucket",
    "compile_native",
    "compiler_for",
    "optimize",
    "phases",
    "plan_native",
    "training_step",
]
