"""Where a run begins: weights of the phase before it, of another run, and of files of word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from compiler import pipeline
from compiler.experiment import Experiment, Network, Parameter, Vectors
from compiler.ir.types import Dim, Extent, Type, bound_shape
from compiler.settings.phase import InitFrom
from compiler.sorts import Class, classes_symbol_of, has_ids, owner, vocabulary_symbol_of, word_of
from dsl.errors import Diagnostic, NncError, RunError
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span
from nnc.model import Model
from nnc.opening import open_model
from runtime.backend import Array
from runtime.data import Tables
from runtime.data.files import resolve
from runtime.data.tokens import Vocabulary
from runtime.vectors import fill
from runtime.weights import initial_weights


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


@dataclass(frozen=True)
class Beginning:
    """What is known of the start of a run before its data are read.

    sources: in order, the later one wins
    vocabularies: by the input or output that owns each: rows of copied tables keep their words
    labels: of the outputs whose copied weights tell labels apart, what these are
    notes: to be said of the run
    """

    sources: tuple[Source, ...] = ()
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict[str, Vocabulary])
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    notes: tuple[str, ...] = ()


def begin(experiment: Experiment, before: Model | None = None) -> Beginning:
    """What a phase starts from, checked as far as it can be without its data.

    experiment: not bound to sizes; before: the model of the phase before it

    Raises RunError: NN871 to NN873 where the weights do not fit, and what opening a run raises, at the line of `init`.
    """
    sources: list[Source] = []
    notes: list[str] = []
    if before is not None:
        sources.append(_of_phase(experiment, before))
    if experiment.init is not None:
        source, note = _of_run(experiment, experiment.init)
        sources = [_without(earlier, source) for earlier in sources] + [source]
        notes.append(note)
    vocabularies: dict[str, Vocabulary] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for source in sources:
        _tables(experiment, source, vocabularies, labels)
    return Beginning(tuple(sources), vocabularies, labels, tuple(notes))


def initial(
    experiment: Experiment, tables: Tables, beginning: Beginning, folder: Path, data_root: Path | None
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The weights that do not start from chance, by name, and notes on them.

    experiment: bound to the sizes of the tables, which were learnt with the beginning's vocabularies
    folder: the spec's, in which its files of vectors lie; data_root takes its place where given

    Raises RunError NN872 and NN874 where copied weights do not fit these data, DataError for a file of vectors.
    """
    for output, wanted in beginning.labels.items():
        if tables.labels[output] != wanted:
            _other_labels(output, wanted, tables.labels[output], beginning)
    # Rows that are numbered in another way would be other words' rows.
    assert all(tables.vocabularies[name] == known for name, known in beginning.vocabularies.items())
    parameters = {p.name: p for p in experiment.network.parameters}
    weights: dict[str, Array] = {}
    for source in beginning.sources:
        for ours, theirs in source.weights.items():
            found = source.model.weights[theirs]
            if found.shape != bound_shape(parameters[ours].type, {}):
                _misfit(source, ours, found.shape, parameters[ours].type.shape)
            weights[ours] = found
    vectors, notes = _vectors(
        [p for p in parameters.values() if p.name not in weights], experiment, tables, folder, data_root
    )
    return weights | vectors, (*beginning.notes, *notes)


# Copies


def _without(earlier: Source, later: Source) -> Source:
    """What the later one gives is not copied twice."""
    return replace(earlier, weights={n: there for n, there in earlier.weights.items() if n not in later.weights})


def _of_phase(experiment: Experiment, before: Model) -> Source:
    """All weights of the same model; of another one those under labels that both have."""
    name = f"train {before.experiment.phase}".strip()
    ours, theirs = experiment.network, before.experiment.network
    if ours.name == theirs.name:
        return Source(name, before, {p.name: p.name for p in ours.parameters}, experiment.train.span)
    common = [label for label in ours.labels if label in theirs.labels]
    source = Source(name, before, {}, experiment.train.span)
    return replace(source, weights=_under(common, ours, source))


def _of_run(experiment: Experiment, init: InitFrom) -> tuple[Source, str]:
    model = _opened(init)
    ours, theirs = experiment.network, model.experiment.network
    source = Source(init.path, model, {}, init.span)
    known = ", ".join(theirs.labels) or "none"
    for label in init.only:
        if label not in theirs.labels:
            near = nearest(label, theirs.labels)
            help = f"did you mean {near}?" if near else f"its labels: {show(known)}"
            _fail("NN871", f"{show(init.path)} has no label {label}", init.span, help)
    chosen = init.only or tuple(label for label in ours.labels if label in theirs.labels)
    if not chosen:
        message = f"{show(init.path)} has no label that this model has too: nothing could be copied"
        _fail(
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
            _fail("NN872", message, source.span, "give only one of them that label")
        for here, other in zip(here_paths, there_paths, strict=True):
            for p in ours.parameters:
                if p.name.startswith(here):
                    name = other + p.name.removeprefix(here)
                    if name not in there:
                        message = f"{show(source.name)} has no weight {name}, which {label} has here"
                        _fail("NN872", message, source.span, "build what stands under the label as it was built there")
                    found[p.name] = name
    return found


def _tables(
    experiment: Experiment, source: Source, vocabularies: dict[str, Vocabulary], labels: dict[str, tuple[str, ...]]
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
            _misfit(source, p.name, bound.shape, p.type.shape)
        for mine, its in zip(_symbols(p.type), _symbols(other), strict=True):
            (kind, here, word), (other_kind, there, other_word) = ours[mine], theirs[its]
            if kind != other_kind or word != other_word:
                message = f"{p.name} belongs to {here}, {word}, and in {show(source.name)} to {there}, {other_word}"
                _fail("NN873", message, source.span, "give the input the sort that it had there")
            if kind == "labels":
                labels[here] = source.model.tables.labels[there]
                continue
            vocabulary = source.model.tables.vocabularies[there]
            if vocabularies.get(here, vocabulary) != vocabulary:
                message = (
                    f"the copied weights do not agree on the words of {here}, those of {show(source.name)} say others"
                )
                _fail("NN873", message, source.span, "copy all weights that look at its words from one run")
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
            found[vocabulary_symbol_of(port, ports)] = ("words", owner(port), word_of(port.sort))
        if isinstance(port.sort, Class):
            found[classes_symbol_of(port, ports)] = ("labels", port.name, "class")
    return found


def _symbols(type: Type) -> list[str]:
    return [name for dim in type.shape if isinstance(dim, Extent) for name, _ in dim.terms]


def _alike(ours: Type, theirs: Type) -> bool:
    """Whether the shapes fit, whatever the data are: the same numbers, and data's sizes at the same places."""

    def form(dim: Dim) -> object:
        return dim if isinstance(dim, int) else (tuple(factor for _, factor in dim.terms), dim.shift, dim.step)

    return [form(d) for d in ours.shape] == [form(d) for d in theirs.shape]


def _misfit(source: Source, name: str, there: tuple[int, ...], here: tuple[Dim, ...]) -> NoReturn:
    shapes = [f"[{', '.join(map(str, shape))}]" for shape in (there, here)]
    message = f"{name} is {shapes[0]} in {show(source.name)}, and {shapes[1]} here"
    _fail("NN872", message, source.span, "make the layers as wide as they were there, or copy less: only=")


def _other_labels(output: str, wanted: tuple[str, ...], found: tuple[str, ...], beginning: Beginning) -> NoReturn:
    source = beginning.sources[-1]
    lists = [
        ", ".join(show(label) for label in labels[:5]) + (", ..." if len(labels) > 5 else "")
        for labels in (wanted, found)
    ]
    message = f"the copied weights of {output} tell {lists[0]} apart, and the training rows have {lists[1]}"
    _fail("NN874", message, source.span, "leave the head out, with only=, or train on rows with the same labels")


def _fail(code: str, message: str, span: Span | None, help: str) -> NoReturn:
    raise RunError(Diagnostic(code, message, span, help=help))


# Word vectors


def _vectors(
    parameters: list[Parameter], experiment: Experiment, tables: Tables, folder: Path, data_root: Path | None
) -> tuple[dict[str, Array], list[str]]:
    """Tables that start from files; each file is read once for each vocabulary."""
    filled: dict[tuple[str, str, int], tuple[str, list[int]]] = {}
    weights: dict[str, Array] = {}
    notes: list[str] = []
    for p in parameters:
        if p.vectors is None:
            continue
        table = initial_weights([p], experiment.train.seed)[p.name]
        vocabulary = tables.vocabularies[p.vectors.owner]
        key = p.vectors.path, p.vectors.owner, table.shape[1]
        if key in filled:
            first, rows = filled[key]
            table[rows] = weights[first][rows]
        else:
            rows = fill(table, vocabulary.index, _path(p.vectors, folder, data_root), p.vectors.span)
            filled[key] = p.name, rows
            notes.append(f"vectors: {len(rows):,} of {len(vocabulary.tokens):,} words found in {show(p.vectors.path)}")
        weights[p.name] = table
    return weights, notes


def _path(vectors: Vectors, folder: Path, data_root: Path | None) -> Path:
    return resolve(vectors.path, folder, data_root, vectors.span, free=vectors.free)
