"""The sections of a spec: `data` and `train`, each entry checked against its table row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compiler.layers.later import LATER_ENTRIES
from compiler.settings import Clip, Column, DataSettings, Files, Optimizer, Share, TrainSettings
from compiler.signature import Evaluate, Report, Resolved, Setting, Signature, Value, resolve
from compiler.sorts import Port
from dsl import ast
from dsl.errors import Diagnostic, Note
from dsl.nearest import nearest
from dsl.source import Span

LR = "the learning rate"
BELOW_1 = {"low": 0.0, "high": 1.0, "below": True}

OPTIMIZERS = (
    Signature(
        "sgd",
        "w - lr g, with momentum if it is given; PyTorch's",
        (Setting("lr", "number", LR, 0.01, low=0), Setting("momentum", "number", "how much of the last move stays", 0.0, low=0, high=1, below=True)),
    ),
    Signature(
        "adagrad",
        "a rate for each weight, over the root of its summed squared gradients; PyTorch's",
        (Setting("lr", "number", LR, 0.01, low=0), Setting("init", "number", "where the sum starts", 0.0, low=0), Setting("eps", "number", "added to the root", 1e-10, low=0)),
    ),
    *(
        Signature(
            word,
            sentence,
            (
                Setting("lr", "number", LR, 1e-3, low=0),
                Setting("betas", "number", "how much of the two means stays", (0.9, 0.999), many=True, low=0, high=1, below=True),
                Setting("eps", "number", "added to the root", 1e-8, low=0),
            ),
        )
        for word, sentence in (
            ("adam", "steps by the running mean of the gradient over the root of that of its square; PyTorch's"),
            ("adamw", "adam with the decay apart from the gradient; PyTorch's"),
        )
    ),
)  # fmt: skip

TRAIN = {s.word: s for s in (
    *OPTIMIZERS,
    Signature("decay", "L2: so much of each weight is added to its gradient; apart from it in adamw", (Setting("x", "number", "how much", required=True, low=0),), ("x",)),
    Signature("batch", "examples a step", (Setting("size", "count", "how many", required=True, low=1, high=1_000_000), Setting("tokens", "count", "not there yet", low=1)), ("size",)),
    Signature("epochs", "passes over the training rows", (Setting("n", "count", "how many", required=True, low=1, high=1_000_000),), ("n",)),
    Signature("clip", "bounds the gradient, or a head's weights", (
        Setting("norm", "number", "of the whole gradient", low=0),
        Setting("value", "number", "of each number of the gradient", low=0),
        Setting("weights", "number", "of each unit's weights of a head, after the update", low=0),
    )),
    Signature("loss", "another loss than the head asks for", (Setting("kind", "choice", "which", required=True, choices=("perceptron",)),), ("kind",)),
    Signature("stop", "ends when so many epochs brought nothing better", (
        Setting("patience", "count", "how many epochs", 3, low=1),
        Setting("metric", "name", "by what"),
    )),
    Signature("seed", "of everything that is drawn", (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),), ("n",)),
)}  # fmt: skip
"""The entries of `train`."""

FILE_SETTINGS = (
    Setting("paths", "text", "files, relative to the spec's folder", required=True, many=True),
    Setting("columns", "name", "what each column of a row is, `_` for none", many=True),
    Setting("header", "flag", "the first row has headings"),
)
DATA = {s.word: s for s in (
    Signature("train", "the rows to learn from", FILE_SETTINGS, ("paths",)),
    Signature("valid", "the rows to choose by: a file, or a share of train", (*FILE_SETTINGS[1:], Setting("share", "number", "10%", low=0), Setting("paths", "text", "files", many=True), Setting("last", "flag", "the end")), ("share", "paths")),
    Signature("test", "the rows to report: a file, or a share of train", (*FILE_SETTINGS[1:], Setting("share", "number", "10%", low=0), Setting("paths", "text", "files", many=True), Setting("last", "flag", "the end")), ("share", "paths")),
    Signature("folds", "cross-validation: as many runs", (Setting("n", "count", "how many", required=True, low=2, high=1000),), ("n",)),
    Signature("format", "how the files are read, whatever their ending", (Setting("kind", "choice", "which", required=True, choices=("tsv", "csv")),), ("kind",)),
    Signature("seed", "of the splits", (Setting("n", "count", "a number", required=True, low=0, high=2**31 - 1),), ("n",)),
    Signature("columns", "what each column is, by its heading", ()),
)}  # fmt: skip
"""The entries of `data`."""

SECTIONS = ("data", "train", "predict", "sweep")


@dataclass
class Reading:
    """What is needed to read entries."""

    evaluate: Evaluate
    constant: Callable[[str], Value]
    report: Report

    def error(self, code: str, message: str, span: Span, help: str = "", notes: tuple[Note, ...] = ()) -> None:
        self.report(Diagnostic(code, message, span, notes=notes, help=help))

    def entries(
        self, section: ast.Section, table: dict[str, Signature]
    ) -> dict[str, tuple[ast.Entry, dict[str, Resolved]]]:
        """The section's entries by word, each at most once, with their settings."""
        found: dict[str, tuple[ast.Entry, dict[str, Resolved]]] = {}
        for entry in section.entries:
            word = entry.path[0].id
            if len(entry.path) > 1:
                self.error("NN602", f"{section.kind.id} has no entry {'.'.join(n.id for n in entry.path)}", entry.span)
                continue
            if word in LATER_ENTRIES.get(section.kind.id, ()):
                self.error("NN350", f"{word} in {section.kind.id} is not there yet", entry.span)
                continue
            if word not in table:
                near = nearest(word, [*table, *LATER_ENTRIES.get(section.kind.id, ())])
                self.error(
                    "NN602",
                    f"{section.kind.id} has no entry {word}",
                    entry.path[0].span,
                    f"did you mean {near}?" if near else f"its entries are {', '.join(table)}",
                )
                continue
            if word in found:
                self.error(
                    "NN603",
                    f"{word} is given twice",
                    entry.span,
                    "leave one out",
                    (Note(found[word][0].span, "given here"),),
                )
                continue
            if word == "columns":
                found[word] = (entry, {})
                continue
            settings = resolve(
                table[word], _without_renames(entry), entry.span, self.evaluate, self.constant, self.report
            )
            if settings is not None:
                found[word] = (entry, settings)
        return found


def _without_renames(entry: ast.Entry) -> Sequence[ast.Argument]:
    """Columns may hold `_`, which is no name of anything; all else is read as it stands."""
    return entry.arguments


def train_settings(section: ast.Section | None, reading: Reading) -> TrainSettings:
    """The `train` section; defaults where there is none."""
    if section is None:
        return TrainSettings()
    found = reading.entries(section, TRAIN)
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
    if "batch" in found and found["batch"][1].get("tokens") is not None:
        reading.error("NN350", "batch tokens= is not there yet", found["batch"][0].span)
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


def data_settings(section: ast.Section | None, ports: tuple[Port, ...], reading: Reading) -> DataSettings | None:
    """The `data` section; None where there is none, or where it was wrong."""
    if section is None:
        return None
    found = reading.entries(section, DATA)
    if "train" not in found:
        if not any(e.path[0].id == "train" for e in section.entries):
            reading.error("NN604", "data needs a train entry", section.span, 'write train "file.tsv"')
        return None
    renamed = _renamed(found["columns"][0], ports, reading) if "columns" in found else None
    train = _files(*found["train"], ports, reading, renamed, None)
    if train is None:
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


def _split(
    entry: ast.Entry,
    settings: dict[str, Resolved],
    ports: tuple[Port, ...],
    reading: Reading,
    renamed: tuple[Column, ...] | None,
    train: Files,
) -> Files | Share | None:
    share = settings["share"]
    if isinstance(share, (int, float)) and not isinstance(share, bool):
        if settings["paths"] is not None:
            reading.error("NN605", f"{entry.path[0].id} is a file or a share of train, not both", entry.span)
            return None
        if not 0 < share < 1:
            reading.error(
                "NN404",
                f"a share must be above 0% and below 100%, but is {share:.0%}",
                entry.span,
                "10% is a tenth of the rows",
            )
            return None
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
        place = next((a.span for a in entry.arguments if isinstance(a, ast.Setting) and a.key == "columns"), entry.span)
        names = [str(n) for n in listed]
        if not _known(names, ports, place, reading):
            return None
        columns = tuple(Column(None if n == "_" else n, None, place) for n in names)
    elif columns is None and train is not None:
        columns = train.columns
    return Files(tuple(str(p) for p in paths), header, columns, entry.span)


def _known(names: list[str], ports: tuple[Port, ...], place: Span, reading: Reading) -> bool:
    good = True
    for name in names:
        if name != "_" and all(p.name != name for p in ports):
            near = nearest(name, [p.name for p in ports])
            reading.error(
                "NN606",
                f"the model has no input or output {name}",
                place,
                f"did you mean {near}?" if near else "use _ for a column that is skipped",
            )
            good = False
    for port in ports:
        if port.name not in names:
            reading.error("NN606", f"no column is {port.name}", place, "name every input and output of the model")
            good = False
        elif names.count(port.name) > 1:
            reading.error("NN606", f"two columns are {port.name}", place, "real[4] takes four columns by one name")
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
