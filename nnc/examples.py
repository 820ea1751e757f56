"""An example from the data, as an argument for the command line: for `try it: nnc predict ...`."""

from __future__ import annotations

import shlex
from itertools import takewhile
from pathlib import Path

from compiler.sorts import Category, Port, Real, Series, Tokens, is_pair, owner
from compiler.written import written
from nnc.forecasting import forecasts
from nnc.model import Model
from nnc.report import LONGEST_EXAMPLE
from runtime.data import Rows
from runtime.data.detokenise import joined
from runtime.data.pairs import MASK
from runtime.data.subwords import cutter
from runtime.data.tokens import END, Sequences, Vocabulary, splitter

ROWS_LOOKED_AT = 1000
PROMPT_TOKENS = 20
"""Looked at for the beginning of a text."""
PROMPT_WORDS = 3


def example_of(model: Model, rows: Rows) -> str | None:
    """The shortest of the first rows, quoted, its inputs side by side as `predict` takes them, one that asks for a word
    where some do; None where none can be printed: a picture, a text read backwards, what the vocabulary lacks."""
    found: list[str] = []
    inputs = model.experiment.network.inputs
    if rows.drawn:
        rows = rows.of_first_lines()
    for row in range(min(rows.count, ROWS_LOOKED_AT)):
        fields: list[str] = []
        for port in inputs:
            values = _fields(model, port, rows, row)
            if values is None:
                break
            fields += values
        else:
            line = "\t".join(fields)
            if len(line) <= LONGEST_EXAMPLE and all(field.isprintable() for field in fields):
                found.append(line)
    asking = [line for line in found if MASK in line]
    return _quoted(min(asking or found, key=len)) if found else None


def file_of(model: Model) -> str | None:
    """The training file, as an option: a forecast begins behind its last row. None where that takes more than the
    series, or where the file is not one."""
    data, origin = model.experiment.data, model.origin
    inputs = model.experiment.network.inputs
    if data is None or not forecasts(model) or not all(isinstance(p.sort, Series) for p in inputs):
        return None
    if len(data.train.paths) != 1 or data.train.free:
        return None
    path = str(Path(origin.data_root or origin.folder) / data.train.paths[0])
    return f"--file {_quoted(path)}" if path.isprintable() else None


def _fields(model: Model, port: Port, rows: Rows, row: int) -> list[str] | None:
    """The fields of an input; None where there are none that say the same again."""
    column = rows.columns[port.name]
    match port.sort:
        case Tokens() | Category():
            vocabulary = model.tables.vocabularies[owner(port)]
            if not isinstance(column, Sequences):
                token = vocabulary.token(int(column[row]))
                return [token] if token is not None else None
            ids = column.ids[column.offsets[row] : column.offsets[row + 1]].tolist()
            text = next(p for p in rows.ports if p.name == (port.per or port.name)).sort
            assert isinstance(text, Tokens)
            if text.reverse:
                return None
            if is_pair(port.sort):
                return _of_pair(port, vocabulary, ids[1:-1])
            tokens = [vocabulary.token(i) for i in (ids[1:-1] if text.marks else ids)]
            known = [token for token in tokens if token is not None]
            if len(known) < len(tokens):
                return None
            if port.per is not None:
                return [" ".join(known)] if not any(len(token.split()) != 1 for token in known) else None
            said = joined(text, known)
            return [said] if list(cutter(text, vocabulary)(said)) == known else None
        case Real(standard=standard) | Series(standard=standard):
            assert not isinstance(column, Sequences)
            values = column[row : row + 1]
            if isinstance(port.sort, Series):
                values = values.reshape(port.sort.steps, port.sort.width)
            values = model.tables.scalings[port.name].back(values) if standard else values
            return [f"{value:.6g}" for value in values.ravel().tolist()]
        case _:
            return None


def _of_pair(port: Port, vocabulary: Vocabulary, ids: list[int]) -> list[str] | None:
    """A field for each text. ids: without the marks around"""
    sort = port.sort
    assert isinstance(sort, Tokens)
    at = ids.index(END) if END in ids else len(ids)
    texts = [[vocabulary.token(i) for i in part] for part in (ids[:at], ids[at + 1 :])]
    known = [[token for token in tokens if token is not None] for tokens in texts]
    said = [joined(sort, tokens) for tokens in known]
    if known != texts or any(list(splitter(sort)(text)) != tokens for text, tokens in zip(said, known, strict=True)):
        return None
    return said[:1] if at == len(ids) else said


def _quoted(text: str) -> str:
    """As a shell takes it."""
    if "\t" in text:
        escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
        return f"$'{escaped}'"
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'


def prompt_of(model: Model, rows: Rows) -> str:
    """What a language model could begin with, as an option: how the first row does; "" where that cannot be said."""
    _, text = written(model.experiment.network)
    column, vocabulary = rows.columns[text.name], model.tables.vocabularies[owner(text)]
    assert isinstance(column, Sequences)
    assert isinstance(text.sort, Tokens)
    known = (vocabulary.token(i) for i in column.ids[1:PROMPT_TOKENS].tolist())
    tokens = [token for token in takewhile(lambda token: token is not None, known) if token is not None]
    match text.sort.unit:
        case "chars":
            said = "".join(tokens).rpartition(" ")[0]
        case "subwords":
            said = " ".join(joined(text.sort, tokens).split(" ")[:PROMPT_WORDS])
        case _:
            said = joined(text.sort, tokens[:PROMPT_WORDS])
    return f"--prompt {_quoted(said)}" if said.isprintable() and said.strip() else ""
