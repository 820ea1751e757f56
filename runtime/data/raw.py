"""The rows of an entry of the `data` section, read from its files but not yet encoded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from compiler.settings.data import Files, Format
from compiler.sorts import Image, Pixels, Port
from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span, shown
from runtime.data import files, idx, jsonl, npz, pictures, segments, tabular, tokenlines
from runtime.data.files import DataFile
from runtime.data.part import Columns, Part, Place, Request
from runtime.data.problems import Problems
from runtime.data.table import plural


@dataclass(frozen=True)
class Raw:
    """Rows of one or several files, before any table. places: of each file the first row, and where its rows stand."""

    count: int
    columns: Columns
    places: tuple[tuple[int, Place], ...] = ()

    @staticmethod
    def of_one(part: Part) -> Raw:
        """The rows of one file, or of what stands for it in memory."""
        return Raw(part.count, part.columns, ((0, part.place),))

    def span(self, port: str, row: int, position: int | None = None) -> Span:
        """Where the row's (first) field of the port stands; with a position, that one of a list."""
        first, place = self.places[bisect_right([first for first, _ in self.places], row) - 1]
        return place(port, row - first, position)


def read_files(
    ports: tuple[Port, ...],
    entry: Files,
    format: Format | None,
    path_of: Callable[[str, bool], Path],
    problems: Problems,
    *,
    outputs_optional: bool = False,
    skip_missing: bool = False,
    keep_missing: bool = False,
) -> tuple[Raw, list[DataFile]]:
    """The rows of all files of an entry; what is wrong goes to problems.

    path_of: from a path as written, and whether it is free, to where it leads
    skip_missing: rows in which a number is missing are left out; keep_missing: the number is NaN; else it is an error
    """
    request = Request(segments.written(ports), entry, problems, outputs_optional, skip_missing or keep_missing)
    parts: list[Part] = []
    if entry.beside:
        found = _beside(request, format, path_of)
    else:
        found = [_one(path, entry.free, request, format, path_of) for path in entry.paths]
    for part in found:
        if part is None:
            continue
        if parts and (other := _unlike(parts[0].columns, part.columns, request)) is not None:
            problems.add(other)
            continue
        parts.append(_without_missing(part, problems) if part.missing and not keep_missing else part)
    read = [file for part in parts for file in part.files]
    if not parts:
        return Raw(0, Columns()), read
    # Of files of which only some have the outputs, none has: rows are either all labelled or not.
    present = set[str].intersection(*(part.columns.ports() for part in parts))
    columns = Columns.joined((part.columns for part in parts), present)
    columns = segments.separated(ports, columns, tagged=not outputs_optional)
    places: list[tuple[int, Place]] = []
    count = 0
    for part in parts:
        places.append((count, part.place))
        count += part.count
    return Raw(count, columns, tuple(places)), read


def _one(
    written: str, free: bool, request: Request, format: Format | None, path_of: Callable[[str, bool], Path]
) -> Part | None:
    """The rows of one file; None after an error."""
    try:
        path = path_of(written, free)
        _refuse_a_picture(path, request)
        kind = format or ("folder" if _has_pictures(path, request) else format_of(written, request.ports))
        match kind:
            case "folder":
                return pictures.read(path, request)
            case "idx":
                return idx.read(path, request)
            case "npz":
                return npz.read(path, request)
            case "jsonl":
                return jsonl.read(files.read_text(path, request.entry.place), request)
            case "tsv" if any(port.per is not None for port in request.ports):
                return tokenlines.read(files.read_text(path, request.entry.place), request)
            case "tsv" | "csv" | "text":
                return tabular.read(files.read_text(path, request.entry.place), kind, request)
    except DataError as error:
        for diagnostic in error.diagnostics:
            if diagnostic not in request.problems.errors:
                request.problems.add(diagnostic)
    return None


def _refuse_a_picture(path: Path, request: Request) -> None:
    """One picture, named as if it were a file of rows."""
    if path.suffix.lower() in pictures.ENDINGS and path.is_file():
        message = f"{show(shown(path))} is a picture by its name, not a file of rows"
        help = "name the folder that it is in; nnc predict takes the path of a picture as it is, without --file"
        raise DataError(Diagnostic("NN743", message, request.entry.place, help=help))


def _has_pictures(path: Path, request: Request) -> bool:
    return path.is_dir() and any(isinstance(port.sort, Image | Pixels) for port in request.ports)


def format_of(path: str, ports: tuple[Port, ...]) -> Format:
    """By the ending, `.gz` left aside; what has none that is known is idx for a picture, else text, a line a row."""
    stem = path.lower().removesuffix(".gz")
    endings: dict[str, Format] = {
        ".tsv": "tsv",
        ".csv": "csv",
        ".jsonl": "jsonl",
        ".npz": "npz",
        ".idx": "idx",
        "-ubyte": "idx",
    }
    for ending, format in endings.items():
        if stem.endswith(ending):
            return format
    return "idx" if len(ports) == 1 and isinstance(ports[0].sort, Image | Pixels) else "text"


# Files side by side


def _beside(request: Request, format: Format | None, path_of: Callable[[str, bool], Path]) -> list[Part | None]:
    """One part for the first files of all ports, one for the second, and so on."""
    entry = request.entry
    known = {port.name: port for port in request.ports}
    columns = [b for b in entry.beside if b.port in known]
    groups: list[Part | None] = []
    for i in range(max((len(b.paths) for b in columns), default=0)):
        found: dict[str, Part | None] = {}
        for beside in columns:
            if i < len(beside.paths):
                own = tuple(c for c in entry.columns or () if c.port == beside.port and c.heading is not None)
                alone = replace(entry, columns=own or None, named=beside.named)
                asked = replace(request, ports=(known[beside.port],), entry=alone)
                found[beside.port] = _one(beside.paths[i], beside.free, asked, format, path_of)
        groups.append(_joined({name: part for name, part in found.items() if part is not None}, request))
    return groups


def _joined(parts: Mapping[str, Part], request: Request) -> Part | None:
    """The parts of several ports as one, row beside row."""
    counts = {part.count for part in parts.values()}
    if (stranger := _without_partner(parts, request)) is not None:
        request.problems.add(stranger)
        return None
    if len(counts) != 1:
        if counts and not request.problems.errors:
            request.problems.add(_unequal(parts, request))
        return None
    for misfit in _misfits(parts):
        request.problems.add(misfit)
    columns = Columns()
    missing: dict[int, tuple[str, int]] = {}
    for part in parts.values():
        columns.maps.update(part.columns.maps)
        columns.texts.update(part.columns.texts)
        columns.numbers.update(part.columns.numbers)
        columns.lists.update(part.columns.lists)
        columns.pictures.update(part.columns.pictures)
        missing.update(part.missing)

    def place(port: str, row: int, position: int | None) -> Span:
        return parts[port].place(port, row, position)

    return Part(counts.pop(), columns, place, tuple(f for p in parts.values() for f in p.files), missing)


def _without_partner(parts: Mapping[str, Part], request: Request) -> Diagnostic | None:
    """Folders pair by the names of their files: an error for the first one that stands in one of them alone."""
    folders = [(name, part, part.stems) for name, part in parts.items() if part.stems is not None]
    for name, part, stems in folders[1:]:
        first, whole, others = folders[0]
        if stems != others:
            alone = next((s for s in others if s not in stems), None)
            here, there, of = (first, name, whole) if alone is not None else (name, first, part)
            alone = alone if alone is not None else next((s for s in stems if s not in others), stems[0])
            row = (of.stems or ()).index(alone)
            message = f"`{there}` has no picture named {show(alone)}, and `{here}` has one"
            help = "pictures of two folders belong together by their names without the ending"
            return Diagnostic("NN760", message, of.place(here, row, None), help=help)
    return None


def _misfits(parts: Mapping[str, Part]) -> Iterator[Diagnostic]:
    """Of folders beside each other, each picture of another shape than its partner: cropped by itself, its pixels would
    lie elsewhere. Sizes may differ, and a hundredth for what scaling rounds."""
    folders = [(name, part) for name, part in parts.items() if part.stems is not None]
    for name, part in folders[1:]:
        first, whole = folders[0]
        # Where a picture was not read, that is told already.
        pairs = zip(whole.sizes, part.sizes, strict=True) if len(whole.sizes) == len(part.sizes) == part.count else ()
        for row, ((wide, high), (w, h)) in enumerate(pairs):
            if abs(wide * h - w * high) > max(wide * h, w * high) / 100:
                message = f"this picture of `{name}` is {w} by {h} pixels, and that of `{first}` {wide} by {high}"
                help = "write both in the same shape: pixels are paired by their places"
                yield Diagnostic("NN760", message, part.place(name, row, None), help=help)


def _unequal(parts: Mapping[str, Part], request: Request) -> Diagnostic:
    said = [f"{show(part.files[0].name)} has {plural(part.count, 'row')}" for part in parts.values()]
    return Diagnostic(
        "NN742",
        f"files side by side must have equally many rows, but {', '.join(said[:-1])} and {said[-1]}",
        request.entry.place,
        help="row by row they belong together: look for a line that only one of them has",
    )


# What parts have in common


def check_alike(parts: Mapping[str, Raw], entries: Mapping[str, Files], problems: Problems) -> None:
    """An error where a text comes as strings in one entry and as lists in another."""
    (first_name, first), *others = parts.items()
    for name, part in others:
        request = Request((), entries[name], problems)
        if (found := _unlike(first.columns, part.columns, request, first_name)) is not None:
            problems.add(found)


def _unlike(first: Columns, second: Columns, request: Request, first_name: str = "the first file") -> Diagnostic | None:
    before, now = first.kinds(), second.kinds()
    for port, kind in now.items():
        if before.get(port, kind) != kind:
            return Diagnostic(
                "NN744",
                f"`{port}` comes as {kind} here, but as {before[port]} in {first_name}",
                request.entry.place,
                help="lists are tokens that are not split again: write all files in the same way",
            )
    return None


def _without_missing(part: Part, problems: Problems) -> Part:
    """The part without the rows that lack a number, and a warning that says how many."""
    kept = [row for row in range(part.count) if row not in part.missing]
    first = min(part.missing)
    port, position = part.missing[first]
    place = part.place(port, first, position)
    if not kept:
        problems.add(
            Diagnostic("NN716", f"every row of {show(part.files[0].name)} lacks a number", place, "the first one")
        )
    count = len(part.missing)
    have = "have" if count > 1 else "has"
    problems.warn(
        Diagnostic(
            "NN736",
            f"{count:,} of the {part.count:,} rows {have} a missing number and {'are' if count > 1 else 'is'} left out",
            place,
            "the first one",
            help="`missing skip` asks for this",
            severity="warning",
        )
    )

    def moved(port: str, row: int, position: int | None) -> Span:
        return part.place(port, kept[row], position)

    return replace(part, count=len(kept), columns=part.columns.take(kept), place=moved, missing={})
