"""idx and npz: pictures, labels and numbers from arrays, and what is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import DataSettings
from compiler.sorts import Category, Class, Image
from dsl.errors import DataError
from runtime import data
from runtime.data import idx, npz
from runtime.data.part import Request
from runtime.data.problems import Problems
from tests.runtime.data.build import POINT, TEXT, VALUE, files, port
from tests.runtime.data.rows import errors, raw

PICTURE = port("picture", Image(2, 3))
COLOUR = port("picture", Image(2, 3, 2))
DIGIT = port("digit", Class(), output=True)
BYTES = np.arange(30, dtype=np.uint8).reshape(5, 2, 3)
DIGITS = np.array([1, 0, 1, 7, 1], np.uint8)


def idx_bytes(array) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def idx_rows(folder: Path, content: bytes, ports=(PICTURE,), name="a.idx", **how):
    (folder / name).write_bytes(content)
    return raw(folder, ports, files(name), **how)[0]


def npz_bytes(**held) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **held)
    return buffer.getvalue()


def npz_rows(folder: Path, ports=(PICTURE, DIGIT), columns=None, **held):
    (folder / "a.npz").write_bytes(npz_bytes(**held))
    return raw(folder, ports, files("a.npz", columns=columns))[0]


@pytest.mark.parametrize("name", ["a.idx", "a-idx3-ubyte", "a.dat"])
def test_idx_holds_pictures_as_bytes(tmp_path, name):
    found = idx_rows(tmp_path, idx_bytes(BYTES), name=name)
    assert (found.count, found.columns.pictures["picture"].dtype) == (5, np.uint8)
    np.testing.assert_array_equal(found.columns.pictures["picture"], BYTES[..., None])


def test_idx_may_be_packed_and_hold_colours_labels_and_numbers(tmp_path):
    found = idx_rows(tmp_path, gzip.compress(idx_bytes(BYTES)), name="a-idx3-ubyte.gz")
    np.testing.assert_array_equal(found.columns.pictures["picture"], BYTES[..., None])
    colours = np.arange(24, dtype=np.uint8).reshape(2, 2, 3, 2)
    np.testing.assert_array_equal(
        idx_rows(tmp_path, idx_bytes(colours), (COLOUR,)).columns.pictures["picture"], colours
    )
    assert idx_rows(tmp_path, idx_bytes(DIGITS), (DIGIT,)).columns.texts == {"digit": ["1", "0", "1", "7", "1"]}
    assert idx_rows(tmp_path, idx_bytes(DIGITS[:3]), (VALUE,)).columns.numbers["value"].tolist() == [[1], [0], [1]]


def test_idx_of_one_file_serves_prediction(tmp_path):
    assert idx_rows(tmp_path, idx_bytes(BYTES), (PICTURE, DIGIT), outputs_optional=True).count == 5


HEAD = bytes([0, 0, 8, 3])
BAD_IDX = [
    (b"", "NN739"),
    (b"\0\0\x08", "NN739"),
    (b"PNG.....", "NN739"),
    (HEAD, "NN739"),
    (HEAD + bytes(11), "NN739"),
    (bytes([0, 0, 8, 0]), "NN739"),
    (bytes([0, 0, 8, 9]) + bytes(36), "NN739"),
    (bytes([0, 0, 13, 3]) + idx_bytes(BYTES)[4:], "NN739"),
    (idx_bytes(BYTES)[:-1], "NN739"),
    (idx_bytes(BYTES) + b"\0", "NN739"),
    (idx_bytes(BYTES[:0]), "NN707"),
    (idx_bytes(BYTES.reshape(5, 3, 2)), "NN741"),
    (idx_bytes(DIGITS), "NN741"),
    (HEAD + b"\xff" * 12, "NN741"),
]


@pytest.mark.parametrize(("content", "code"), BAD_IDX)
def test_a_bad_idx_file_is_refused(tmp_path, content, code):
    (tmp_path / "a.idx").write_bytes(content)
    (first,) = errors(tmp_path, (PICTURE,), files("a.idx"))
    assert (first.code, first.span.file) == (code, "spec.nn")


def test_sizes_that_differ_are_both_said(tmp_path):
    (tmp_path / "a.idx").write_bytes(idx_bytes(BYTES.reshape(5, 3, 2)))
    (first,) = errors(tmp_path, (PICTURE,), files("a.idx"))
    assert "5 x 3 x 2" in first.message
    assert "2 x 3 x 1" in first.message
    assert "image[3,2]" in first.help


def test_channels_that_come_first_are_said_to_stand_last(tmp_path):
    np.savez(tmp_path / "a.npz", picture=np.zeros((5, 3, 8, 6), np.uint8))
    picture = port("picture", Image(8, 6, 3))
    (first,) = errors(tmp_path, (picture,), files("a.npz"))
    assert "transpose(0, 2, 3, 1)" in first.help


def request(*ports) -> Request:
    return Request(ports, files("a"), Problems())


def test_idx_is_refused_before_more_is_allocated_than_there_is(tmp_path):
    path = tmp_path / "a.idx.gz"
    big = HEAD + np.array([10_000_000, 2, 3], ">u4").tobytes()
    path.write_bytes(gzip.compress(big + bytes(60_000_000)))
    with pytest.raises(DataError) as caught:
        idx.read(path, request(PICTURE), limit=1_000_000)
    assert caught.value.diagnostics[0].code == "NN706"


def test_several_inputs_need_several_idx_files(tmp_path):
    (tmp_path / "a.idx").write_bytes(idx_bytes(BYTES))
    (first,) = errors(tmp_path, (PICTURE, DIGIT), files("a.idx"))
    assert first.code == "NN743"
    assert 'picture="..." digit="..."' in first.help


def test_npz_is_read_by_the_names_of_its_arrays(tmp_path):
    found = npz_rows(tmp_path, picture=BYTES, digit=DIGITS, more=np.zeros(3))
    np.testing.assert_array_equal(found.columns.pictures["picture"], BYTES[..., None])
    assert found.columns.texts["digit"] == ["1", "0", "1", "7", "1"]
    assert found.span("digit", 3).text == "7"


def test_npz_arrays_may_be_renamed(tmp_path):
    found = npz_rows(tmp_path, x_train=BYTES, y_train=DIGITS, columns=("picture=x_train", "digit=y_train"))
    assert found.count == 5


def test_the_only_array_of_an_only_input_needs_no_name(tmp_path):
    assert npz_rows(tmp_path, (PICTURE,), arr_0=BYTES).count == 5


@pytest.mark.parametrize("dtype", [">f4", "f8", "f2"])
def test_pictures_of_floats_go_from_0_to_1(tmp_path, dtype):
    found = npz_rows(tmp_path, (PICTURE,), picture=(BYTES / 32).astype(dtype))
    assert found.columns.pictures["picture"].dtype == np.float32
    np.testing.assert_array_equal(found.columns.pictures["picture"][..., 0], BYTES / np.float32(32))


def test_whole_numbers_of_any_size_are_bytes_and_labels(tmp_path):
    found = npz_rows(tmp_path, picture=np.asfortranarray(BYTES.astype(">i8")), digit=-DIGITS.astype(np.int16))
    assert found.columns.pictures["picture"].dtype == np.uint8
    np.testing.assert_array_equal(found.columns.pictures["picture"][..., 0], BYTES)
    assert found.columns.texts["digit"][3] == "-7"


def test_truth_values_are_labels_as_in_json(tmp_path):
    ports = (port("kind", Category()), VALUE)
    assert npz_rows(tmp_path, ports, kind=DIGITS == 1, value=DIGITS * 0.5).columns.texts["kind"][:2] == [
        "true",
        "false",
    ]


def test_numbers_of_several_columns_come_as_one_array(tmp_path):
    found = npz_rows(tmp_path, (POINT, VALUE), point=np.arange(6, dtype=np.float32).reshape(3, 2), value=DIGITS[:3])
    assert found.columns.numbers["point"].tolist() == [[0, 1], [2, 3], [4, 5]]


def pickled() -> bytes:
    return npz_bytes(picture=np.array([{"a": 1}], dtype=object))


def stored(name: str, content: bytes, **how) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body


def described(descr: str, shape: str, body: bytes = b"") -> bytes:
    return stored("picture.npy", npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", body))


BAD_NPZ = [
    (b"", "NN740"),
    (b"PK\x03\x04", "NN740"),
    (npz_bytes(picture=BYTES)[:-30], "NN740"),
    (pickled(), "NN740"),
    (stored("picture.npy", b"no array"), "NN740"),
    (stored("picture.npy", b""), "NN740"),
    (stored("picture.npy", npy("{}")), "NN740"),
    (stored("picture.npy", BYTES.tobytes(), compression=zipfile.ZIP_BZIP2), "NN740"),
    (described("'|u1'", "(5, 2, 3)", bytes(29)), "NN740"),
    (described("'|u1'", "(5, 2, 3)", bytes(31)), "NN740"),
    (described("'|u3'", "(5, 2, 3)"), "NN740"),
    (described("'<U3'", "(5, 2, 3)"), "NN740"),
    (described("[('a', '<i4')]", "(5, 2, 3)"), "NN740"),
    (described("__import__('os')", "(5, 2, 3)"), "NN740"),
    (described("'|u1'", "(-5, 2, 3)"), "NN740"),
    (described("'|u1'", "(9999999999999999999, 2, 3)"), "NN706"),
    (described("'|u1'", "()", b"1"), "NN741"),
    (described("'<c8'", "(5, 2, 3)"), "NN740"),
    (npz_bytes(other=BYTES, more=BYTES), "NN745"),
    (npz_bytes(picture=BYTES[:0]), "NN707"),
    (npz_bytes(picture=BYTES * 1.0), "NN741"),
    (npz_bytes(picture=np.full((5, 2, 3), np.nan)), "NN741"),
    (npz_bytes(picture=np.full((5, 2, 3), 300)), "NN741"),
    (npz_bytes(picture=BYTES.reshape(5, 6)), "NN741"),
]


# Archives hold the time: it must not be in a name, by which processes share the tests.
@pytest.mark.parametrize(("content", "code"), BAD_NPZ, ids=map(str, range(len(BAD_NPZ))))
def test_a_bad_npz_file_is_refused(tmp_path, content, code):
    (tmp_path / "a.npz").write_bytes(content)
    (first,) = errors(tmp_path, (PICTURE,), files("a.npz"))
    assert first.code == code


def test_npz_that_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(npz_bytes(picture=np.zeros((10_000, 2, 3), np.uint8)))
    with pytest.raises(DataError) as caught:
        npz.read(path, request(PICTURE), limit=20_000)
    assert caught.value.diagnostics[0].code == "NN706"


@pytest.mark.parametrize(
    ("held", "code"),
    [
        ({"picture": BYTES, "digit": DIGITS[:4]}, "NN742"),
        ({"picture": BYTES, "digit": DIGITS / 2}, "NN741"),
        ({"picture": BYTES, "digit": DIGITS.reshape(5, 1)}, "NN741"),
        ({"picture": BYTES, "digits": DIGITS}, "NN745"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, held, code):
    (tmp_path / "a.npz").write_bytes(npz_bytes(**held))
    (first,) = errors(tmp_path, (PICTURE, DIGIT), files("a.npz"))
    assert first.code == code


def test_a_missing_number_of_an_array_is_an_error_or_left_out(tmp_path):
    ports = (POINT, VALUE)
    held = {"point": np.array([[1, np.nan], [2, 3]]), "value": np.array([4.0, 5.0])}
    (tmp_path / "a.npz").write_bytes(npz_bytes(**held))
    (first,) = errors(tmp_path, ports, files("a.npz"))
    assert (first.code, first.span.line) == ("NN716", 1)
    found, warnings = raw(tmp_path, ports, files("a.npz"), skip_missing=True)
    assert found.columns.numbers["point"].tolist() == [[2, 3]]
    assert [w.code for w in warnings] == ["NN736"]


def test_infinite_numbers_are_refused_and_texts_too(tmp_path):
    (tmp_path / "a.npz").write_bytes(npz_bytes(point=np.array([[1, np.inf]]), value=np.array([1.0])))
    assert errors(tmp_path, (POINT, VALUE), files("a.npz"))[0].code == "NN715"
    (tmp_path / "a.npz").write_bytes(npz_bytes(text=DIGITS))
    assert errors(tmp_path, (TEXT,), files("a.npz"))[0].code == "NN743"


def test_a_warning_of_an_array_names_its_row(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(4.0), digit=np.array([1, -1, 1, -1]))
    np.savez(tmp_path / "b.npz", x=np.arange(2.0), digit=np.array([1, 3]))
    ports = (port("x", VALUE.sort), port("digit", Class(), output=True))
    found = data.read(ports, DataSettings(files("a.npz"), valid=files("b.npz")), tmp_path, None)
    assert found.tables.labels == {"digit": ("-1", "1")}
    assert [(w.code, w.span.line, w.span.text) for w in found.warnings] == [("NN719", 2, "3")]
