"""An input that is read from the very column that an output is told from."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.sections.reading import Reading
from compiler.settings.data import Column
from compiler.sorts import Ahead, Port, Series
from dsl.errors import Diagnostic, Note
from dsl.render import show


def warn_of_answers(columns: Sequence[Column], ports: tuple[Port, ...], reading: Reading) -> None:
    """columns: what `columns` says, of each port that has some in the files

    A series ends before the row that is told, so it may well have the output's column.
    """
    told_from = {port.sort.of if isinstance(port.sort, Ahead) else port.name: port for port in ports if port.output}
    answers = {c.heading: (told_from[c.port], c) for c in columns if c.port in told_from}
    given = {port.name for port in ports if not port.output and not isinstance(port.sort, Series)}
    for column in columns:
        if column.port not in given or column.heading not in answers:
            continue
        output, answer = answers[column.heading]
        reading.report(
            Diagnostic(
                "NN610",
                f"{column.port} is read from the column that {output.name} is told from: "
                f'"{show(column.heading or "")}"',
                column.span,
                "the answer itself",
                (Note(answer.span, "the answer"),) if answer.span is not None else (),
                help="scores on such inputs tell nothing; name another column, or leave the input out",
                severity="warning",
            )
        )
