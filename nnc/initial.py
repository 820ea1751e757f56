"""Where a run begins: weights of the phase before it, of another run, and of files of word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from compiler.experiment import Experiment, Parameter, Vectors
from compiler.ir.types import bound_shape
from compiler.settings.phase import InitFrom
from dsl.render import show
from nnc.copies import Labels, Source, collect_tables, fail, misfit, of_phase, of_run, without
from nnc.model import Model
from nnc.vectors import tables_of_words
from runtime.backend import Array
from runtime.data import Tables
from runtime.data.files import resolve
from runtime.data.tokens import Vocabulary
from runtime.vectors import fill
from runtime.weights import initial_weights


@dataclass(frozen=True)
class Beginning:
    """What is known of the start of a run before its data are read.

    sources: in order, the later one wins
    vocabularies: by the input or output that owns each: rows of copied tables keep their words
    labels: of the outputs whose copied weights tell labels apart, what these are, and who copies them
    vectors: the file of them that `init from=` names, of no owner yet
    notes: to be said of the run
    """

    sources: tuple[Source, ...] = ()
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict[str, Vocabulary])
    labels: Mapping[str, Labels] = field(default_factory=dict[str, Labels])
    vectors: Vectors | None = None
    notes: tuple[str, ...] = ()


def begin(experiment: Experiment, base: Path, before: Model | None = None) -> Beginning:
    """What a phase starts from, checked as far as it can be without its data.

    experiment: not bound to sizes; before: the model of the phase before it
    base: where the files of the spec are looked for, its folder or the data root

    Raises RunError: NN871 to NN873 where the weights do not fit, and what opening a run raises, at the line of `init`.
    """
    sources: list[Source] = []
    notes: list[str] = []
    if before is not None:
        sources.append(of_phase(experiment, before))
    file = None if experiment.init is None else _file_of_vectors(experiment.init, base)
    if experiment.init is not None and file is None:
        source, note = of_run(experiment, experiment.init)
        sources = [without(earlier, source) for earlier in sources] + [source]
        notes.append(note)
    vocabularies: dict[str, Vocabulary] = {}
    labels: dict[str, Labels] = {}
    for source in sources:
        collect_tables(experiment, source, vocabularies, labels)
    return Beginning(tuple(sources), vocabularies, labels, file, tuple(notes))


def initial(
    experiment: Experiment, tables: Tables, beginning: Beginning, folder: Path, data_root: Path | None
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The weights that do not start from chance, by name, and notes on them.

    experiment: bound to the sizes of the tables, which were learnt with the beginning's vocabularies
    folder: the spec's, in which its files of vectors lie; data_root takes its place where given

    Raises RunError NN872 and NN874 where copied weights do not fit these data, DataError for a file of vectors.
    """
    for output, (wanted, source) in beginning.labels.items():
        if tables.labels[output] != wanted:
            _other_labels(output, wanted, tables.labels[output], source)
    # Rows that are numbered in another way would be other words' rows.
    assert all(tables.vocabularies[name] == known for name, known in beginning.vocabularies.items())
    parameters = {p.name: p for p in experiment.network.parameters}
    weights: dict[str, Array] = {}
    for source in beginning.sources:
        for ours, theirs in source.weights.items():
            found = source.model.weights[theirs]
            if found.shape != bound_shape(parameters[ours].type, {}):
                misfit(source, ours, found.shape, parameters[ours].type.shape)
            weights[ours] = found
    every = _with_vectors(experiment, beginning.vectors)
    own = [p for p in every if p.name not in weights]
    vectors, notes = _vectors(own, experiment, tables, folder, data_root)
    return weights | vectors, (*beginning.notes, *notes)


def _file_of_vectors(init: InitFrom, base: Path) -> Vectors | None:
    """The file of word vectors that `init from=` names, of no owner yet: where the spec's other files are, else in the
    working directory, where runs are. None where it names a run."""
    places = ((False, base / init.path), (True, Path(init.path)))
    found = next((free for free, path in places if (free or not init.free) and _is_text(path)), None)
    return None if found is None else Vectors(init.path, found, "", init.span)


def _is_text(path: Path) -> bool:
    """Whether it is a text and no model: these begin with a number of eight bytes, which is never so large that it
    fills them, and a brace."""
    try:
        # A pipe would wait for a writer.
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(9)
            return start[8:] != b"{" or start[7] != 0
    except OSError:
        # What is wrong with it is told where a model is opened.
        return False


def _with_vectors(experiment: Experiment, file: Vectors | None) -> list[Parameter]:
    """The parameters; the tables of words under the labels of `init` start from the file that it names, if any."""
    network, init = experiment.network, experiment.init
    if init is None or file is None:
        return [*network.parameters]
    words = tables_of_words(network)
    below = tuple(path for label in init.only for path in network.labels[label])
    chosen = [table for table in words if not below or table.startswith(below)]
    if not chosen:
        message = f"{show(init.path)} holds word vectors, and no table of words is there to start from them"
        help = (
            f"its tables are {', '.join(t.rpartition('.')[0] for t in words)}" if words else "embed has one: embed 100"
        )
        fail("NN871", message, init.span, help)
    start = {table: replace(file, owner=words[table]) for table in chosen}
    return [replace(p, vectors=start.get(p.name, p.vectors)) for p in network.parameters]


def _other_labels(output: str, wanted: tuple[str, ...], found: tuple[str, ...], source: Source) -> NoReturn:
    lists = [
        ", ".join(show(label) for label in labels[:5]) + (", ..." if len(labels) > 5 else "")
        for labels in (wanted, found)
    ]
    message = f"the copied weights of {output} tell {lists[0]} apart, and the training rows have {lists[1]}"
    fail("NN874", message, source.span, "leave the head out, with only=, or train on rows with the same labels")


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
