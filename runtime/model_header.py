"""What a model file must look like before a byte of it is used: the strict reading of its header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite, prod
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from dsl.errors import Diagnostic, RunError
from dsl.render import show

Array: TypeAlias = NDArray[Any]

LONGEST_HEADER_BYTES = 100_000_000
"""The limit of safetensors itself."""
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
GIVE_ANOTHER = "give a file that nnc has written: model.safetensors in the folder of a run"


def header_length(data: memoryview, name: str) -> int:
    """The length that the file begins with; not checked is more than that a header may have it."""
    if not len(data):
        damaged(name, "it is empty")
    start = bytes(data[:9])
    length = int.from_bytes(start[:8], "little")
    # The brace comes first: a length may begin with the bytes of a pickle.
    if len(data) < 9 or (start[8:] == b"{" and len(data) - 8 < length <= LONGEST_HEADER_BYTES):
        damaged(name, "it ends too early")
    if start[8:] == b"{" and length <= LONGEST_HEADER_BYTES:
        return length
    if start.startswith(b"PK\x03\x04") or (start[0] == 0x80 and 2 <= start[1] <= 5):
        what = "is a pickle or an archive, not a model file; it was not opened: opening one can run it"
    else:
        what = "is not a model file"
    raise RunError(Diagnostic("NN801", f"{name} {what}", help=GIVE_ANOTHER))


def parsed(header: bytes, name: str) -> tuple[dict[str, object], dict[str, Any]]:
    """The tensors' entries and the metadata."""
    entries = _json_object(header, name)
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or "nnc" not in metadata:
        raise RunError(
            Diagnostic(
                "NN801",
                f"{name} is a safetensors file, but not one of nnc: its metadata has no `nnc`",
                help=GIVE_ANOTHER,
            )
        )
    found = cast(dict[str, object], metadata)
    inner = found["nnc"]
    if len(found) != 1 or not isinstance(inner, str):
        damaged(name, "its metadata is more than `nnc`")
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
        damaged(name, "its header is not JSON")
    if not isinstance(value, dict):
        damaged(name, "its header is no object")
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


def arrays_of(entries: Mapping[str, object], data: memoryview, name: str) -> dict[str, Array]:
    """The arrays; their bytes must fill the rest of the file, each once."""
    pieces: list[tuple[int, int, str, str, tuple[int, ...]]] = []
    for key, entry in entries.items():
        piece = _piece(entry)
        if piece is None:
            damaged(name, f'the entry of tensor "{show(key)}" is wrong')
        begin, end, dtype, shape = piece
        pieces.append((begin, end, key, dtype, shape))
    at = 0
    for begin, end, *_ in sorted(pieces):
        if begin != at:
            damaged(name, "its tensors do not lie end to end")
        at = end
    if at != len(data):
        damaged(name, "it ends too early" if at > len(data) else "it goes on after the last tensor")
    arrays: dict[str, Array] = {}
    for begin, end, key, dtype, shape in pieces:
        raw = data[begin:end]
        if dtype == "BOOL" and raw and np.frombuffer(raw, np.uint8).max() > 1:
            damaged(name, f'tensor "{show(key)}" holds what is neither true nor false')
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


def damaged(name: str, reason: str) -> NoReturn:
    raise RunError(
        Diagnostic(
            "NN802",
            f"{name} is damaged: {reason}",
            help="copy it again from where it came; where it cannot be had, train again",
        )
    )
