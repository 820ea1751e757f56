"""Data files: where a path leads, and its text."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import OWN_FOLDER, path_refusal
from dsl.errors import DataError, Diagnostic
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span, shown
from runtime.memory import available_bytes

CHUNK_BYTES = 1 << 20
BYTES_A_BYTE = 40
"""Memory that a byte of text costs at most until it is encoded: as text, as fields, as ids. 12 were measured
for texts, 36 for rows of five characters."""


@dataclass(frozen=True)
class TextFile:
    """A file's text: no BOM, CR LF as LF.

    name: as it is shown
    data: the bytes of the text, for the fingerprint
    """

    name: str
    text: str
    data: bytes

    @cached_property
    def line_starts(self) -> NDArray[np.int64]:
        """Where each line starts. It looks through the whole text: for errors and warnings only."""
        lengths = np.fromiter(map(len, self.text.split("\n")), np.int64)
        return np.concatenate([[0], np.cumsum(lengths + 1)])[:-1]


@dataclass(frozen=True)
class BinaryFile:
    """A file of numbers. data: its bytes, unpacked, for the fingerprint."""

    name: str
    data: bytes


DataFile: TypeAlias = TextFile | BinaryFile


def resolve(written: str, folder: Path, data_root: Path | None, span: Span | None, *, free: bool = False) -> Path:
    """Where a path that stands in a spec leads: inside data_root, or the spec's folder where that is None.

    free: it comes from the command line, starts from the working directory and may lead anywhere

    Raises DataError NN701 for one that leaves its folder, NN700 for one that is not there.
    """
    if free:
        path = Path(written)
        if not _is_there(path, written, None):
            raise DataError(_not_found(written, path, None, "it starts from the working directory"))
        return path
    base = folder if data_root is None else data_root
    reason = path_refusal(written)
    path = base / written if reason is None else base
    if reason is None:
        inside = os.path.realpath(base)
        if os.path.commonpath([inside, os.path.realpath(path)]) != inside:
            reason = "leaves its folder through a link"
    if reason is not None:
        raise DataError(Diagnostic("NN701", f'the path "{show(written)}" {reason}', span, help=OWN_FOLDER))
    if not _is_there(path, written, span):
        if data_root is None:
            rule = "paths start from the spec's folder; --data-root DIR (or NNC_DATA) takes another in its place"
        else:
            rule = f"paths start from the data root, {show(shown(base))}"
        raise DataError(_not_found(written, path, span, rule))
    # A pipe would wait for a writer, and a device may never end.
    if not path.is_file() and not path.is_dir():
        raise DataError(Diagnostic("NN702", f'"{show(written)}" is no file but a pipe or a device', span))
    return path


def _is_there(path: Path, written: str, span: Span | None) -> bool:
    try:
        return path.exists()
    except OSError as error:
        reason = show(error.strerror or str(error))
        raise DataError(Diagnostic("NN702", f'"{show(written)}" cannot be read: {reason}', span)) from None


def _not_found(written: str, path: Path, span: Span | None, rule: str) -> Diagnostic:
    where = show(shown(path.parent))
    try:
        found = nearest(path.name, sorted(os.listdir(path.parent)))
    except OSError:
        found = None
        where += " (which is not there either)"
    meant = "" if found is None else f'did you mean "{show(str(Path(written).with_name(found)))}"? '
    return Diagnostic("NN700", f'there is no file "{show(written)}"; looked in {where}', span, help=meant + rule)


def read_text(path: Path, span: Span | None = None, limit: int | None = None) -> TextFile:
    """The text of a file, unpacked when its name ends in `.gz`.

    span: the place that named the file, for errors that have none inside it
    limit: bytes that it may have, unpacked; by what memory is free where None

    Raises DataError: NN702 cannot be read, NN703 not UTF-8, NN704 NUL, NN705 damaged gzip, NN706 too large.
    """
    limit = available_bytes() // BYTES_A_BYTE if limit is None else limit
    with opened(path, span) as file:
        data = read_all(file, shown(path), span, limit)
    return TextFile(shown(path), _decoded(data, shown(path)), data)


@contextmanager
def opened(path: Path, span: Span | None) -> Generator[IO[bytes]]:
    """The file's bytes. Where its name ends in `.gz` they are unpacked as they are read: a bomb never gets the memory
    that it asks for.

    Raises DataError: NN702 cannot be read, NN705 damaged gzip; both also for what goes wrong while it is read.
    """
    name = shown(path)
    try:
        with path.open("rb") as file:
            if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
                raise IsADirectoryError
            if path.suffix.lower() != ".gz":
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked  # pyright: ignore[reportReturnType]  # it reads like a file
    except IsADirectoryError:
        raise DataError(
            Diagnostic("NN702", f"{show(name)} is a folder", span, help="name the file in it that is meant")
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            Diagnostic(
                "NN705",
                f"{show(name)} is a damaged gzip file: {show(_plain_reason(error))}",
                span,
                help="fetch or pack it again; a file that is not packed has no .gz at the end of its name",
            )
        ) from error
    except OSError as error:
        raise DataError(
            Diagnostic("NN702", f"{show(name)} cannot be read: {show(error.strerror or str(error))}", span)
        ) from error


def read_all(file: IO[bytes], name: str, span: Span | None, limit: int) -> bytes:
    """What is left of the file. Raises DataError NN706 when it is more than limit."""
    chunks: list[bytes] = []
    size = 0
    while chunk := file.read(CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise DataError(too_large(name, span, limit))
    return b"".join(chunks)


def _plain_reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "it ends too early"
    text = str(error)
    return "it does not start like one" if text.startswith("Not a gzipped file") else text


def too_large(name: str, span: Span | None, limit: int) -> Diagnostic:
    return Diagnostic(
        "NN706",
        f"{show(name)} is too large for the memory that is free: it may have {limit:,} bytes here",
        span,
        help="train on fewer rows, or on a machine with more memory",
    )


def _decoded(data: bytes, name: str) -> str:
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        text = data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(_not_utf8(data[start:], error.start, name)) from None
    nul = text.find("\0")
    if nul >= 0:
        raise DataError(
            Diagnostic(
                "NN704",
                "the file holds a NUL character: it is not text",
                span_at(name, text, nul, nul + 1),
                help="name a text file: TSV or CSV, in UTF-8",
            )
        )
    return text.replace("\r\n", "\n")


def _not_utf8(data: bytes, at: int, name: str) -> Diagnostic:
    begin = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at)
    line = data.count(b"\n", 0, at) + 1
    column = len(data[begin:at].decode("utf-8")) + 1
    whole = data[begin : len(data) if end < 0 else end].decode("utf-8", "replace").removesuffix("\r")
    span = Span(name, line, column, line, column + 1, whole)
    return Diagnostic(
        "NN703",
        f"byte 0x{data[at]:02x} is not UTF-8",
        span,
        help="save the file as UTF-8, for example: iconv -f latin1 -t utf-8 OLD > NEW",
    )


def span_at(name: str, text: str, begin: int, end: int) -> Span:
    """The span of text[begin:end]. It looks through the whole text: for errors only."""
    line = text.count("\n", 0, begin) + 1
    start = text.rfind("\n", 0, begin) + 1
    stop = text.find("\n", begin)
    end_line = line + text.count("\n", begin, end)
    end_start = text.rfind("\n", 0, end) + 1 if end_line != line else start
    whole = text[start : len(text) if stop < 0 else stop]
    return Span(name, line, begin - start + 1, end_line, end - end_start + 1, whole)


def fingerprint(parts: Iterable[tuple[str, Iterable[DataFile]]]) -> str:
    """SHA-256 over what was read: of each part its name, and its files' bytes."""
    digest = sha256()
    for part, files in parts:
        for file in files:
            digest.update(f"{part} {len(file.data)}\n".encode())
            digest.update(file.data)
    return digest.hexdigest()
