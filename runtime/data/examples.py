"""Examples to predict, as strings from a command line or a stream, to encoded rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from compiler.sorts import Category, Image, Port, Real, Series, Tokens, owner
from dsl.errors import Diagnostic
from dsl.render import show
from dsl.source import Span
from runtime.data import labels, pairs, pictures, real, segments, subwords
from runtime.data.columns import widest, width_of
from runtime.data.fitting import warn_of_cut
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Rows
from runtime.data.series import of_fields, of_series
from runtime.data.table import plural
from runtime.data.tables import Tables
from runtime.data.tokens import Tokenised
from runtime.data.whole import Whole


def encode(
    ports: tuple[Port, ...],
    tables: Tables,
    texts: Sequence[Sequence[str]],
    *,
    source: str = "input",
    first_line: int = 1,
    warn: Callable[[Diagnostic], None] | None = None,
) -> Rows:
    """Rows for prediction from strings: of each example the fields of the inputs, in the signature's order; values for
    each token of a text are separated by white space, and a picture is the path of its file.

    source, first_line: what an error calls the place of the first example
    warn: is told where `max=` cuts a text, and of categories that the vocabulary has not

    Raises DataError NN710 for a wrong number of fields, NN715 and NN716 for what is no number, NN723 for an empty
    category, NN726 for values that are not as many as the tokens, NN728 for a picture that is no file's path, and what
    `pictures.read_one` raises.
    """
    inputs = tuple(_in_fields(p) for p in ports if not p.output)
    width = sum(width_of(p) for p in inputs)
    # One of a pair's texts may be left out where that leaves no doubt.
    pair = next((p for p in inputs if widest(p, ports) > width_of(p)), None) if len(inputs) == 1 else None
    problems = Problems()
    fields = [list(example) for example in texts]

    def place(row: int, field: int) -> Span:
        line = "\t".join(fields[row])
        begin = sum(len(f) + 1 for f in fields[row][:field])
        end = begin + len(fields[row][field]) if field < len(fields[row]) else len(line)
        return Span(source, first_line + row, begin + 1, first_line + row, max(end, begin) + 1, line)

    for i, example in enumerate(fields):
        if pair is not None and len(example) == 2:
            fields[i] = pairs.joined(example[:1], example[1:])
        elif len(example) != width:
            names = ", ".join(p.name for p in inputs)
            message = f"the model takes {plural(width, 'field')} ({names}), but gets {len(example)}"
            problems.add(Diagnostic("NN710", message, place(i, 0), help="fields are separated by a TAB"))
    problems.check()
    columns = Columns()
    places: dict[str, int] = {}
    at = 0
    for port in inputs:
        here = tuple(range(at, at + width_of(port)))
        places[port.name] = at
        at += len(here)
        taken = [[example[i] for example in fields] for i in here]
        if isinstance(port.sort, Real):
            columns.numbers[port.name] = real.read(taken, _shifted(place, here[0]), _title(port), problems)
        elif isinstance(port.sort, Image):
            columns.pictures[port.name] = pictures.of_paths(
                port, port.sort, taken[0], _of_field(place, here[0]), problems
            )
        elif port.per is not None:
            columns.lists[port.name] = [text.split() for text in taken[0]]
        else:
            if isinstance(port.sort, Category):
                labels.check(taken[0], _of_field(place, here[0]), port.name, problems)
            columns.texts[port.name] = taken[0]
    problems.check()

    def place_of(port: str, row: int, position: int | None) -> Span:
        return place(row, places[port])

    for port, sort in of_series(ports):
        given = columns.numbers[port.name]
        columns.numbers[port.name] = of_fields(sort, given, tables.scalings.get(port.name))
    columns = segments.separated(ports, columns, tagged=False)
    raw = Raw(len(fields), columns, ((0, place_of),))
    whole = Whole.of((raw,))
    tokenised = subwords.cut(ports, whole.tokenised(ports, problems), tables.vocabularies)
    for port in inputs if warn is not None else ():
        if isinstance(port.sort, Tokens):
            warn_of_cut(port, port.sort, tokenised[port.name], problems)
        elif isinstance(port.sort, Category) and port.per is None:
            _warn_of_unknown(port, tokenised[port.name], tables, _of_field(place, places[port.name]), problems)
    for warning in problems.warnings if warn is not None else ():
        warn(warning)
    return whole.encoded(ports, tables, tokenised)


def _warn_of_unknown(
    port: Port, tokenised: Tokenised, tables: Tables, place: Callable[[int], Span], problems: Problems
) -> None:
    known = tables.vocabularies[owner(port)].index
    for row, type_ in enumerate(tokenised.types):
        if (word := tokenised.names[type_]) not in known:
            message = f"`{port.name}`: {show(word)} is not in the vocabulary"
            help = "the model reads it as unknown, whatever it is"
            problems.warn(Diagnostic("NN876", message, place(row), help=help, severity="warning"))


def _in_fields(port: Port) -> Port:
    """A whole window of a series stands in the fields of an example."""
    return replace(port, sort=Real(port.sort.steps * port.sort.width)) if isinstance(port.sort, Series) else port


def _shifted(place: Callable[[int, int], Span], first: int) -> Callable[[int, int], Span]:
    return lambda row, field: place(row, first + field)


def _of_field(place: Callable[[int, int], Span], field: int) -> Callable[[int], Span]:
    return lambda row: place(row, field)


def _title(port: Port) -> Callable[[int], str]:
    wide = width_of(port)
    return lambda k: port.name if wide == 1 else f"{port.name}, number {k + 1} of {wide}"
