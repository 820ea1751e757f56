"""The model file: one safetensors file, weights and everything needed to use them, sealed by a checksum.

Opening one never runs it: it is bytes of numbers and JSON, read by this page. The format is simple enough to be written
here, and so the known traps (arrays that are not contiguous, byte order, metadata in random order, no fsync) cannot
come from elsewhere. Layout: the header's length (u64, little end first), the header (JSON), the tensors end to end.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from dsl.errors import Diagnostic, InternalError, RunError
from dsl.nearest import nearest
from dsl.render import show
from runtime.memory import available_bytes
from runtime.model_header import NAMES, Array, arrays_of, damaged, header_length, parsed
from runtime.storage import write_atomically

FORMAT = 1
ZEROS = "0" * 64
OWN_KEYS = frozenset({"format", "sha256"})


def save(path: Path, tensors: Mapping[str, Array], meta: Mapping[str, object]) -> None:
    """Write a model file, whole or not at all.

    meta: JSON; the keys `format` and `sha256` are this function's own

    Raises RunError NN805 when the file cannot be written.
    """
    write_atomically(path, encoded(tensors, meta))


def encoded(tensors: Mapping[str, Array], meta: Mapping[str, object]) -> list[bytes | memoryview]:
    """The file's bytes, in pieces."""
    if OWN_KEYS & set(meta) or "__metadata__" in tensors:
        raise InternalError("the model file's own keys were given from outside")
    # Larger elements first, so that each tensor starts at a multiple of its element's size.
    arrays = {name: _plain(name, tensors[name]) for name in sorted(tensors)}
    ordered = dict(sorted(arrays.items(), key=lambda item: (-item[1].dtype.itemsize, item[0])))
    entries: dict[str, object] = {}
    at = 0
    for name, array in ordered.items():
        entries[name] = {
            "dtype": NAMES[array.dtype.newbyteorder("<")],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    chunks = [array.reshape(-1).view(np.uint8).data for array in ordered.values() if array.size]
    digest = _digest(_header(entries, meta, ZEROS), chunks)
    return [_header(entries, meta, digest), *chunks]


def _plain(name: str, tensor: Array) -> Array:
    """The same numbers end to end, little end first. Not ascontiguousarray, which gives a single number an axis."""
    dtype = tensor.dtype.newbyteorder("<")
    if dtype not in NAMES:
        raise InternalError(f"tensor {name} has dtype {tensor.dtype}, which a model file does not hold")
    return np.asarray(tensor, dtype, order="C")


def _header(entries: Mapping[str, object], meta: Mapping[str, object], digest: str) -> bytes:
    whole = {**meta, "format": FORMAT, "sha256": digest}
    inner = json.dumps(whole, sort_keys=True, allow_nan=False)
    # Loading refuses half a surrogate pair, so it must not get in.
    json.dumps(whole, ensure_ascii=False).encode()
    text = json.dumps({"__metadata__": {"nnc": inner}, **entries}, separators=(",", ":"), allow_nan=False).encode()
    # Spaces up to a multiple of 8: the tensors start aligned.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _digest(header: bytes, chunks: Iterable[bytes | memoryview]) -> str:
    digest = sha256(header)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def load(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and meta of a model file, as they were given to save.

    Raises RunError: NN800 not there, NN801 no model file, NN802 damaged, NN803 of a newer program, NN804 cannot be
    read, NN807 larger than the free memory.
    """
    name = show(str(path))
    try:
        data = _bytes_of(path, name)
    except FileNotFoundError:
        raise RunError(_missing(path, name)) from None
    except OSError as error:
        reason = show(error.strerror or type(error).__name__)
        raise RunError(
            Diagnostic("NN804", f"{name} cannot be read: {reason}", help="check its rights and the disk")
        ) from error
    return decoded(data, name)


def decoded(data: memoryview, name: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """What encoded was given. name: what errors call it."""
    length = header_length(data, name)
    header = bytes(data[8 : 8 + length])
    entries, meta = parsed(header, name)
    if not isinstance(meta.get("format"), int) or isinstance(meta["format"], bool) or meta["format"] < 1:
        damaged(name, "it does not say its format")
    if meta["format"] > FORMAT:
        raise RunError(
            Diagnostic(
                "NN803",
                f"{name} was written by a newer nnc: its format is {meta['format']}, this program reads up to {FORMAT}",
                help="install a newer nnc",
            )
        )
    digest = meta.get("sha256")
    if not isinstance(digest, str) or re.fullmatch("[0-9a-f]{64}", digest) is None:
        damaged(name, "it has no checksum")
    if header.count(digest.encode()) != 1:
        damaged(name, "its checksum stands there more than once")
    zeroed = header.replace(digest.encode(), ZEROS.encode())
    if _digest(bytes(data[:8]) + zeroed, [data[8 + length :]]) != digest:
        damaged(name, "its checksum does not agree")
    return arrays_of(entries, data[8 + length :], name), {
        key: value for key, value in meta.items() if key not in OWN_KEYS
    }


def _bytes_of(path: Path, name: str) -> memoryview:
    """The file's bytes. What claims more than the memory that is free is refused before anything is allocated."""
    # Before it is opened: a pipe would wait for a writer.
    if not stat.S_ISREG(path.stat().st_mode):
        raise RunError(Diagnostic("NN801", f"{name} is no file", help="name a model file, or the folder of a run"))
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if status.st_size > available_bytes():
            raise RunError(
                Diagnostic(
                    "NN807",
                    f"{name} has {status.st_size:,} bytes: more than the memory that is free",
                    help="close other programs, or use a machine with more memory",
                )
            )
        data = bytearray(status.st_size)
        return memoryview(data)[: file.readinto(data)]


def _missing(path: Path, name: str) -> Diagnostic:
    try:
        found = nearest(path.name, sorted(os.listdir(path.parent)))
    except OSError:
        found = None
    meant = "" if found is None else f'did you mean "{show(str(path.with_name(found)))}"? '
    return Diagnostic("NN800", f"there is no model file {name}", help=f"{meant}`nnc train` makes one")
