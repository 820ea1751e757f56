"""The `data` section, each entry checked against its row of the table."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.overrides import SET
from compiler.sections.data_entries import FILE_WORDS, with_ports
from compiler.sections.reading import Reading
from compiler.sections.running import is_running_text
from compiler.sections.series import of_series
from compiler.sections.windows import windows_of
from compiler.settings.data import (
    FORMATS,
    MISSING,
    OWN_FOLDER,
    Augment,
    Beside,
    Column,
    DataSettings,
    Files,
    Missing,
    Share,
    path_refusal,
)
from compiler.signature import Resolved
from compiler.sorts import MADE, Image, Port, Segments, is_pair, pair_of
from dsl import ast
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span


def data_settings(
    section: ast.Section | None, ports: tuple[Port, ...] | None, names: Sequence[str], reading: Reading
) -> DataSettings | None:
    """The `data` section; None where there is none, or where it was wrong.

    ports: None where a sort was wrong; then columns are not looked at
    """
    if section is None:
        return None
    found = reading.entries(section, with_ports(names), several=("train", "valid", "test"))
    if ports is None:
        return None
    if "train" not in found:
        if not any(e.path[0].id == "train" for e in section.entries):
            reading.error("NN604", "data needs a train entry", section.kind.span, 'write train "file.tsv"')
        return None
    own = tuple(p for p in ports if not isinstance(p.sort, (Segments, *MADE)))
    renamed = _renamed(found["columns"][0], own, reading) if "columns" in found else None
    wrong = [word for word in ("valid", "test") if word in found and not _share_is_right(*found[word], names, reading)]
    windows, good = windows_of(found, ports, reading)
    good = good and of_series(found, ports, reading)
    running = pair_of(ports)
    if running is not None and not is_running_text(found, running, ports, reading):
        return None
    train = _files(*found["train"], ports, reading, renamed, None)
    if train is None or wrong or not good:
        return None
    splits = {
        word: _split(*found[word], ports, reading, renamed, train) if word in found else None
        for word in ("valid", "test")
    }
    folds = found["folds"][1]["n"] if "folds" in found else None
    if folds is not None and splits["test"] is not None:
        reading.error(
            "NN605",
            "folds and test: with folds every row is tested once already",
            found["folds"][0].span,
            "leave one of them out",
        )
    format = found["format"][1]["kind"] if "format" in found else None
    said = found["missing"][1]["rows"] if "missing" in found else None
    missing: Missing | None = next((known for known in MISSING if known == said), None)
    seed = found["seed"][1]["n"] if "seed" in found else 0
    return DataSettings(
        train,
        splits["valid"],
        splits["test"],
        folds if isinstance(folds, int) else None,
        next((known for known in FORMATS if known == format), None),
        missing or "error",
        _augment(*found["augment"], ports, reading) if "augment" in found else None,
        seed=seed if isinstance(seed, int) else 0,
        span=section.span,
        windows=windows,
    )


def _augment(
    entry: ast.Entry, settings: dict[str, Resolved], ports: tuple[Port, ...], reading: Reading
) -> Augment | None:
    pictures = [port.sort for port in ports if isinstance(port.sort, Image)]
    flip, crop = settings["flip"] is True, settings["crop"]
    if not pictures:
        help = "leave it out"
        reading.error("NN605", "augment moves pictures, and the model has no image", entry.span, help)
    elif not flip and crop is None:
        reading.error("NN405", "augment needs flip or crop=", entry.span, "write augment flip crop=4")
    elif isinstance(crop, int) and crop >= min(min(p.height, p.width) for p in pictures):
        message = f"augment crop={crop} may move a picture out of sight: it must be smaller than its sides"
        reading.error("NN404", message, entry.span, "write augment crop=4")
    return Augment(flip, crop if isinstance(crop, int) else 0)


def _share_is_right(entry: ast.Entry, settings: dict[str, Resolved], ports: Sequence[str], reading: Reading) -> bool:
    share = settings["share"]
    if not isinstance(share, (int, float)):
        return True
    if settings["paths"] is not None or any(isinstance(a, ast.Setting) and a.key in ports for a in entry.arguments):
        reading.error("NN605", f"{entry.path[0].id} is a file or a share of train, not both", entry.span)
        return False
    if not 0 < share < 1:
        message = f"a share must be above 0% and below 100%, but is {share:.0%}"
        reading.error("NN404", message, entry.span, "10% is a tenth of the rows")
        return False
    return True


def _split(
    entry: ast.Entry,
    settings: dict[str, Resolved],
    ports: tuple[Port, ...],
    reading: Reading,
    renamed: tuple[Column, ...] | None,
    train: Files,
) -> Files | Share | None:
    share = settings["share"]
    if isinstance(share, (int, float)):
        return Share(float(share), settings["last"] is True, entry.span)
    return _files(entry, settings, ports, reading, renamed, train)


def _files(
    entry: ast.Entry,
    settings: dict[str, Resolved],
    ports: tuple[Port, ...],
    reading: Reading,
    renamed: tuple[Column, ...] | None,
    train: Files | None,
) -> Files | None:
    columns: tuple[Column, ...] | None = renamed
    listed = settings["columns"]
    header = settings["header"] is True or (train is not None and train.header)
    if isinstance(listed, tuple):
        setting = next((a for a in entry.arguments if isinstance(a, ast.Setting) and a.key == "columns"), None)
        place = setting.span if setting is not None else entry.span
        names = _of_segments([str(n) for n in listed], ports)
        if not _known(names, ports, setting, reading, place):
            return None
        columns = tuple(Column(None if n == "_" else n, None, place) for n in names)
    elif columns is None and train is not None:
        columns = train.columns
    paths, beside = _paths(entry, settings, "paths", reading), _beside(entry, settings, ports, reading)
    if paths is None or beside is None:
        return None
    if not paths and not beside:
        word = entry.path[0].id
        needed = "a file" if train is None else "a file or a share"
        reading.error("NN405", f"{word} needs {needed}", entry.span, f'write {word} "file.tsv"')
        return None
    if paths and beside:
        message = f"{entry.path[0].id} has one file for all, or one for each input and output, not both"
        reading.error("NN605", message, entry.span, "leave one out")
        return None
    if beside and isinstance(listed, tuple):
        message = "columns= orders the columns of one file, but here each input and output has its own"
        reading.error("NN605", message, entry.span, "leave it out")
        return None
    return Files(paths, header, columns, entry.span, _from_set(entry, "paths"), beside)


def _beside(
    entry: ast.Entry, settings: dict[str, Resolved], ports: tuple[Port, ...], reading: Reading
) -> tuple[Beside, ...] | None:
    """`picture="a.idx" digit="b.idx"`: the files of each port, none where none has its own; None after an error."""
    found: list[Beside] = []
    for port in ports:
        # An input that is called as a setting is, `header`, cannot have a file of its own.
        if port.name not in FILE_WORDS and settings.get(port.name) is not None:
            paths = _paths(entry, settings, port.name, reading)
            if paths is None:
                return None
            found.append(Beside(port.name, paths, _from_set(entry, port.name)))
    if not found:
        return ()
    own = [port.name for port in ports if not isinstance(port.sort, (Segments, *MADE))]
    lacking = [name for name in own if all(name != b.port for b in found)]
    if lacking:
        message = f"no file is {lacking[0]}"
        reading.error("NN606", message, entry.span, f'every input and output has its own: {lacking[0]}="..."')
        return None
    first = found[0]
    for other in found[1:]:
        if len(other.paths) != len(first.paths):
            message = f"{other.port} has {len(other.paths)} files, but {first.port} has {len(first.paths)}"
            reading.error("NN606", message, entry.span, "the files of all stand side by side: as many for each")
            return None
    return tuple(found)


def _paths(entry: ast.Entry, settings: dict[str, Resolved], key: str, reading: Reading) -> tuple[str, ...] | None:
    """The files that a setting names; None after an error."""
    paths = settings[key]
    written = tuple(str(path) for path in paths) if isinstance(paths, tuple) else ()
    # What stands in --set comes from the command line, where paths are free.
    if not _from_set(entry, key):
        for path in written:
            if (reason := path_refusal(path)) is not None:
                place = next((a.span for a in entry.arguments if _names(a, path)), entry.span)
                reading.error("NN701", f'the path "{show(path)}" {reason}', place, OWN_FOLDER)
                return None
    return written


def _from_set(entry: ast.Entry, key: str) -> bool:
    """Whether the setting, or what stands in its place, comes from the command line."""
    return any(
        a.span.file == SET and (a.key == key if isinstance(a, ast.Setting) else key == "paths")
        for a in entry.arguments
        if not isinstance(a, ast.Word)
    )


def _names(argument: ast.Argument, path: str) -> bool:
    """Whether the path stands in this argument."""
    values = argument.values if isinstance(argument, ast.Setting) else ()
    alone = (argument.value,) if isinstance(argument, ast.Positional) else ()
    return any(isinstance(value, ast.Text) and value.value == path for value in (*values, *alone))


def _of_segments(names: list[str], ports: tuple[Port, ...]) -> list[str]:
    """The columns with a text for its segments, which are written in it: either name will do."""
    texts = {p.name: p.per for p in ports if isinstance(p.sort, Segments) and p.per is not None}
    return [texts.get(name, name) for name in names]


def _known(names: list[str], ports: tuple[Port, ...], place: ast.Setting | None, reading: Reading, span: Span) -> bool:
    good = True
    for i, name in enumerate(names):
        if name != "_" and all(p.name != name for p in ports):
            near = nearest(name, [p.name for p in ports])
            at = place.values[i].span if place is not None else span
            help = f"did you mean {near}?" if near else "use _ for a column that is skipped"
            reading.error("NN606", f"the model has no input or output {name}", at, help)
            good = False
    for port in ports:
        if port.name not in names and good and not isinstance(port.sort, (Segments, *MADE)):
            message = f"no column is {port.name}"
            reading.error("NN606", message, span, "name every input and output of the model")
            return False
        if names.count(port.name) > (2 if is_pair(port.sort) else 1):
            reading.error("NN606", f"two columns are {port.name}", span, "real[4] takes four columns by one name")
            good = False
    return good


def _renamed(entry: ast.Entry, ports: tuple[Port, ...], reading: Reading) -> tuple[Column, ...] | None:
    """`columns y="pm2.5" weather=TEMP,PRES`: the headings that each port takes."""
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
    known = [n for n in names if any(p.name == n for p in ports)]
    for name in names:
        if name not in known:
            near = nearest(name, [p.name for p in ports])
            reading.error(
                "NN606", f"the model has no input or output {name}", entry.span, f"did you mean {near}?" if near else ""
            )
    # A port that is not named is found under a heading of its own name.
    columns += [Column(p.name, p.name, p.span) for p in ports if p.name not in names]
    return tuple(columns)
