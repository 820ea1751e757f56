"""Files that a command line names in place of the spec's: `FILE...`, or `NAME=FILE...` where each has its own."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.settings.data import Beside, DataSettings, Files
from compiler.sorts import Port
from dsl.errors import DataError, Diagnostic
from dsl.source import Span


def other_files(
    data: DataSettings | None, ports: tuple[Port, ...], written: Sequence[str], *, outputs_optional: bool
) -> Files:
    """The entry of these files, laid out as the training files are; paths start from the working directory.

    Raises DataError NN606 when some inputs have files of their own and others have none.
    """
    names = {port.name for port in ports}
    own: dict[str, list[str]] = {}
    for text in written:
        name, equals, path = text.partition("=")
        if equals and name in names:
            own.setdefault(name, []).append(path)
    header = data.train.header if data else False
    columns = data.train.columns if data else None
    place = command_line(written)
    if not own:
        return Files(tuple(written), header, columns, data.train.span if data else place, place)
    lacking = [p.name for p in ports if p.name not in own and not (p.output and outputs_optional)]
    counts = {len(paths) for paths in own.values()}
    if lacking or len(counts) > 1 or sum(map(len, own.values())) < len(written):
        message = f"no file is {lacking[0]}" if lacking else "the files of all stand side by side: as many for each"
        helps = "every input and output has its own: " + " ".join(f"{name}=FILE" for name in [*own, *lacking][:4])
        raise DataError(Diagnostic("NN606", message, place, help=helps))
    beside = tuple(Beside(name, tuple(paths), place) for name, paths in own.items())
    # Columns in order are those of one file.
    by_heading = tuple(c for c in columns or () if c.heading is not None)
    return Files((), header, by_heading or None, place, beside=beside)


def command_line(words: Sequence[str]) -> Span:
    """The place of what stands on a command line."""
    shown = " ".join(words)
    return Span("command line", 1, 1, 1, len(shown) + 1, shown)
