"""Folders of PNG and JPEG files."""

from __future__ import annotations

import io
import random
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import Augment
from compiler.sorts import Class, Image
from dsl.errors import DataError
from runtime import data
from runtime.data import pictures
from runtime.data.augment import moves_of
from runtime.data.batches import batches
from runtime.data.part import Request
from runtime.data.problems import Problems
from runtime.data.rows import Rows
from runtime.data.tables import Tables
from tests.runtime.data.build import LABEL, TEXT, files, port
from tests.runtime.data.rows import errors, raw
from tests.runtime.data.test_beside import side_by_side

pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
PHOTO = port("photo", Image(2, 3, 3))
GREY = port("photo", Image(2, 3))
KIND = port("kind", Class(), output=True)
PORTS = (PHOTO, KIND)


def png(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow.fromarray(pixels).save(path, **options)
    return path


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_folder_of_a_class_gives_its_name_in_order(tmp_path):
    for seed, name in enumerate(("dog/b.png", "cat/z.png", "dog/a.PNG", "cat/.hidden.png")):
        png(tmp_path / name, pixels(seed, 2, 3, 3))
    found, told = raw(tmp_path, PORTS, files("."))
    assert found.columns.texts["kind"] == ["cat", "dog", "dog"]
    np.testing.assert_array_equal(found.columns.pictures["photo"], [pixels(i, 2, 3, 3) for i in (1, 2, 0)])
    assert told == []
    assert (found.span("kind", 2).file[-9:], found.span("kind", 2).text) == ("dog/b.png", "b.png")


def test_pictures_to_predict_may_lie_in_the_folder_itself(tmp_path):
    png(tmp_path / "1.png", pixels(0, 2, 3, 3))
    found, _ = raw(tmp_path, PORTS, files("."), outputs_optional=True)
    assert found.count == 1
    assert found.columns.texts == {}


def test_pictures_and_a_file_of_classes_stand_side_by_side(tmp_path):
    for name in "ab":
        png(tmp_path / "photos" / f"{name}.png", pixels(0, 2, 3, 3))
    (tmp_path / "kinds.txt").write_text("cat\ndog\n")
    found, _ = raw(tmp_path, PORTS, side_by_side(photo="photos", kind="kinds.txt"))
    assert found.columns.texts["kind"] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("sort", "shape", "like"),
    [
        (Image(2, 3), (2, 3), lambda p: p[..., None]),
        (Image(2, 3, 3), (2, 3), lambda p: np.stack([p] * 3, -1)),
        (Image(2, 3, 4), (2, 3, 4), lambda p: p),
        (Image(2, 3, 3), (2, 3, 3), lambda p: p),
        (Image(2, 3), (2, 7), lambda p: p[:, 2:5, None]),
        (Image(2, 3), (4, 3), lambda p: p[1:3, :, None]),
    ],
)
def test_picture_is_brought_to_its_sort(tmp_path, sort: Image, shape: tuple[int, ...], like):
    """Its channels; and of one that is as wide or as high already its middle."""
    given = pixels(3, *shape)
    np.testing.assert_array_equal(pictures.read_one(png(tmp_path / "a.png", given), sort, None), like(given))


def test_larger_picture_is_scaled(tmp_path):
    given = np.repeat(np.repeat(np.array([[0, 100, 200], [250, 150, 50]], np.uint8), 8, 0), 8, 1)
    found = pictures.read_one(png(tmp_path / "a.png", given), Image(2, 3), None)[..., 0]
    assert np.abs(found.astype(int) - given[4::8, 4::8]).max() <= 50


def test_grey_of_two_bytes_is_not_cut_off(tmp_path):
    given = np.array([[0, 256, 65535], [32768, 255, 512]], np.uint16)
    found = pictures.read_one(png(tmp_path / "a.png", given), Image(2, 3), None)[..., 0]
    np.testing.assert_array_equal(found, given >> 8)


def test_jpeg_is_turned_as_its_camera_was_held(tmp_path):
    given = np.zeros((16, 32, 3), np.uint8)
    given[:, 16:] = 255
    turned = pillow.Exif()
    turned[0x0112] = 6
    path = png(tmp_path / "a.jpg", given, quality=95, exif=turned)
    found = pictures.read_one(path, Image(4, 2), None)[..., 0]
    assert (found[:2].max(), found[2:].min()) == (0, 255) or (found[0].max() < 20 and found[3].min() > 235)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb() -> bytes:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def encoded(format: str) -> bytes:
    stream = io.BytesIO()
    pillow.fromarray(pixels(5, 20, 30, 3)).save(stream, format)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"text", bomb(), encoded("PNG")[:200], encoded("GIF")], ids=["empty", "text", "bomb", "cut", "gif"]
)
def test_damaged_picture_is_an_error_with_its_place(tmp_path, content: bytes):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.png").write_bytes(content)
    png(tmp_path / "dog" / "b.png", pixels(0, 2, 3, 3))
    (found,) = errors(tmp_path, PORTS, files("."))
    assert found.code == "NN747"
    assert found.span is not None
    assert found.span.file.endswith("cat/a.png")


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_mutated_picture_is_read_or_refused(tmp_path, format: str):
    rng, good = random.Random(7), encoded(format)
    path = tmp_path / "a.png"
    refused = 0
    for _ in range(150):
        content = bytearray(good[: rng.choice((len(good), rng.randrange(len(good))))])
        for _ in range(rng.randrange(4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content)
        refused += code_of(path) == "NN747"
    assert 0 < refused < 150


def code_of(path: Path) -> str | None:
    try:
        pictures.read_one(path, Image(2, 3, 3), None)
    except DataError as error:
        return error.diagnostics[0].code
    return None


def test_every_broken_picture_is_told(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / "cat").mkdir(exist_ok=True)
        (tmp_path / "cat" / f"{name}.jpg").write_bytes(b"x")
    assert [d.code for d in errors(tmp_path, PORTS, files("."))] == ["NN747"] * 3


def test_other_files_are_left_out_with_a_warning(tmp_path):
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    (tmp_path / "cat" / "notes.txt").write_text("x")
    found, (warning,) = raw(tmp_path, PORTS, files("."))
    assert found.count == 1
    assert (warning.code, warning.severity) == ("NN748", "warning")
    assert "a file is left out" in warning.message


def test_a_class_without_a_picture_is_told(tmp_path):
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    (tmp_path / "dog").mkdir()
    found, (warning,) = raw(tmp_path, PORTS, files("."))
    assert found.count == 1
    assert (warning.code, warning.severity) == ("NN748", "warning")
    assert "dog is no class" in warning.message


def test_whatever_is_no_picture_is_left_out_with_a_warning(tmp_path):
    """Beside the folders, or a folder in one: nothing is left out without a word."""
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    png(tmp_path / "cat" / "kittens" / "b.png", pixels(1, 2, 3, 3))
    png(tmp_path / "c.png", pixels(2, 2, 3, 3))
    found, told = raw(tmp_path, PORTS, files("."))
    assert found.count == 1
    assert [w.span.file.rpartition("/")[2] for w in told if w.span] == ["c.png", "kittens"]


def test_link_to_nothing_is_an_error(tmp_path):
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    (tmp_path / "cat" / "b.png").symlink_to("nothing.png")
    assert errors(tmp_path, PORTS, files("."))[0].code == "NN702"


def test_class_whose_name_is_not_utf8_is_refused(tmp_path):
    png(tmp_path / "caf\udce9" / "a.png", pixels(0, 2, 3, 3))
    assert errors(tmp_path, PORTS, files("."))[0].code == "NN703"


def test_picture_whose_name_is_not_utf8_is_read(tmp_path):
    png(tmp_path / "cat" / "caf\udce9.png", pixels(0, 2, 3, 3))
    found, _ = raw(tmp_path, PORTS, files("."))
    assert found.count == 1


def test_picture_with_damaged_notes_of_the_camera_is_read_without_a_word(tmp_path):
    content = encoded("JPEG")
    notes = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 10
    path = tmp_path / "a.jpg"
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes + content[2:])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        pictures.read_one(path, Image(2, 3, 3), None)
    assert told == []


def test_one_picture_named_as_data_is_refused(tmp_path):
    png(tmp_path / "a.png", pixels(0, 2, 3, 3))
    assert errors(tmp_path, PORTS, files("a.png"))[0].code == "NN743"


@pytest.mark.parametrize("ports", [(PHOTO, TEXT, LABEL), (PHOTO, KIND, port("other", Class(), output=True))])
def test_folder_that_the_model_cannot_take_is_refused(tmp_path, ports):
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    assert errors(tmp_path, ports, files("."))[0].code == "NN743"


def test_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "cat").mkdir()
    assert errors(tmp_path, PORTS, files("."))[0].code == "NN748"


def test_link_out_of_the_folder_is_refused(tmp_path):
    outside = png(tmp_path / "outside.png", pixels(0, 2, 3, 3))
    (tmp_path / "data" / "cat").mkdir(parents=True)
    (tmp_path / "data" / "cat" / "a.png").symlink_to(outside)
    assert errors(tmp_path / "data", PORTS, files("."))[0].code == "NN701"


def test_folder_too_large_for_memory_is_refused_before_it_is_read(tmp_path):
    png(tmp_path / "cat" / "a.png", pixels(0, 2, 3, 3))
    with pytest.raises(DataError) as caught:
        pictures.read(tmp_path, Request(PORTS, files("."), Problems()), limit=17)
    assert caught.value.diagnostics[0].code == "NN706"


def test_without_pillow_the_error_says_how_to_get_it(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = png(tmp_path / "a.png", pixels(0, 2, 3, 3))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError) as caught:
        pictures.read_one(path, Image(2, 3, 3), None)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("NN746", 'pip install "nnc[images]"')


def test_picture_to_predict_is_the_path_of_its_file(tmp_path):
    path = png(tmp_path / "a.png", pixels(0, 2, 3, 3))
    rows = data.encode(PORTS, Tables({}, {"kind": ("cat", "dog")}, {}), [[str(path)]])
    np.testing.assert_array_equal(rows.columns["photo"], pixels(0, 2, 3, 3)[None])


# Moves


def test_moves_are_those_of_a_row_whatever_the_batches():
    first, again = moves_of(Augment(True, 2), 50, 1, 3), moves_of(Augment(True, 2), 50, 1, 3)
    np.testing.assert_array_equal(first.down, again.down)
    assert set(first.down.tolist()) == set(first.right.tolist()) == {-2, -1, 0, 1, 2}
    assert 10 < first.mirrored.sum() < 40
    assert (first.down != moves_of(Augment(True, 2), 50, 1, 4).down).any()
    assert not moves_of(Augment(False, 2), 50, 1, 3).mirrored.any()


def test_picture_is_moved_as_a_window_of_one_with_zeros_around_it():
    moves = moves_of(Augment(True, 2), 9, 1, 0)
    given = pixels(0, 9, 4, 5, 2) | 1
    found = moves.moved(given[3:], np.arange(3, 9))
    for row, result in zip(range(3, 9), found, strict=True):
        turned = given[row][:, ::-1] if moves.mirrored[row] else given[row]
        around = np.pad(turned, ((2, 2), (2, 2), (0, 0)))
        down, right = 2 - moves.down[row], 2 - moves.right[row]
        np.testing.assert_array_equal(result, around[down : down + 4, right : right + 5])


def test_batches_move_pictures_in_training_alone():
    given = pixels(0, 12, 4, 4, 1)
    rows = Rows((GREY,), 12, {"photo": given}, {}, {})
    plain, moved = ({}, {})
    for found, augment in ((plain, None), (moved, Augment(crop=1))):
        for batch in batches(rows, 5, order="train", seed=1, augment=augment):
            found |= zip(batch.rows.tolist(), batch.arrays["photo"], strict=True)
    moves = moves_of(Augment(crop=1), 12, 1, 0)
    for i in range(12):
        np.testing.assert_allclose(plain[i], given[i] / 255, rtol=1e-6)
        np.testing.assert_allclose(moved[i], moves.moved(given[i : i + 1], np.array([i]))[0] / 255, rtol=1e-6)
