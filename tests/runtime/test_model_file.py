"""Model files come back as they were saved, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from dsl.errors import InternalError, RunError
from runtime.model_file import load, save
from tests.fresh import fresh

META = {
    "spec": 'model m\u2028"é"\n',
    "tables": {"labels": ["0", "1"]},
    "metrics": [0.1, None, 1e-300],
    "version": "0.1",
}


def tensors() -> dict[str, np.ndarray]:
    return {
        "weight": np.arange(6.0, dtype=np.float32).reshape(2, 3),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "every_second": np.arange(10)[::2],
        "big_end": np.arange(3, dtype=">f8"),
        "single": np.array(2.5),
        "nothing": np.zeros((0, 3), np.float32),
        "mask": np.array([True, False, True]),
        "words": np.array([2**64 - 1], np.uint64),
        "odd": np.array([1, 2, 3], np.uint8),
        "not_finite": np.array([np.nan, -np.inf, -0.0]),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save(tmp_path / "m.safetensors", tensors(), META)
    return tmp_path / "m.safetensors"


def code_of(path: Path) -> str:
    with pytest.raises(RunError) as caught:
        load(path)
    (error,) = caught.value.diagnostics
    assert error.help
    return error.code


def resign(header: bytes, data: bytes) -> bytes:
    """A file of this header, whose metadata say "0" * 64 for the checksum, with the right one put in."""
    head = len(header).to_bytes(8, "little") + header
    zeros = b"0" * 64
    return head.replace(zeros, hashlib.sha256(head + data).hexdigest().encode()) + data


def parts_of(path: Path) -> tuple[dict, dict, bytes]:
    """The header, the metadata under `nnc` and the data of a file."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    inner = json.loads(header.pop("__metadata__")["nnc"])
    return header, inner, content[8 + length :]


def forged(header: dict, inner: dict, data: bytes, **metadata: str) -> bytes:
    inner = {**inner, "sha256": "0" * 64}
    whole = {"__metadata__": {"nnc": json.dumps(inner, sort_keys=True), **metadata}, **header}
    return resign(json.dumps(whole).encode(), data)


def test_a_model_file_comes_back_to_the_bit(path):
    found, meta = load(path)
    assert meta == META
    for name, tensor in tensors().items():
        assert found[name].shape == tensor.shape, name
        assert found[name].dtype == tensor.dtype.newbyteorder("="), name
        assert found[name].tobytes() == tensor.astype(found[name].dtype).tobytes(), name


def test_loaded_tensors_may_be_written_to(path):
    found, _ = load(path)
    found["weight"] += 1
    assert found["weight"][0, 0] == 1


def test_a_model_file_is_read_by_safetensors(path):
    safetensors = pytest.importorskip("safetensors")
    from safetensors.numpy import load_file

    for name, tensor in load_file(path).items():
        np.testing.assert_array_equal(tensor, tensors()[name])
    with safetensors.safe_open(path, "np") as file:
        (key,) = file.metadata()
        meta = json.loads(file.metadata()[key])
    assert key == "nnc"
    assert meta["format"] == 1
    assert list(meta) == sorted(meta)


def test_the_checksum_is_that_of_the_file_with_zeros_in_its_place(path):
    content = path.read_bytes()
    _, inner, _ = parts_of(path)
    digest = inner["sha256"].encode()
    assert content.count(digest) == 1
    assert hashlib.sha256(content.replace(digest, b"0" * 64)).hexdigest().encode() == digest


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    reordered = dict(reversed(tensors().items()))
    save(tmp_path / "again", reordered, dict(reversed(META.items())))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_tensors_are_aligned_in_the_file(path):
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    sizes = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "BOOL": 1, "U8": 1}
    for entry in parts_of(path)[0].values():
        assert (start + entry["data_offsets"][0]) % sizes[entry["dtype"]] == 0


def test_a_model_without_tensors_is_a_model(tmp_path):
    save(tmp_path / "a", {}, {})
    assert load(tmp_path / "a") == ({}, {})


@pytest.mark.parametrize(
    ("bad", "meta"),
    [
        ({"a": np.array(["x"])}, {}),
        ({"a": np.array([1j])}, {}),
        ({"__metadata__": np.zeros(1)}, {}),
        ({}, {"format": 2}),
    ],
)
def test_what_a_model_file_cannot_hold_is_our_mistake(tmp_path, bad, meta):
    with pytest.raises(InternalError):
        save(tmp_path / "a", bad, meta)
    assert os.listdir(tmp_path) == []


def test_a_missing_model_gets_the_nearest(path):
    with pytest.raises(RunError) as caught:
        load(path.with_name("n.safetensors"))
    (error,) = caught.value.diagnostics
    assert error.code == "NN800"
    assert "m.safetensors" in error.help


NOT_OURS = {
    "pickle": (pickle.dumps({"a": [1, 2, 3]}), "NN801"),
    "zip": (b"PK\x03\x04" + bytes(100), "NN801"),
    "text": (b"a text that is long enough to be read", "NN801"),
    "empty": (b"", "NN802"),
    "short": (b"\x10\0\0", "NN802"),
    "huge header": ((2**63).to_bytes(8, "little") + b"{}", "NN801"),
    "cut header": ((5000).to_bytes(8, "little") + b'{"a":', "NN802"),
    "deep header": ((100_000).to_bytes(8, "little") + b'{"a":' + b"[" * 99_995, "NN802"),
    "long number": ((10_010).to_bytes(8, "little") + b'{"a":' + b"1" * 10_000 + b"    }", "NN802"),
    "other safetensors": ((8).to_bytes(8, "little") + b"{}      ", "NN801"),
}


@pytest.mark.parametrize("what", NOT_OURS)
def test_a_file_that_is_no_model_is_recognised(tmp_path, what):
    content, code = NOT_OURS[what]
    (tmp_path / "a").write_bytes(content)
    assert code_of(tmp_path / "a") == code


def test_a_pickle_is_never_opened(tmp_path):
    opened = []
    sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("pickle.") else None)
    (tmp_path / "a").write_bytes(NOT_OURS["pickle"][0])
    assert code_of(tmp_path / "a") == "NN801"
    assert opened == []


def test_a_folder_a_pipe_and_a_device_are_no_models(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert code_of(tmp_path) == "NN801"
    assert code_of(tmp_path / "pipe") == "NN801"
    assert code_of(Path("/dev/null")) == "NN801"


def test_a_file_larger_than_the_memory_is_refused_unread(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(1 << 43)
    assert code_of(tmp_path / "a") == "NN807"


def test_every_cut_is_recognised(path):
    content = path.read_bytes()
    for length in [*range(0, 600, 7), *range(600, len(content), 31), len(content) - 1]:
        path.write_bytes(content[:length])
        assert code_of(path) == "NN802"
    path.write_bytes(content + b"\0")
    assert code_of(path) == "NN802"


def test_a_newer_format_is_said_to_be_newer(path):
    header, inner, data = parts_of(path)
    path.write_bytes(forged(header, {**inner, "format": 2}, data))
    assert code_of(path) == "NN803"


def entry(dtype="U8", shape=(3,), offsets=(0, 3), **more) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


FORGERIES = {
    "another key": ({"a": entry(more=1)}, b"abc"),
    "missing key": ({"a": {"dtype": "U8", "shape": [3]}}, b"abc"),
    "unknown dtype": ({"a": entry("F8_E4M3")}, b"abc"),
    "negative size": ({"a": entry(shape=(-1, -3))}, b"abc"),
    "product wraps": ({"a": entry(shape=(2**32, 2**32, 16))}, b"abc"),
    "product wraps to fit": ({"a": entry(shape=(2**63, 2), offsets=(0, 0))}, b""),
    "size is true": ({"a": entry(shape=(True,), offsets=(0, 1))}, b"a"),
    "size is a fraction": ({"a": entry(shape=(3.0,))}, b"abc"),
    "offsets backwards": ({"a": entry(offsets=(3, 0))}, b"abc"),
    "three offsets": ({"a": entry(offsets=(0, 3, 3))}, b"abc"),
    "hole at the start": ({"a": entry(shape=(2,), offsets=(1, 3))}, b"abc"),
    "hole at the end": ({"a": entry(shape=(2,), offsets=(0, 2))}, b"abc"),
    "two in one place": ({"a": entry(), "b": entry()}, b"abc"),
    "past the end": ({"a": entry(shape=(4,), offsets=(0, 4))}, b"abc"),
    "neither true nor false": ({"a": entry("BOOL")}, b"\0\1\2"),
    "33 axes": ({"a": entry(shape=(1,) * 32 + (3,))}, b"abc"),
    "no entry": ({"a": 3}, b""),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_wrong_header_is_refused_though_its_checksum_is_right(path, what):
    header, data = FORGERIES[what]
    path.write_bytes(forged(header, {"format": 1}, data))
    assert code_of(path) == "NN802"


def test_forged_files_differ_from_good_ones_only_in_what_is_forged(path):
    path.write_bytes(forged({"a": entry()}, {"format": 1}, b"abc"))
    assert load(path)[0]["a"].tolist() == [97, 98, 99]


@pytest.mark.parametrize("format", [0, -1, True, "1", 1.0, None])
def test_a_format_that_is_no_number_is_refused(path, format):
    path.write_bytes(forged({}, {"format": format}, b""))
    assert code_of(path) == "NN802"


def test_metadata_beside_ours_is_refused(path):
    path.write_bytes(forged({}, {"format": 1}, b"", more="x"))
    assert code_of(path) == "NN802"


@pytest.mark.parametrize(
    "inner",
    [
        '{"format":1,"sha256":"Z","x":NaN}',
        '{"format":1,"sha256":"Z","x":1e999}',
        '{"format":1,"format":1,"sha256":"Z"}',
        '{"format":1,"sha256":"Z","x":"\\ud800"}',
        '{"format":1,"sha256":"Z","x":"Z"}',
        '{"format":1}',
        "[1]",
        "{",
    ],
)
def test_metadata_that_is_not_plain_json_is_refused(path, inner):
    text = json.dumps({"__metadata__": {"nnc": inner.replace("Z", "0" * 64)}}).encode()
    path.write_bytes(resign(text, b""))
    assert code_of(path) == "NN802"


def test_no_mutated_file_is_accepted(tmp_path):
    seed = int(os.environ.get("NNC_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NNC_SEED={seed}")
    chance = random.Random(seed)
    save(tmp_path / "good", {"w": np.arange(8.0), "b": np.array([True])}, {"spec": "model m", "labels": ["0", "1"]})
    good = (tmp_path / "good").read_bytes()
    path = tmp_path / "bad"
    for _ in range(int(os.environ.get("NNC_FUZZ", 2000))):
        content = bytearray(good)
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(len(content))
            match chance.randrange(5):
                case 0:
                    content[at] ^= 1 << chance.randrange(8)
                case 1:
                    content[at] = chance.randrange(256)
                case 2:
                    del content[at : at + chance.choice((1, 8, 100))]
                case 3:
                    content[at:at] = chance.randbytes(chance.choice((1, 8, 100)))
                case _:
                    content[at : at + 1] = chance.choice((b'"', b"{", b"[", b"0", b",", b"}", b"9", b"\\"))
            if not content:
                break
        if content == good:
            continue
        fresh(path, content)
        with pytest.raises(RunError):
            load(path)


def test_files_signed_again_after_an_edit_load_or_are_refused(tmp_path):
    seed = int(os.environ.get("NNC_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NNC_SEED={seed}")
    chance = random.Random(seed)
    header = json.dumps(
        {
            "__metadata__": {"nnc": json.dumps({"format": 1, "sha256": "0" * 64})},
            "a": entry(),
            "b": entry(offsets=(3, 6)),
        }
    ).encode()
    path = tmp_path / "bad"
    accepted = 0
    for _ in range(int(os.environ.get("NNC_FUZZ", 1000))):
        edited = bytearray(header)
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(edited))
            edited[at : at + chance.randrange(2)] = chance.choice(
                (b"0", b"9", b"-", b"a", b" ", b'"', b",", b"[]", b"null", b"\xff")
            )
        fresh(path, resign(bytes(edited), b"abcdef"))
        try:
            found, _ = load(path)
            accepted += 1
            assert sum(t.nbytes for t in found.values()) == 6
        except RunError:
            pass
    assert accepted
