"""The `data` section, each entry checked against its row of the table."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.sections.answers import warn_of_answers
from compiler.sections.data_entries import with_ports
from compiler.sections.files import FilesReading, renamed_columns
from compiler.sections.reading import Reading
from compiler.sections.running import is_running_text
from compiler.sections.series import of_series
from compiler.sections.windows import windows_of
from compiler.settings.data import (
    FORMATS,
    MISSING,
    Augment,
    DataSettings,
    Files,
    Missing,
    Share,
)
from compiler.signature import Resolved
from compiler.sorts import Image, Port, pair_of
from dsl import ast


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
    renamed = renamed_columns(found["columns"][0], ports, reading) if "columns" in found else None
    files = FilesReading(ports, renamed, reading)
    wrong = [word for word in ("valid", "test") if word in found and not _share_is_right(*found[word], names, reading)]
    windows, good = windows_of(found, ports, reading)
    good = good and of_series(found, ports, reading)
    running = pair_of(ports)
    if running is not None and not is_running_text(found, running, ports, reading):
        return None
    train = files.read(*found["train"])
    if train is None or wrong or not good:
        return None
    warn_of_answers(renamed or (), ports, reading)
    splits = {word: _split(*found[word], files, train) if word in found else None for word in ("valid", "test")}
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


def _split(entry: ast.Entry, settings: dict[str, Resolved], files: FilesReading, train: Files) -> Files | Share | None:
    share = settings["share"]
    if isinstance(share, (int, float)):
        return Share(float(share), settings["last"] is True, entry.span)
    return files.read(entry, settings, train)


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
