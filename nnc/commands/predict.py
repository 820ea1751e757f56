"""`nnc predict RUN`: a line an example in, a line an example out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from compiler.written import tells_next_alone, written
from dsl.errors import DataError, Diagnostic, RunError
from dsl.render import show
from dsl.source import Span
from nnc.commands.attending import Attending
from nnc.commands.attending import run as of_attention
from nnc.device import backend_of
from nnc.failure import print_diagnostics
from nnc.forecasting import forecasts, of_file
from nnc.model import BATCH, Model
from nnc.opening import open_model
from nnc.writing import lines_continued
from runtime.data import Rows
from runtime.data.files import BYTES_A_BYTE, read_text, resolve
from runtime.memory import available_bytes, in_words
from runtime.predict import Answer, Shares

CHUNK_BYTES = 1 << 16


def run(
    run: Path,
    *,
    texts: Sequence[str],
    file: Path | None,
    proba: bool,
    as_json: bool,
    optimized: bool = True,
    device: str = "auto",
    kernels: str | None = None,
    most: int | None = None,
    attending: Attending | None = None,
) -> int:
    model = replace(open_model(run), optimized=optimized, backend=backend_of(device, kernels))
    if attending is not None:
        every = _rows(model, texts, file)
        return of_attention(model, every, attending, lambda a, more: _line(a, proba, as_json, more), as_json)
    # Of a folder nobody knows the order of its pictures.
    pictures = map(str, model.pictures(file)) if file is not None and file.is_dir() else None
    for answers in _answers(model, texts, file, most):
        if pictures is None:
            lines = [_json_line(each, proba) if as_json else text_line(each, proba) for each in answers]
        elif as_json:
            lines = [_json_line(each, proba, path) for path, each in zip(pictures, answers, strict=True)]
        else:
            lines = [f"{show(path)}\t{text_line(each, proba)}" for path, each in zip(pictures, answers, strict=True)]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    return 0


def _answers(
    model: Model, texts: Sequence[str], file: Path | None, most: int | None
) -> Iterator[list[dict[str, Answer]]]:
    """A piece at a time, each as soon as it is there. most: rows of a forecast"""
    if most is not None and (file is None or not forecasts(model)):
        raise RunError(Diagnostic("NN898", "--max is for the forecast of a file: --file", help="leave --max out"))
    if file is not None and forecasts(model):
        for row in of_file(model, file, most):
            yield [row]
    elif tells_next_alone(model.experiment.network):
        yield from _lines_continued(model, texts, file)
    else:
        yield from map(model.answers, _rows(model, texts, file))


def _rows(model: Model, texts: Sequence[str], file: Path | None) -> Iterator[Rows]:
    """The examples, a piece at a time."""
    if file is not None:
        yield _rows_of(model, file)
    elif texts:
        whole = _arguments(texts)
        yield model.encode([text.split("\t") for text in whole], "argument", warn=_warn)
    else:
        line = 1
        for lines in _standard_input():
            for at in range(0, len(lines), BATCH):
                part = lines[at : at + BATCH]
                yield model.encode([text.split("\t") for text in part], "standard input", line)
                line += len(part)


def _arguments(texts: Sequence[str]) -> list[str]:
    return [decoded(text.encode("utf-8", "surrogateescape"), i, "argument") for i, text in enumerate(texts, 1)]


def _lines_continued(model: Model, texts: Sequence[str], file: Path | None) -> Iterator[list[dict[str, Answer]]]:
    """A language model goes on with each line, to its end."""
    if file is not None:
        whole = read_text(resolve(str(file), Path(), None, None, free=True)).text
        lines = iter([[line.removesuffix("\r") for line in whole.removesuffix("\n").split("\n")] if whole else []])
    else:
        lines = iter([_arguments(texts)]) if texts else _standard_input()
    output, _ = written(model.experiment.network)
    for text in lines_continued(model, chain.from_iterable(lines)):
        yield [{output.name: Answer(text)}]


def _rows_of(model: Model, file: Path) -> Rows:
    rows, warnings = model.read((str(file),), outputs_optional=True)
    print_diagnostics(warnings, sys.stderr)
    return rows


def _warn(warning: Diagnostic) -> None:
    print_diagnostics((warning,), sys.stderr)


def _standard_input() -> Iterator[list[str]]:
    """The lines that are there, as they come; the last one needs no newline."""
    number, begun = 1, bytearray()
    reader = sys.stdin.buffer
    while True:
        chunk = reader.read1(CHUNK_BYTES)
        lines: list[bytes] = []
        if b"\n" in chunk:
            first, *lines, rest = chunk.split(b"\n")
            lines.insert(0, bytes(begun) + first)
            begun = bytearray(rest)
        elif chunk:
            # Until a line ends its bytes are only collected: looking through them each time would take for ever.
            begun += chunk
            _limit(begun, number)
        elif begun:
            lines = [bytes(begun)]
        texts = [decoded(line, number + i, "standard input") for i, line in enumerate(lines)]
        number += len(lines)
        if texts:
            yield texts
        if not chunk:
            return


def _limit(line: bytearray, number: int) -> None:
    if len(line) * BYTES_A_BYTE > available_bytes():
        message = f"this line is too long for the memory that is free: {in_words(len(line))} so far"
        raise DataError(_bad_line("NN706", message, bytes(line[:100]), "standard input", number, 1))


def decoded(line: bytes, number: int, source: str) -> str:
    """A line of text. Raises DataError NN703 and NN704 for one that is none."""
    line = line.removesuffix(b"\r")
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        column = len(line[: error.start].decode("utf-8", "replace")) + 1
        raise DataError(_bad_line("NN703", "this is not UTF-8", line, source, number, column)) from None
    if "\0" in text:
        raise DataError(_bad_line("NN704", "this line has a NUL character", line, source, number, text.index("\0") + 1))
    return text


def _bad_line(code: str, message: str, line: bytes, source: str, number: int, column: int) -> Diagnostic:
    text = line.decode("utf-8", "replace")
    return Diagnostic(code, message, Span(source, number, column, number, column + 1, text))


def _line(answers: Mapping[str, Answer], proba: bool, as_json: bool, more: Mapping[str, object]) -> str:
    return _json_line(answers, proba, more=more) if as_json else text_line(answers, proba)


def text_line(answers: Mapping[str, Answer], proba: bool) -> str:
    """Outputs separated by TAB, `negative    0.97    positive 0.02  neutral 0.01` with probabilities."""
    return "\t".join(_text(answer, proba) for answer in answers.values())


def _text(answer: Answer, proba: bool) -> str:
    if isinstance(answer.value, str):
        label = show(answer.value)
        if not proba or answer.probabilities is None:
            return label
        (_, first), *others = answer.probabilities
        rest = "  ".join(f"{show(name)} {p:.2f}" for name, p in others)
        return f"{label}    {first:.2f}    {rest}"
    if proba and answer.shares is not None:
        return _tokens(answer, answer.shares)
    values = answer.value if isinstance(answer.value, tuple) else (answer.value,)
    if values and isinstance(values[0], tuple):
        return _shares_of_pixels(values)
    # Labels of tokens stand side by side as the tokens do; numbers are columns.
    if values and isinstance(values[0], str):
        return " ".join(show(str(label)) for label in values)
    return "\t".join(f"{value:.6g}" for value in values)


def _shares_of_pixels(rows: Iterable[object]) -> str:
    """`cell 38%  ground 62%`: how much of a picture has each label, the largest share first."""
    counts = Counter(label for row in rows if isinstance(row, tuple) for label in row)
    total = counts.total()
    return "  ".join(f"{show(str(label))} {count / total:.0%}" for label, count in counts.most_common())


def _tokens(answer: Answer, shares: Shares) -> str:
    """`B-PER 0.97  I-PER 0.99  O 1.00`: of each token its label and how likely that is."""
    labels = answer.value if isinstance(answer.value, tuple) else ()
    found = zip(map(str, labels), shares.by_token(), strict=True)
    return "  ".join(f"{show(label)} {each[label]:.2f}" for label, each in found)


def _json_line(
    answers: Mapping[str, Answer], proba: bool, path: str | None = None, more: Mapping[str, object] | None = None
) -> str:
    """`{"polarity": "negative"}`; with probabilities `{"polarity": {"label": ..., "probabilities": {...}}}`, of tokens
    a list of both; of a picture in a folder its file first."""
    found: dict[str, Any] = {} if path is None else {"file": path}
    for name, answer in answers.items():
        found[name] = list(answer.value) if isinstance(answer.value, tuple) else answer.value
        if proba and answer.each:
            found[name] = {"label": found[name], "probabilities": answer.each}
    return json.dumps({**found, **(more or {})}, ensure_ascii=False)
