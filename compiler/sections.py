"""The sections of a spec: `data` and `train`, each entry checked against its table row."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.entries import DATA, OPTIMIZERS, SWEEP, TRAIN, TRIALS, Reading
from compiler.overrides import SET, overridden
from compiler.settings import Clip, Column, DataSettings, Files, Optimizer, Share, TrainSettings, path_refusal
from compiler.signature import Resolved
from compiler.sorts import Port
from dsl import ast
from dsl.errors import Diagnostic, Note, SpecError
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span

OWN_FOLDER = "a spec reads only files in its own folder or below, or below the folder given with --data-root"


def train_settings(section: ast.Section | None, names: Sequence[str], reading: Reading) -> TrainSettings:
    """The `train` section; defaults where there is none. names: the model's inputs and outputs."""
    if section is None:
        return TrainSettings()
    found = reading.entries(section, TRAIN, names)
    chosen = [word for word in found if any(o.word == word for o in OPTIMIZERS)]
    if len(chosen) > 1:
        first, second = found[chosen[0]][0], found[chosen[1]][0]
        reading.error(
            "NN603",
            f"{chosen[0]} and {chosen[1]}: a run has one optimizer",
            second.span,
            "leave one out",
            (Note(first.span, "the first one"),),
        )
    optimizer = _optimizer(chosen[0], *found[chosen[0]], reading) if chosen else Optimizer()
    clip = found["clip"][1] if "clip" in found else {}
    if "clip" in found and all(v is None for v in clip.values()):
        reading.error("NN405", "clip needs norm=, value= or weights=", found["clip"][0].span, "clip norm=5")
    stop = found.get("stop")
    metric = stop[1]["metric"] if stop is not None else None
    patience = stop[1]["patience"] if stop is not None else None

    def whole(word: str, key: str, default: int) -> int:
        value = found[word][1][key] if word in found else default
        return value if isinstance(value, int) else default

    def bound(key: str) -> float | None:
        value = clip.get(key)
        return float(value) if isinstance(value, (int, float)) else None

    decay = found["decay"][1]["x"] if "decay" in found else 0.0
    return TrainSettings(
        optimizer=optimizer,
        decay=float(decay) if isinstance(decay, (int, float)) else 0.0,
        batch=whole("batch", "size", 32),
        epochs=whole("epochs", "n", 10),
        clip=Clip(bound("norm"), bound("value"), bound("weights")),
        loss="perceptron" if "loss" in found else "auto",
        patience=patience if isinstance(patience, int) else None,
        metric=metric if isinstance(metric, str) else None,
        seed=whole("seed", "n", 1),
        span=section.span,
        stop_span=stop[0].span if stop is not None else None,
    )


def _optimizer(word: str, entry: ast.Entry, settings: dict[str, Resolved], reading: Reading) -> Optimizer:
    values = {k: float(v) for k, v in settings.items() if isinstance(v, (int, float))}
    betas = settings.get("betas", (0.9, 0.999))
    if not isinstance(betas, tuple) or len(betas) != 2:
        reading.error(
            "NN403",
            f"betas are two numbers, but here {len(betas) if isinstance(betas, tuple) else 1}",
            entry.span,
            "betas=0.9,0.999",
        )
        betas = (0.9, 0.999)
    first, second = (float(b) if isinstance(b, (int, float)) else 0.9 for b in betas)
    default = Optimizer()
    return Optimizer(
        word,  # pyright: ignore[reportArgumentType] - the table holds these words alone
        values.get("lr", default.lr),
        values.get("momentum", 0.0),
        (first, second),
        values.get("eps", default.eps),
        values.get("init", 0.0),
        entry.span,
    )


def data_settings(
    section: ast.Section | None, ports: tuple[Port, ...] | None, names: Sequence[str], reading: Reading
) -> DataSettings | None:
    """The `data` section; None where there is none, or where it was wrong.

    ports: None where a sort was wrong; then columns are not looked at
    """
    if section is None:
        return None
    found = reading.entries(section, DATA, names, several=("train", "valid", "test"))
    if ports is None:
        return None
    if "train" not in found:
        if not any(e.path[0].id == "train" for e in section.entries):
            reading.error("NN604", "data needs a train entry", section.kind.span, 'write train "file.tsv"')
        return None
    renamed = _renamed(found["columns"][0], ports, reading) if "columns" in found else None
    wrong = [word for word in ("valid", "test") if word in found and not _share_is_right(*found[word], reading)]
    train = _files(*found["train"], ports, reading, renamed, None)
    if train is None or wrong:
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
    seed = found["seed"][1]["n"] if "seed" in found else 0
    return DataSettings(
        train,
        splits["valid"],
        splits["test"],
        folds if isinstance(folds, int) else None,
        "csv" if format == "csv" else "tsv" if format == "tsv" else None,
        seed if isinstance(seed, int) else 0,
        section.span,
    )


def _share_is_right(entry: ast.Entry, settings: dict[str, Resolved], reading: Reading) -> bool:
    share = settings["share"]
    if not isinstance(share, (int, float)):
        return True
    if settings["paths"] is not None:
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
    if settings["paths"] is None:
        reading.error("NN405", f"{entry.path[0].id} needs a file or a share", entry.span, f"{entry.path[0].id} 10%")
        return None
    return _files(entry, settings, ports, reading, renamed, train)


def _files(
    entry: ast.Entry,
    settings: dict[str, Resolved],
    ports: tuple[Port, ...],
    reading: Reading,
    renamed: tuple[Column, ...] | None,
    train: Files | None,
) -> Files | None:
    paths = settings["paths"]
    assert isinstance(paths, tuple)
    columns: tuple[Column, ...] | None = renamed
    listed = settings["columns"]
    header = settings["header"] is True or (train is not None and train.header)
    if isinstance(listed, tuple):
        setting = next((a for a in entry.arguments if isinstance(a, ast.Setting) and a.key == "columns"), None)
        place = setting.span if setting is not None else entry.span
        names = [str(n) for n in listed]
        if not _known(names, ports, setting, reading, place):
            return None
        columns = tuple(Column(None if n == "_" else n, None, place) for n in names)
    elif columns is None and train is not None:
        columns = train.columns
    # What stands in --set comes from the command line, where paths are free.
    free = any(a.span.file == SET and not isinstance(a, ast.Word) for a in entry.arguments)
    written = tuple(str(p) for p in paths)
    for path in written:
        if not free and (reason := path_refusal(path)) is not None:
            place = next((a.span for a in entry.arguments if _is_text(a, path)), entry.span)
            reading.error("NN701", f'the path "{show(path)}" {reason}', place, OWN_FOLDER)
            return None
    return Files(written, header, columns, entry.span, free)


def _is_text(argument: ast.Argument, path: str) -> bool:
    return (
        isinstance(argument, ast.Positional) and isinstance(argument.value, ast.Text) and argument.value.value == path
    )


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
        if port.name not in names and good:
            message = f"no column is {port.name}"
            reading.error("NN606", message, span, "name every input and output of the model")
            return False
        if names.count(port.name) > 1:
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


def other_sections(spec: ast.Spec, names: Sequence[str], reading: Reading) -> None:
    """`predict`, none of whose entries is there yet, and `sweep`, which is checked though nothing runs it."""
    for section in spec.declarations:
        if not isinstance(section, ast.Section):
            continue
        if section.kind.id == "predict":
            reading.entries(section, {})
        if section.kind.id == "sweep":
            for entry in section.entries:
                _swept(spec, entry, names, reading)


def _swept(spec: ast.Spec, entry: ast.Entry, names: Sequence[str], reading: Reading) -> None:
    """An entry of `sweep`: its path must reach something, with each value that it gives."""
    path = ".".join(n.id for n in entry.path)
    if path == "trials":
        reading.settings(TRIALS, entry)
        return
    settings = reading.settings(SWEEP, entry)
    if settings is None:
        return
    values = next((v for v in (settings["choice"], settings["log"]) if isinstance(v, tuple)), None)
    if values is None or (settings["log"] is not None and len(values) != 2):
        reading.error(
            "NN405", f"sweep needs the values to try for {path}", entry.span, f"{path} choice=1,2,3 or log=1e-4,1e-2"
        )
        return
    kind = entry.path[0].id
    for value in values:
        try:
            changed = overridden(spec, (f"{path}={value}",), None)
        except SpecError as error:
            first = error.diagnostics[0]
            reading.error(first.code, first.message, entry.span, first.help)
            return
        wrong: list[Diagnostic] = []
        section = next((d for d in changed.declarations if isinstance(d, ast.Section) and d.kind.id == kind), None)
        if kind == "train":
            train_settings(section, names, Reading(reading.evaluate, reading.constant, wrong.append))
        for diagnostic in wrong:
            if diagnostic.span is not None and diagnostic.span.file == SET:
                reading.error(diagnostic.code, diagnostic.message, entry.span, diagnostic.help)
                return
