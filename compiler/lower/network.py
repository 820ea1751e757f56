"""A model's graphs for training, evaluation and prediction, and what can be told of them only together."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from compiler.build import Build, SameTable
from compiler.experiment import Network
from compiler.lower import decoding, following, stateful
from compiler.lower.model import Lowered, Source, lower
from compiler.sorts import Category, Port, Tokens, asks_for_other_pieces, owner, vocabulary_word, word_of
from compiler.views import base
from dsl.errors import Diagnostic

MOST_WEIGHTS = 100_000_000_000
"""400 GB in single precision."""


def network(source: Source) -> tuple[Network | None, list[Diagnostic]]:
    """The model lowered for training, evaluation and prediction; None with the errors where there are any."""
    training = lower(source, "training")
    while training.build.same_tables and not training.build.diagnostics:
        ports, wrong = _one_vocabulary(source.ports, training.build.same_tables[0])
        if wrong is not None:
            return None, [wrong]
        source = replace(source, ports=ports)
        training = lower(source, "training")
    if training.graph is None:
        return None, training.build.diagnostics
    of_stateful = stateful.refusals(training.build, source.ports)
    if of_stateful:
        return None, of_stateful
    too_large = _too_large(training.build)
    if too_large is not None:
        return None, [too_large]
    source = replace(source, ports=_as_lowered(source.ports, training))
    evaluation, prediction = lower(source, "evaluation"), lower(source, "prediction")
    if evaluation.graph is None or prediction.graph is None:
        return None, [*evaluation.build.diagnostics, *prediction.build.diagnostics]
    source = replace(source, ports=decoding.with_copies(prediction.graph, source.ports))
    looking = [
        *decoding.endless(source.ports),
        *decoding.refusals(prediction.graph, source.ports),
        *following.refusals(prediction.graph, source.ports, prediction.build.used_by, training.build.updates),
    ]
    if looking:
        return None, looking
    build = training.build
    return (
        Network(
            source.model.name.id,
            source.inputs,
            source.outputs,
            training.heads,
            tuple(build.parameters.values()),
            tuple(build.rows),
            {label: tuple(paths) for label, paths in build.labels.items()},
            training.graph,
            evaluation.graph,
            prediction.graph,
            stateful.carried(build),
            build.rounds,
        ),
        [],
    )


def _as_lowered(ports: tuple[Port, ...], training: Lowered) -> tuple[Port, ...]:
    """The ports with what the layers ask of their data: a stream, n-grams or characters, words to tell apart."""
    ports, views = stateful.marked(training.build, ports), training.build.views
    against = {head.port.name: of_a_word.against for head, of_a_word in training.word_heads()}
    return tuple(replace(p, views=tuple(views.get(p.name, ())), against=against.get(p.name)) for p in ports)


def _one_vocabulary(ports: tuple[Port, ...], same: SameTable) -> tuple[tuple[Port, ...], Diagnostic | None]:
    """The ports with the second's vocabulary joined to the first's: their ids look up the same table."""
    words = {p.name: word_of(p.sort) for p in ports}
    of = {p.name: vocabulary_word(p.sort) for p in ports}
    first, second = base(same.first), base(same.second)
    if of[first] != of[second] or same.first.removeprefix(first) != same.second.removeprefix(second):
        kinds = [f"{o} is {words.get(o, 'n-grams')}" for o in (same.first, same.second)]
        message = f"{kinds[0]} and {kinds[1]}: they cannot share one table"
        return ports, Diagnostic("NN307", message, same.span, help="give each an embed of its own")
    sorts = {p.name: p.sort for p in ports}
    if asked := asks_for_other_pieces(sorts[second], sorts[first]):
        message = f"{second} looks up the table of {first}, and asks for other pieces"
        return ports, Diagnostic("NN307", message, same.span, help=f"make {second} {asked}, as {first} is")
    merged = tuple(
        replace(p, sort=replace(p.sort, vocabulary=first))
        if isinstance(p.sort, Tokens | Category) and owner(p) == second
        else p
        for p in ports
    )
    return merged, None


def _too_large(build: Build) -> Diagnostic | None:
    """What no machine could hold, whatever the data are."""
    most, total = None, 0
    for parameter in build.parameters.values():
        count = prod(d if isinstance(d, int) else 1 for d in parameter.type.shape)
        total += count
        if most is None or count > most[0]:
            most = count, parameter
    if most is None or total <= MOST_WEIGHTS:
        return None
    message = f"the model has {total:,} weights, more than any machine holds"
    return Diagnostic("NN510", message, most[1].span, "most of them are here", help="make the layer narrower")
