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
from math import isfinite, prod
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dsl.errors import Diagnostic, InternalError, RunError
from dsl.nearest import nearest
from dsl.render import show
from runtime.memory import available_bytes
from runtime.storage import write_atomically

Array: TypeAlias = NDArray[Any]

FORMAT = 1
ZEROS = "0" * 64
LONGEST_HEADER_BYTES = 100_000_000
"""The limit of safetensors itself."""
OWN_KEYS = frozenset({"format", "sha256"})
DTYPES = {
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "F16": np.dtype("<f2"),
    "U8": np.dtype("|u1"),
    "BOOL": np.dtype("|b1"),
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
LARGEST_SIZE = 1 << 48
"""Of an axis; larger ones only occur in damaged files. Python's integers do not wrap, NumPy's would."""
MOST_AXES = 32


def save(path: Path, tensors: Mapping[str, Array], meta: Mapping[str, object]) -> None:
    """Write a model file, whole or not at all.

    meta: JSON; the keys `format` and `sha256` are this function's own

    Raises RunError NN805 when the file cannot be written.
    """
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
    write_atomically(path, [_header(entries, meta, digest), *chunks])


def _plain(name: str, tensor: Array) -> Array:
    """The same numbers end to end, little end first. Not ascontiguousarray, which gives a single number an axis."""
    dtype = tensor.dtype.newbyteorder("<")
    if dtype not in NAMES:
        raise InternalError(f"tensor {name} has dtype {tensor.dtype}, which a model file does not hold")
    return np.asarray(tensor, dtype, order="C")


def _header(entries: Mapping[str, object], meta: Mapping[str, object], digest: str) -> bytes:
    inner = json.dumps({**meta, "format": FORMAT, "sha256": digest}, sort_keys=True, allow_nan=False)
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
    length = _header_length(data, name)
    header = bytes(data[8 : 8 + length])
    entries, meta = _parsed(header, name)
    if not isinstance(meta.get("format"), int) or isinstance(meta["format"], bool) or meta["format"] < 1:
        _damaged(name, "it does not say its format")
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
        _damaged(name, "it has no checksum")
    if header.count(digest.encode()) != 1:
        _damaged(name, "its checksum stands there more than once")
    zeroed = header.replace(digest.encode(), ZEROS.encode())
    if _digest(bytes(data[:8]) + zeroed, [data[8 + length :]]) != digest:
        _damaged(name, "its checksum does not agree")
    tensors = _tensors(entries, data[8 + length :], name)
    return tensors, {key: value for key, value in meta.items() if key not in OWN_KEYS}


def _bytes_of(path: Path, name: str) -> memoryview:
    """The file's bytes. What claims more than the memory that is free is refused before anything is allocated."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise RunError(Diagnostic("NN801", f"{name} is no file", help="name a model file, or the folder of a run"))
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


def _header_length(data: memoryview, name: str) -> int:
    if not len(data):
        _damaged(name, "it is empty")
    start = bytes(data[:9])
    if start.startswith(b"PK\x03\x04") or (start[0] == 0x80 and start[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}):
        raise RunError(
            Diagnostic(
                "NN801",
                f"{name} is a pickle or an archive, not a model file; it was not opened: opening one can run it",
                help="give a file that nnc has written: model.safetensors in the folder of a run",
            )
        )
    length = int.from_bytes(start[:8], "little")
    if len(data) >= 9 and length <= len(data) - 8 and start[8:] == b"{":
        return length
    if (start[8:] == b"{" and length <= LONGEST_HEADER_BYTES) or len(data) < 9:
        _damaged(name, "it ends too early")
    raise RunError(
        Diagnostic(
            "NN801",
            f"{name} is not a model file",
            help="give a file that nnc has written: model.safetensors in the folder of a run",
        )
    )


def _parsed(header: bytes, name: str) -> tuple[dict[str, object], dict[str, Any]]:
    """The tensors' entries and the metadata."""
    entries = _json_object(header, name)
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or "nnc" not in metadata:
        raise RunError(
            Diagnostic(
                "NN801",
                f"{name} is a safetensors file, but not one of nnc: its metadata has no `nnc`",
                help="give a file that nnc has written: model.safetensors in the folder of a run",
            )
        )
    found = cast(dict[str, object], metadata)
    inner = found["nnc"]
    if len(found) != 1 or not isinstance(inner, str):
        _damaged(name, "its metadata is more than `nnc`")
    return entries, _json_object(inner.encode("utf-8", "surrogatepass"), name)


def _json_object(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite
        )
        # Half a surrogate pair can be written in JSON, but nowhere else.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    # A number of too many digits is a ValueError; brackets nested too deep are a RecursionError.
    except (ValueError, RecursionError):
        _damaged(name, "its header is not JSON")
    if not isinstance(value, dict):
        _damaged(name, "its header is no object")
    return cast(dict[str, Any], value)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _tensors(entries: Mapping[str, object], data: memoryview, name: str) -> dict[str, Array]:
    """The arrays; their bytes must fill the rest of the file, each once."""
    pieces: list[tuple[int, int, str, str, tuple[int, ...]]] = []
    for key, entry in entries.items():
        piece = _piece(entry)
        if piece is None:
            _damaged(name, f'the entry of tensor "{show(key)}" is wrong')
        begin, end, dtype, shape = piece
        pieces.append((begin, end, key, dtype, shape))
    at = 0
    for begin, end, *_ in sorted(pieces):
        if begin != at:
            _damaged(name, "its tensors do not lie end to end")
        at = end
    if at != len(data):
        _damaged(name, "it ends too early" if at > len(data) else "it goes on after the last tensor")
    arrays: dict[str, Array] = {}
    for begin, end, key, dtype, shape in pieces:
        raw = data[begin:end]
        if dtype == "BOOL" and raw and np.frombuffer(raw, np.uint8).max() > 1:
            _damaged(name, f'tensor "{show(key)}" holds what is neither true nor false')
        array = np.frombuffer(raw, DTYPES[dtype]).reshape(shape)
        arrays[key] = array.astype(array.dtype.newbyteorder("="), copy=False)
    return arrays


def _piece(entry: object) -> tuple[int, int, str, tuple[int, ...]] | None:
    """Begin, end, dtype and shape of a tensor, or None when they do not agree."""
    if not isinstance(entry, dict) or set(cast(dict[str, object], entry)) != {"dtype", "shape", "data_offsets"}:
        return None
    parts = cast(dict[str, object], entry)
    dtype, shape, offsets = parts["dtype"], _sizes(parts["shape"]), _sizes(parts["data_offsets"])
    if not isinstance(dtype, str) or dtype not in DTYPES or shape is None or offsets is None or len(offsets) != 2:
        return None
    begin, end = offsets
    if len(shape) > MOST_AXES or end - begin != prod(shape) * DTYPES[dtype].itemsize:
        return None
    return begin, end, dtype, shape


def _sizes(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    found: list[int] = []
    for one in cast(list[object], value):
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one <= LARGEST_SIZE:
            return None
        found.append(one)
    return tuple(found)


def _damaged(name: str, reason: str) -> NoReturn:
    raise RunError(
        Diagnostic(
            "NN802",
            f"{name} is damaged: {reason}",
            help="copy it again from where it came; else train again, or resume from the run's checkpoint",
        )
    )


def _missing(path: Path, name: str) -> Diagnostic:
    try:
        found = nearest(path.name, sorted(os.listdir(path.parent)))
    except OSError:
        found = None
    meant = "" if found is None else f'did you mean "{show(str(path.with_name(found)))}"? '
    return Diagnostic("NN800", f"there is no model file {name}", help=f"{meant}`nnc train` makes one")
