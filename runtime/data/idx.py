"""idx, the format of MNIST: a magic number, the sizes, then bytes; one array a file."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span, shown
from runtime.data import arrays
from runtime.data.arrays import BYTES_A_BYTE, Found
from runtime.data.files import CHUNK_BYTES, BinaryFile, opened, too_large
from runtime.data.part import Columns, Part, Request
from runtime.memory import available_bytes

KINDS = {0x08: "unsigned bytes", 0x09: "bytes", 0x0B: "shorts", 0x0C: "integers", 0x0D: "floats", 0x0E: "doubles"}
MOST_SIZES = 4


def read(path: Path, request: Request, limit: int | None = None) -> Part:
    """The rows of a file. limit: bytes that it may have; by what memory is free where None

    Raises DataError: NN739 for a file that is none or is damaged, NN706 too large, NN741 for sizes that the spec's are
    not, NN743 for one file where there are several inputs and outputs; and what `opened` raises.
    """
    limit = available_bytes() // BYTES_A_BYTE if limit is None else limit
    name, entry = shown(path), request.entry.place
    ports = request.ports
    if request.outputs_optional and len(ports) > 1:
        ports = tuple(port for port in ports if not port.output)
    if len(ports) != 1:
        example = " ".join(f'{port.name}="..."' for port in ports[:3])
        message = (
            f"{show(name)} is an idx file, which holds one array, but the model has {len(ports)} inputs and outputs"
        )
        raise DataError(Diagnostic("NN743", message, entry, help=f"name a file for each of them: {example}"))
    (port,) = ports
    with opened(path, entry) as file:
        head, sizes = _head(file, name, entry)
        arrays.check_shape(port, sizes, name, entry)
        # The sizes are what the file claims: nothing is allocated by them before they are checked against memory, and
        # the bytes are gathered as they come, so that a file that claims too much has cost nothing.
        count = prod(sizes)
        if count > limit:
            raise DataError(too_large(name, entry, limit))
        body = _body(file, count)
    if len(body) != count:
        found = f"more than {count:,}" if len(body) > count else f"{len(body):,}"
        message = f"the sizes {' x '.join(map(str, sizes))} of {show(name)} are {count:,} bytes, but it has {found}"
        raise DataError(Diagnostic("NN739", message, entry, help="the file is damaged: fetch it again"))
    data = head + body
    values = np.frombuffer(data, np.uint8, offset=len(head)).reshape(sizes)
    found = Found(name, values, entry)
    columns = Columns()
    arrays.add_column(port, found, columns, None, request.missing_help)
    return Part(sizes[0], columns, lambda port, row, position: found.row(row), (BinaryFile(name, data),))


def _head(file: IO[bytes], name: str, entry: Span) -> tuple[bytes, tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in KINDS or not 1 <= magic[3] <= MOST_SIZES:
        helps = "idx files start with two zero bytes; MNIST's are named like train-images-idx3-ubyte"
        raise DataError(Diagnostic("NN739", f"{show(name)} is no idx file", entry, help=helps))
    if magic[2] != 0x08:
        message = f"{show(name)} holds {KINDS[magic[2]]}; of idx files only those of unsigned bytes are read"
        raise DataError(Diagnostic("NN739", message, entry, help="write it as npz, which may hold any numbers"))
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        message = f"{show(name)} ends before its sizes do"
        raise DataError(Diagnostic("NN739", message, entry, help="the file is damaged: fetch it again"))
    return magic + sizes, tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))


def _body(file: IO[bytes], count: int) -> bytes:
    """So many bytes, or fewer where the file ends; one more where it does not."""
    chunks: list[bytes] = []
    left = count + 1
    while left and (chunk := file.read(min(left, CHUNK_BYTES))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)
