"""Entries of the `data` section that name files: which files, and which of their columns is whose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.overrides import SET
from compiler.sections.data_entries import FILE_WORDS
from compiler.sections.reading import Reading
from compiler.settings.data import OWN_FOLDER, Beside, Column, Files, path_refusal
from compiler.signature import Resolved
from compiler.sorts import MADE, Port, Segments, is_pair
from dsl import ast
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span

Settings = dict[str, Resolved]


def in_files(ports: Sequence[Port]) -> tuple[Port, ...]:
    """Those that have columns of their own: segments stand in their text, and what is made from others in no file."""
    return tuple(p for p in ports if not isinstance(p.sort, (Segments, *MADE)))


@dataclass(frozen=True)
class FilesReading:
    """Reads `train`, `valid` and `test`. renamed: what `columns` says, None where it is not there"""

    ports: tuple[Port, ...]
    renamed: tuple[Column, ...] | None
    reading: Reading

    def read(self, entry: ast.Entry, settings: Settings, train: Files | None = None) -> Files | None:
        """What the entry names; None after an error. train: whose header and columns another entry has too"""
        word, error = entry.path[0].id, self.reading.error
        columns, good = self._columns(entry, settings, train)
        if not good:
            return None
        paths, beside = self._paths(entry, settings, "paths"), self._beside(entry, settings)
        if paths is None or beside is None:
            return None
        if not paths and not beside:
            needed = "a file" if train is None else "a file or a share"
            error("NN405", f"{word} needs {needed}", entry.span, f'write {word} "file.tsv"')
            return None
        if paths and beside:
            message = f"{word} has one file for all, or one for each input and output, not both"
            error("NN605", message, entry.span, "leave one out")
            return None
        if beside and settings["columns"] is not None:
            message = "columns= orders the columns of one file, but here each input and output has its own"
            error("NN605", message, entry.span, "leave it out")
            return None
        header = settings["header"] is True or (train is not None and train.header)
        return Files(paths, header, columns, entry.span, _in_set(entry, "paths"), beside)

    def _columns(
        self, entry: ast.Entry, settings: Settings, train: Files | None
    ) -> tuple[tuple[Column, ...] | None, bool]:
        """In the order in which they stand, None where nothing says it; and whether all is well."""
        listed = settings["columns"]
        if isinstance(listed, tuple):
            setting = next((a for a in entry.arguments if isinstance(a, ast.Setting) and a.key == "columns"), None)
            place = setting.span if setting is not None else entry.span
            names = _of_segments([str(n) for n in listed], self.ports)
            if not self._known(names, setting, place):
                return None, False
            return tuple(Column(None if n == "_" else n, None, place) for n in names), True
        return (train.columns if self.renamed is None and train is not None else self.renamed), True

    def _beside(self, entry: ast.Entry, settings: Settings) -> tuple[Beside, ...] | None:
        """`picture="a.idx" digit="b.idx"`: the files of each port, none where none has its own; None after an error."""
        found: list[Beside] = []
        for port in self.ports:
            # An input that is called as a setting is, `header`, cannot have a file of its own.
            if port.name not in FILE_WORDS and settings.get(port.name) is not None:
                paths = self._paths(entry, settings, port.name)
                if paths is None:
                    return None
                found.append(Beside(port.name, paths, _in_set(entry, port.name)))
        if not found:
            return ()
        lacking = [p.name for p in in_files(self.ports) if all(p.name != b.port for b in found)]
        if lacking:
            message = f"no file is {lacking[0]}"
            self.reading.error("NN606", message, entry.span, f'every input and output has its own: {lacking[0]}="..."')
            return None
        first = found[0]
        for other in found[1:]:
            if len(other.paths) != len(first.paths):
                message = f"{other.port} has {len(other.paths)} files, but {first.port} has {len(first.paths)}"
                self.reading.error(
                    "NN606", message, entry.span, "the files of all stand side by side: as many for each"
                )
                return None
        return tuple(found)

    def _paths(self, entry: ast.Entry, settings: Settings, key: str) -> tuple[str, ...] | None:
        """The files that a setting names; None after an error."""
        paths = settings[key]
        written = tuple(str(path) for path in paths) if isinstance(paths, tuple) else ()
        # What stands in --set comes from the command line, where paths are free.
        if _in_set(entry, key) is None:
            for path in written:
                if (reason := path_refusal(path)) is not None:
                    place = next((a.span for a in entry.arguments if _names(a, path)), entry.span)
                    self.reading.error("NN701", f'the path "{show(path)}" {reason}', place, OWN_FOLDER)
                    return None
        return written

    def _known(self, names: list[str], place: ast.Setting | None, span: Span) -> bool:
        """Whether each is a port's, and each port is named, as often as it has columns."""
        good, own = True, in_files(self.ports)
        for i, name in enumerate(names):
            if name != "_" and all(p.name != name for p in self.ports):
                near = nearest(name, [p.name for p in self.ports])
                at = place.values[i].span if place is not None else span
                help = f"did you mean {near}?" if near else "use _ for a column that is skipped"
                self.reading.error("NN606", f"the model has no input or output {name}", at, help)
                good = False
        for port in self.ports:
            if port in own and port.name not in names and good:
                message = f"no column is {port.name}"
                self.reading.error("NN606", message, span, "name every input and output of the model")
                return False
            if names.count(port.name) > (2 if is_pair(port.sort) else 1):
                message = f"two columns are {port.name}"
                self.reading.error(
                    "NN606", message, span, f"leave one out: {port.name} takes all of its columns by one name"
                )
                good = False
        return good


def _in_set(entry: ast.Entry, key: str) -> Span | None:
    """Where the command line has the setting, or what stands in its place; None where the spec has it."""
    arguments = (a for a in entry.arguments if a.span.file == SET and not isinstance(a, ast.Word))
    of_key = (a for a in arguments if (a.key == key if isinstance(a, ast.Setting) else key == "paths"))
    return next((a.span for a in of_key), None)


def _names(argument: ast.Argument, path: str) -> bool:
    """Whether the path stands in this argument."""
    values = argument.values if isinstance(argument, ast.Setting) else ()
    alone = (argument.value,) if isinstance(argument, ast.Positional) else ()
    return any(isinstance(value, ast.Text) and value.value == path for value in (*values, *alone))


def _of_segments(names: list[str], ports: Sequence[Port]) -> list[str]:
    """The columns with a text for its segments, which are written in it: either name will do."""
    texts = {p.name: p.per for p in ports if isinstance(p.sort, Segments) and p.per is not None}
    return [texts.get(name, name) for name in names]


def renamed_columns(entry: ast.Entry, ports: tuple[Port, ...], reading: Reading) -> tuple[Column, ...] | None:
    """`columns y="pm2.5" weather=TEMP,PRES`: the headings that each port takes."""
    own = in_files(ports)
    columns: list[Column] = []
    for argument in entry.arguments:
        if not isinstance(argument, ast.Setting):
            reading.error(
                "NN401", "columns takes names with their headings", argument.span, 'columns y="pm2.5" weather=TEMP,PRES'
            )
            return None
        for value in argument.values:
            if not isinstance(value, (ast.Name, ast.Text)):
                reading.error("NN403", "a heading is a name or a string", value.span)
                return None
            heading = value.id if isinstance(value, ast.Name) else value.value
            columns.append(Column(argument.key, heading, value.span))
    names = list(dict.fromkeys(c.port for c in columns if c.port is not None))
    known = [n for n in names if any(p.name == n for p in own)]
    for name in names:
        if name not in known:
            near = nearest(name, [p.name for p in own])
            reading.error(
                "NN606", f"the model has no input or output {name}", entry.span, f"did you mean {near}?" if near else ""
            )
    # A port that is not named is found under a heading of its own name.
    columns += [Column(p.name, p.name, p.span) for p in own if p.name not in names]
    return tuple(columns)
