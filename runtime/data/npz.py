"""npz: a zip of arrays. Read without NumPy's own loader, which can unpickle: here nothing can."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Port
from dsl.errors import DataError, Diagnostic
from dsl.nearest import nearest
from dsl.render import show
from dsl.source import Span, shown
from runtime.data import arrays
from runtime.data.arrays import BYTES_A_BYTE, Found
from runtime.data.files import CHUNK_BYTES, BinaryFile, opened, read_all, too_large
from runtime.data.part import Columns, Part, Request
from runtime.memory import available_bytes

HEADER = re.compile(
    r"\{'descr': '([<>|=]?[a-zA-Z][0-9]{0,4})', 'fortran_order': (True|False), "
    r"'shape': \(((?:[0-9]{1,19},? ?){0,32})\),? ?\} *\n?"
)
"""As NumPy writes it. An array of objects has another `descr`, and so has a record."""
LONGEST_HEADER = 10_000
MOST_ARRAYS = 1_000
KINDS = "biuf"


def read(path: Path, request: Request, limit: int | None = None) -> Part | None:
    """The rows of a file. limit: bytes that it, and what is unpacked of it, may have; by the free memory where None

    Raises DataError: NN740 for a file that is none or is damaged, NN745 for an array that is not there, NN706 too
    large, NN742 for arrays of different length, and what `opened` and `arrays` raise.
    """
    limit = available_bytes() // BYTES_A_BYTE if limit is None else limit
    name, entry = shown(path), request.entry.place
    with opened(path, entry) as file:
        data = read_all(file, name, entry, limit)
    found: dict[str, Found] = {}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = _members(archive, name, entry)
            ports = tuple(filter(request.reads, request.ports))
            for port in ports:
                member = _member(port, ports, members, name, request)
                found[port.name] = Found(name, _array(archive, member, port, name, entry, limit), entry)
                limit -= found[port.name].values.nbytes
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError) as error:
        # Of the last two: a way of packing that zipfile does not know, and a member that is encrypted.
        raise DataError(_damaged(name, str(error) or "it ends too early", entry)) from error
    except (ValueError, OverflowError, OSError, UnicodeError) as error:
        # What zipfile says of offsets that lead out of the file, and of names and dates that cannot be.
        raise DataError(_damaged(name, str(error), entry)) from error
    counts = {port: len(array.values) for port, array in found.items()}
    if len(set(counts.values())) > 1:
        said = " and ".join(f"`{port}` has {count:,}" for port, count in counts.items())
        message = f"the arrays of {show(name)} must have equally many rows, but {said}"
        raise DataError(Diagnostic("NN742", message, entry, help="row by row they belong together"))
    columns = Columns()
    missing: dict[int, tuple[str, int]] = {}
    for port in ports:
        missing_of = missing if request.skip_missing else None
        arrays.add_column(port, found[port.name], columns, missing_of, request.missing_help)
    file_read = (BinaryFile(name, data),)
    return Part(
        next(iter(counts.values())), columns, lambda port, row, position: found[port].row(row), file_read, missing
    )


def _members(archive: zipfile.ZipFile, name: str, entry: Span) -> dict[str, zipfile.ZipInfo]:
    """The arrays by name."""
    infos = archive.infolist()
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(infos) > MOST_ARRAYS or len(members) != len(infos):
        raise DataError(_damaged(name, "it has two arrays of one name, or very many", entry))
    return members


def _member(
    port: Port, ports: tuple[Port, ...], members: dict[str, zipfile.ZipInfo], name: str, request: Request
) -> zipfile.ZipInfo:
    """The port's array: the one of its name, or the only one where only this port is read."""
    named = [c.heading for c in request.entry.columns or () if c.port == port.name and c.heading is not None]
    wanted = named[0] if named else port.name
    if wanted in members:
        return members[wanted]
    if len(ports) == len(members) == 1:
        return next(iter(members.values()))
    near = nearest(wanted, members)
    listed = ", ".join(f'"{show(member)}"' for member in list(members)[:10])
    helps = f'columns {port.name}="{show(near or next(iter(members), "NAME"))}" reads another; there are {listed}'
    raise DataError(Diagnostic("NN745", f'{show(name)} has no array "{show(wanted)}"', request.entry.place, help=helps))


def _array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, port: Port, name: str, entry: Span, limit: int
) -> NDArray[Any]:
    """One array. Its bytes are taken as they are unpacked, never more than its own header says."""
    if member.flag_bits & 1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(_damaged(name, "it is encrypted or packed in an unusual way", entry))
    with archive.open(member) as file:
        dtype, fortran, shape = _header(file, name, entry)
        arrays.check_shape(port, shape, name, entry)
        size = prod(shape) * dtype.itemsize
        if size > limit:
            raise DataError(too_large(name, entry, limit))
        chunks: list[bytes] = []
        left = size + 1
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            chunks.append(chunk)
            left -= len(chunk)
    body = b"".join(chunks)
    if len(body) != size:
        raise DataError(_damaged(name, f"{show(member.filename)} has other sizes than it says", entry))
    values = np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def _header(file: IO[bytes], name: str, entry: Span) -> tuple[np.dtype[Any], bool, tuple[int, ...]]:
    magic = file.read(8)
    wide = 2 if magic[6:7] == b"\x01" else 4
    length = file.read(wide)
    if magic[:6] != b"\x93NUMPY" or magic[6:7] not in (b"\x01", b"\x02", b"\x03") or len(length) < wide:
        raise DataError(_damaged(name, "what it holds are no arrays", entry))
    header = file.read(min(int.from_bytes(length, "little"), LONGEST_HEADER)).decode("latin-1")
    match = HEADER.fullmatch(header)
    if match is None or match[1].lstrip("<>|=")[0] not in KINDS:
        reason = "it holds something other than numbers, which is not opened"
        raise DataError(_damaged(name, reason, entry))
    try:
        dtype = np.dtype(match[1])
    except TypeError:
        raise DataError(_damaged(name, f"there are no numbers of the kind {show(match[1])}", entry)) from None
    return dtype, match[2] == "True", tuple(int(size) for size in re.findall(r"[0-9]+", match[3]))


def _damaged(name: str, reason: str, entry: Span) -> Diagnostic:
    helps = "numpy.savez(FILE, picture=..., digit=...) writes one; arrays of objects are not read"
    return Diagnostic("NN740", f"{show(name)} cannot be read as npz: {show(reason)}", entry, help=helps)
