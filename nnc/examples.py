"""An example from the data, as an argument for the command line: for `try it: nnc predict ...`."""

from __future__ import annotations

import re
import shlex

from compiler.sorts import Tokens
from nnc.model import Model
from nnc.report import LONGEST_EXAMPLE
from runtime.data import Rows
from runtime.data.tokens import Sequences

ROWS_LOOKED_AT = 1000


def example_of(model: Model, rows: Rows) -> str | None:
    """The shortest text of the first rows in quotes, where the model reads one text; None where none is printable."""
    inputs = model.experiment.network.inputs
    if len(inputs) != 1 or not isinstance(inputs[0].sort, Tokens) or inputs[0].sort.reverse:
        return None
    vocabulary = next(iter(model.tables.vocabularies.values()))
    column = rows.columns[inputs[0].name]
    assert isinstance(column, Sequences)
    found: list[str] = []
    for row in range(min(rows.count, ROWS_LOOKED_AT)):
        tokens = [vocabulary.token(i) for i in column.ids[column.offsets[row] : column.offsets[row + 1]].tolist()]
        text = joined([token for token in tokens if token], inputs[0].sort)
        if None not in tokens and len(text) <= LONGEST_EXAMPLE and text.isprintable():
            found.append(text)
    return _quoted(min(found, key=len)) if found else None


def _quoted(text: str) -> str:
    """As a shell takes it."""
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def joined(tokens: list[str], sort: Tokens) -> str:
    """The text again: with `punctuation`, marks go back to the words that they were split from."""
    if sort.unit != "words":
        return "".join(tokens)
    text = " ".join(tokens)
    return re.sub(r" ([.,;:!?)])", r"\1", text).replace("( ", "(") if sort.punctuation else text
