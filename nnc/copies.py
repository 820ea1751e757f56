"""Weights that are copied from another model: which go where, and the words and labels that they speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias

from compiler import pipeline
from compiler.experiment import Experiment, Network
from compiler.ir.types import Dim, Extent, Type
from compiler.settings.phase import InitFrom
from compiler.sorts import classes_symbol_of, has_ids, has_labels, owner, vocabulary_symbol_of, vocabulary_word, word_of
from dsl.errors import Diagnostic, NncError, RunError
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span
from nnc.model import Model
from nnc.opening import open_model
from runtime.data.tokens import Vocabulary


@dataclass(frozen=True)
class Source:
    """A trained model that weights are copied from.

    name: as it is called in notes and errors; span: of what asks for it
    weights: by the name here, the name there
    """

    name: str
    model: Model
    weights: Mapping[str, str]
    span: Span | None


Labels: TypeAlias = tuple[tuple[str, ...], Source]
"""A label set, and whose copied weights speak of it."""


def without(earlier: Source, later: Source) -> Source:
    """What the later one gives is not copied twice."""
    return replace(earlier, weights={n: there for n, there in earlier.weights.items() if n not in later.weights})


def of_phase(experiment: Experiment, before: Model) -> Source:
    """All weights of the same model; of another one those under labels that both have."""
    name = f"train {before.experiment.phase}".strip()
    ours, theirs = experiment.network, before.experiment.network
    if ours.name == theirs.name:
        return Source(name, before, {p.name: p.name for p in ours.parameters}, experiment.train.span)
    common = [label for label in ours.labels if label in theirs.labels]
    source = Source(name, before, {}, experiment.train.span)
    return replace(source, weights=_under(common, ours, source))


def of_run(experiment: Experiment, init: InitFrom) -> tuple[Source, str]:
    """What `init from=` asks for, with a note of it. Raises RunError NN871, NN872, and what opening a run raises."""
    model = _opened(init)
    ours, theirs = experiment.network, model.experiment.network
    source = Source(init.path, model, {}, init.span)
    known = ", ".join(theirs.labels) or "none"
    for label in init.only:
        if label not in theirs.labels:
            near = nearest(label, theirs.labels)
            help = f"did you mean {near}?" if near else f"its labels: {show(known)}"
            fail("NN871", f"{show(init.path)} has no label {label}", init.span, help)
    chosen = init.only or tuple(label for label in ours.labels if label in theirs.labels)
    if not chosen:
        message = f"{show(init.path)} has no label that this model has too: nothing could be copied"
        fail(
            "NN871", message, init.span, f"weights are copied under labels of the same name; its labels: {show(known)}"
        )
    source = replace(source, weights=_under(chosen, ours, source))
    count = len(source.weights)
    return source, f"init: {count} weight{'' if count == 1 else 's'} of {', '.join(chosen)} from {show(init.path)}"


def _opened(init: InitFrom) -> Model:
    try:
        return open_model(init.path)
    except NncError as error:
        raise RunError([d if d.span is not None else replace(d, span=init.span) for d in error.diagnostics]) from error


def _under(labels: tuple[str, ...] | list[str], ours: Network, source: Source) -> dict[str, str]:
    """Each weight under these labels, with its counterpart; all must have one."""
    theirs = source.model.experiment.network
    there = {p.name for p in theirs.parameters}
    found: dict[str, str] = {}
    for label in labels:
        here_paths, there_paths = ours.labels[label], theirs.labels[label]
        if len(here_paths) != len(there_paths):
            message = f"{label} stands {len(there_paths)} times in {show(source.name)} and {len(here_paths)} times here"
            fail("NN872", message, source.span, "give only one of them that label")
        for here, other in zip(here_paths, there_paths, strict=True):
            for p in ours.parameters:
                if p.name.startswith(here):
                    name = other + p.name.removeprefix(here)
                    if name not in there:
                        message = f"{show(source.name)} has no weight {name}, which {label} has here"
                        fail("NN872", message, source.span, "build what stands under the label as it was built there")
                    found[p.name] = name
    return found


def collect_tables(
    experiment: Experiment, source: Source, vocabularies: dict[str, Vocabulary], labels: dict[str, Labels]
) -> None:
    """The vocabularies and label sets that the copied weights speak of."""
    unbound = _unbound(source.model)
    types = {p.name: p.type for p in unbound.network.parameters}
    ours, theirs = _meanings(experiment.network), _meanings(unbound.network)
    for p in experiment.network.parameters:
        if p.name not in source.weights:
            continue
        other = types[source.weights[p.name]]
        if not _alike(p.type, other):
            bound = source.model.weights[source.weights[p.name]]
            misfit(source, p.name, bound.shape, p.type.shape)
        for mine, its in zip(_symbols(p.type), _symbols(other), strict=True):
            (kind, here, word), (other_kind, there, other_word) = ours[mine], theirs[its]
            if kind != other_kind or word != other_word:
                message = f"{p.name} belongs to {here}, {word}, and in {show(source.name)} to {there}, {other_word}"
                fail("NN873", message, source.span, "give the input the sort that it had there")
            if kind == "labels":
                labels[here] = source.model.tables.labels[there], source
                continue
            vocabulary = source.model.tables.vocabularies[there]
            if vocabularies.get(here, vocabulary) != vocabulary:
                message = (
                    f"the copied weights do not agree on the words of {here}, those of {show(source.name)} say others"
                )
                fail("NN873", message, source.span, "copy all weights that look at its words from one run")
            vocabularies[here] = vocabulary


def _unbound(model: Model) -> Experiment:
    """Its experiment with symbols for the sizes that came from its data."""
    bound, uses = model.experiment, dict(model.experiment.uses)
    names = pipeline.phases(bound.spec, bound.file, sets=model.origin.sets)
    return pipeline.check(
        bound.spec,
        bound.file,
        read_use=lambda path: uses[path].encode(),
        sets=model.origin.sets,
        seed=model.origin.seed,
        phase=names.index(bound.phase),
    )


def _meanings(network: Network) -> dict[str, tuple[str, str, str]]:
    """What a symbol among the sizes of a weight counts: "words" or "labels", whose, and of which sort."""
    found: dict[str, tuple[str, str, str]] = {}
    ports = network.ports
    for port in ports:
        if has_ids(port):
            found[vocabulary_symbol_of(port, ports)] = ("words", owner(port), vocabulary_word(port.sort))
            for view in port.views:
                found[f"V.{view.of(owner(port))}"] = (
                    "words",
                    view.of(owner(port)),
                    f"{view.unit}s of {word_of(port.sort)}",
                )
        if has_labels(port):
            found[classes_symbol_of(port, ports)] = ("labels", port.name, word_of(port.sort))
    return found


def _symbols(type: Type) -> list[str]:
    return [name for dim in type.shape if isinstance(dim, Extent) for name, _ in dim.terms]


def _alike(ours: Type, theirs: Type) -> bool:
    """Whether the shapes fit, whatever the data are: the same numbers, and data's sizes at the same places."""

    def form(dim: Dim) -> object:
        return dim if isinstance(dim, int) else (tuple(factor for _, factor in dim.terms), dim.shift, dim.step)

    return [form(d) for d in ours.shape] == [form(d) for d in theirs.shape]


def misfit(source: Source, name: str, there: tuple[int, ...], here: tuple[Dim, ...]) -> NoReturn:
    shapes = [f"[{', '.join(map(str, shape))}]" for shape in (there, here)]
    message = f"{name} is {shapes[0]} in {show(source.name)}, and {shapes[1]} here"
    fail("NN872", message, source.span, "make the layers as wide as they were there, or copy less: only=")


def fail(code: str, message: str, span: Span | None, help: str) -> NoReturn:
    raise RunError(Diagnostic(code, message, span, help=help))
