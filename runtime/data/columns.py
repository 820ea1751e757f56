"""Which fields of a row belong to which input or output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from compiler.settings.data import Column, Files
from compiler.sorts import MADE, Port, Real, Word, is_pair
from dsl.errors import DataError, Diagnostic, Note
from dsl.nearest import nearest
from dsl.render import show
from runtime.data.headings import look_for_unsaid
from runtime.data.problems import Problems
from runtime.data.table import Table, plural


@dataclass(frozen=True)
class Layout:
    """width: fields of a row; fields: for each port that the file has, where its fields are."""

    width: int
    fields: dict[str, tuple[int, ...]]
    headings: tuple[str, ...] | None

    def title(self, port: str, number: int = 0) -> str:
        """What an error calls a field: `column "pm2.5"`, `label`, `point, number 2 of 3`."""
        fields = self.fields[port]
        if self.headings is not None:
            return f'column "{show(self.headings[fields[number]])}"'
        return port if len(fields) == 1 else f"{port}, number {number + 1} of {len(fields)}"


def width_of(port: Port) -> int:
    """How many fields of a row the port takes."""
    return port.sort.width if isinstance(port.sort, Real) else 1


def widest(port: Port, ports: Iterable[Port]) -> int:
    """How many fields it may take: a pair of texts that has no value for each token is one field, or two."""
    labelled = any(p.per == port.name and not isinstance(p.sort, MADE) for p in ports)
    return 2 if is_pair(port.sort) and not labelled else width_of(port)


def lay_out(
    ports: tuple[Port, ...], files: Files, table: Table, problems: Problems, *, outputs_optional: bool
) -> tuple[Layout, Table] | None:
    """The layout of a file and its rows without the headings; None after an error.

    outputs_optional: a file of examples to predict may leave the outputs' columns out
    """
    if not table.count:
        problems.add(
            Diagnostic("NN707", f"{show(table.file.name)} has no rows", files.place, help="name a file that has some")
        )
        return None
    try:
        check_names(ports, files)
        if not files.header:
            layout = _in_order(ports, files, table, outputs_optional)
            return None if look_for_unsaid(ports, files, table, layout.fields, problems) else (layout, table)
        headings = tuple(table.row(0))
        _check_headings(table)
        if files.columns is not None and any(c.port is None for c in files.columns):
            layout = _in_order(ports, files, table, outputs_optional)
            layout = Layout(layout.width, layout.fields, headings)
        else:
            layout = _by_heading(ports, files, table, outputs_optional)
        if table.count == 1:
            message = f"{show(table.file.name)} has headings, but no rows"
            raise DataError(Diagnostic("NN707", message, table.span(0), help="the rows stand below the headings"))
    except DataError as error:
        for diagnostic in error.diagnostics:
            problems.add(diagnostic)
        return None
    return layout, table.without_first()


def check_names(ports: tuple[Port, ...], files: Files) -> None:
    known = [p.name for p in ports]
    for column in files.columns or ():
        if column.port is not None and column.port not in known:
            found = nearest(column.port, known)
            raise DataError(
                Diagnostic(
                    "NN714",
                    f"the model has no input or output `{show(column.port)}`",
                    column.span or files.span,
                    help=f"did you mean `{found}`?" if found else f"it has {_listed(known)}; `_` skips a column",
                )
            )


def _check_headings(table: Table) -> None:
    seen: dict[str, int] = {}
    for i, heading in enumerate(table.row(0)):
        if heading in seen:
            raise DataError(
                Diagnostic(
                    "NN712",
                    f'two columns have the heading "{show(heading)}"',
                    table.span(0, i),
                    notes=(Note(table.span(0, seen[heading]), "the first one"),),
                    help="rename one of them: a name must lead to one column",
                )
            )
        seen[heading] = i


def _by_heading(ports: tuple[Port, ...], files: Files, table: Table, outputs_optional: bool) -> Layout:
    headings = tuple(table.row(0))
    places = {heading: i for i, heading in enumerate(headings)}
    named: dict[str, list[Column]] = {}
    for column in files.columns or ():
        if column.port is not None:
            named.setdefault(column.port, []).append(column)
    fields: dict[str, tuple[int, ...]] = {}
    errors: list[Diagnostic] = []
    for port in ports:
        columns = named.get(port.name) or [Column(port.name, None)]
        wanted = [column.heading or port.name for column in columns]
        if outputs_optional and port.output and not any(w in places for w in wanted):
            continue
        missing = [c for c, w in zip(columns, wanted, strict=True) if w not in places]
        if not missing and width_of(port) <= len(wanted) <= widest(port, ports):
            fields[port.name] = tuple(places[w] for w in wanted)
        elif missing:
            errors += [_no_heading(c, port, files, table) for c in missing]
        else:
            example = ",".join(f'"{i + 1}"' for i in range(min(width_of(port), 4)))
            errors.append(
                Diagnostic(
                    "NN714",
                    f"`{port.name}` takes {plural(width_of(port), 'column')}, but {len(wanted)} "
                    f"{'is' if len(wanted) == 1 else 'are'} named",
                    columns[0].span or files.span,
                    help=f"name as many, in order: columns {port.name}={example}"
                    + (f"; or write {port.name}: real[{len(wanted)}]" if isinstance(port.sort, Real) else ""),
                )
            )
    if errors:
        raise DataError(errors)
    return Layout(len(headings), fields, headings)


def _no_heading(column: Column, port: Port, files: Files, table: Table) -> Diagnostic:
    wanted = column.heading or port.name
    headings = table.row(0)
    found = nearest(wanted, headings)
    if found is not None:
        helps = f'did you mean "{show(found)}"?'
    else:
        helps = f"the headings are {_listed([show(h) for h in headings])}"
    if column.heading is None:
        example = show(found if found is not None else headings[0])
        helps += f'; columns {port.name}="{example}" would read `{port.name}` from the column with that heading'
    return Diagnostic(
        "NN713",
        f'no column of {show(table.file.name)} has the heading "{show(wanted)}"',
        column.span or files.span,
        notes=(Note(table.span(0), "the headings"),),
        help=helps,
    )


def _in_order(ports: tuple[Port, ...], files: Files, table: Table, outputs_optional: bool) -> Layout:
    slots = _slots(ports, files, outputs_optional)
    found = len(table.row(0))
    forms = [slots]
    if files.columns is None:
        wide = {p.name for p in ports if widest(p, ports) > width_of(p)}
        forms.append([s for name in slots for s in ([name, name] if name in wide else [name])])
    if outputs_optional:
        outputs = {p.name for p in ports if p.output}
        forms += [[s for s in form if s not in outputs] for form in forms]
        forms += [[s for s in form if s is not None] for form in forms]
    form = next((f for f in forms if len(f) == found), None)
    if form is None:
        raise DataError(_other_width(files, table, slots, ports))
    fields: dict[str, tuple[int, ...]] = {}
    for i, name in enumerate(form):
        if name is not None:
            fields[name] = (*fields.get(name, ()), i)
    return Layout(found, fields, None)


def _slots(ports: tuple[Port, ...], files: Files, outputs_optional: bool) -> list[str | None]:
    """For each field of a row, whose it is; None is skipped."""
    widths = {p.name: width_of(p) for p in ports}
    pairs = {p.name for p in ports if widest(p, ports) > widths[p.name] and _mentions(files, p) <= widest(p, ports)}
    if files.columns is None:
        ordered = [p for p in ports if p.output] + [p for p in ports if not p.output]
        return [p.name for p in ordered for _ in range(width_of(p))]
    named = [c.port for c in files.columns]
    slots: list[str | None] = []
    for column in files.columns:
        name = column.port
        if column.heading is not None:
            raise DataError(
                Diagnostic(
                    "NN714",
                    f'the file is read without headings, so "{show(column.heading)}" names nothing',
                    column.span or files.span,
                    help="add `header` to the entry when the first row holds the headings",
                )
            )
        if name is None or named.count(name) == widths[name] or name in pairs:
            slots.append(name)
        elif named.count(name) == 1:
            slots += [name] * widths[name]
        else:
            raise DataError(
                Diagnostic(
                    "NN714",
                    f"`{name}` takes {plural(widths[name], 'column')}, but is named {named.count(name)} times",
                    column.span or files.span,
                    help=f"name it once: it stands for {plural(widths[name], 'column')} side by side",
                )
            )
    for port in ports:
        if port.name not in named and not (outputs_optional and port.output):
            raise DataError(
                Diagnostic(
                    "NN714",
                    f"`columns` does not say where `{port.name}` is",
                    files.span,
                    help="name every input and output, in the order of the file's columns; `_` skips one",
                )
            )
    return slots


def _mentions(files: Files, port: Port) -> int:
    return sum(column.port == port.name for column in files.columns or ())


def _other_width(files: Files, table: Table, slots: list[str | None], ports: Iterable[Port]) -> Diagnostic:
    row = table.row(0)
    said = "`columns` stands for" if files.columns is not None else "the model takes"
    order = ", ".join("_" if s is None else s for s in slots[:8]) + (", ..." if len(slots) > 8 else "")
    helps = f"in a row are expected: {order}"
    if table.format == "text" and any(isinstance(port.sort, Word) for port in ports):
        helps += '; of a running text: train "text.txt" windows=skipgram'
    elif table.format == "text":
        helps += (
            "; the file's ending is neither .tsv nor .csv, so a line is one field: say `format tsv` or `format csv`"
        )
    elif len(row) == 1 and table.format == "tsv":
        helps += "; fields are separated by a TAB" + ("; is it CSV? then say `format csv`" if "," in row[0] else "")
    elif len(row) == 1 and table.format == "csv":
        helps += "; fields are separated by a comma"
    elif len(row) > len(slots):
        helps += "; `_` in `columns` skips a column"
    return Diagnostic(
        "NN710",
        f"the first row has {plural(len(row), 'field')}, but {said} {len(slots)}",
        table.span(0),
        notes=(Note(files.span, "read as this says"),),
        help=helps,
    )


def _listed(names: Iterable[str]) -> str:
    shown = [f"`{name}`" for name in names]
    return ", ".join(shown[:10]) + (f" and {len(shown) - 10} more" if len(shown) > 10 else "")
