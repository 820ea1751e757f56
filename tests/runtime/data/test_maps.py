"""Labels of pixels: folders of PNG files beside those of the pictures, and arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.pipeline import check
from dsl.errors import DataError
from runtime.data import batches, read
from runtime.data.assembly.entries import Dataset

pillow = pytest.importorskip("PIL.Image")

FOLDERS = 'photo="photos" mask="masks"'
GROUND = np.array([[0, 0, 0], [7, 7, 0]], np.uint8)
CELL = np.array([[7, 0, 0], [0, 12, 0]], np.uint8)


def dataset(folder: Path, files: str = FOLDERS, more: str = "") -> Dataset:
    spec = "model m(photo: image[2,3]) -> mask: class per photo {\n  dense softmax\n}\n"
    experiment = check(f"{spec}data {{ train {files}{more} }}\n", "m.nn")
    assert experiment.data is not None
    return read(experiment.network.ports, experiment.data, folder, None)


def write(folder: Path, photos: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> None:
    for name, files in (("photos", photos), ("masks", masks)):
        (folder / name).mkdir()
        for file, pixels in files.items():
            pillow.fromarray(pixels).save(folder / name / file)


def test_labels_are_the_greys_of_the_picture_of_the_same_name(tmp_path: Path):
    write(tmp_path, {"a.png": GROUND, "b.jpg": CELL}, {"b.png": CELL, "a.png": GROUND})
    found = dataset(tmp_path)
    assert found.tables.labels == {"mask": ("0", "7", "12")}
    (batch,) = batches(found.train, 2, order="plain")
    np.testing.assert_array_equal(batch.arrays["mask"], [[[0, 0, 0], [1, 1, 0]], [[1, 0, 0], [0, 2, 0]]])
    assert batch.arrays["mask"].dtype == np.int64
    assert found.train.columns["photo"][0].tolist() == GROUND[..., None].tolist()


def test_labels_of_a_palette_are_its_places(tmp_path: Path):
    write(tmp_path, {"a.png": GROUND}, {})
    picture = pillow.fromarray(np.array([[0, 1, 1], [2, 0, 1]], np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    picture.save(tmp_path / "masks" / "a.png")
    assert dataset(tmp_path).tables.labels == {"mask": ("0", "1", "2")}


def test_larger_labels_are_thinned_and_never_mixed(tmp_path: Path):
    write(
        tmp_path,
        {"a.png": np.kron(GROUND, np.ones((3, 3), np.uint8))},
        {"a.png": np.kron(CELL, np.ones((3, 3), np.uint8))},
    )
    found = dataset(tmp_path)
    assert found.tables.labels == {"mask": ("0", "7", "12")}
    assert found.train.columns["mask"].tolist() == [[[1, 0, 0], [0, 2, 0]]]


def test_arrays_hold_labels_of_pixels_too(tmp_path: Path):
    np.savez(tmp_path / "a.npz", photo=np.stack([GROUND, CELL]), mask=np.stack([GROUND, CELL]).astype(np.int64))
    assert dataset(tmp_path, '"a.npz"').tables.labels == {"mask": ("0", "7", "12")}


def test_labels_move_with_their_picture_and_nothing_comes_in(tmp_path: Path):
    grey = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    write(tmp_path, {"a.png": grey}, {"a.png": grey})
    found = dataset(tmp_path, more=" ; augment flip crop=1")
    seen = set()
    for epoch in range(12):
        (batch,) = batches(found.train, 1, order="train", epoch=epoch, augment=found.augment)
        photo, mask = np.round(batch.arrays["photo"][0, ..., 0] * 255), batch.arrays["mask"][0]
        np.testing.assert_array_equal(np.where(mask >= 0, mask + 1, 0), photo)
        seen.add(mask.tobytes())
    assert len(seen) > 4


@pytest.mark.parametrize(
    ("photos", "masks", "code", "said"),
    [
        ({"a.png": GROUND, "b.png": CELL}, {"a.png": GROUND}, "NN760", "`mask` has no picture named b"),
        ({"a.png": GROUND}, {"c.png": GROUND}, "NN760", "`mask` has no picture named a, and `photo` has one"),
        ({"a.png": GROUND}, {"a.jpg": GROUND}, "NN760", "a.jpg is JPEG"),
        ({"a.png": GROUND}, {"a.png": np.zeros((2, 3, 3), np.uint8)}, "NN760", "a.png is RGB"),
        ({"a.png": GROUND}, {"a.png": GROUND.T.copy()}, "NN760", "`mask` is 2 by 3 pixels, and that of `photo` 3 by 2"),
        ({"a.png": GROUND}, {"a.png": np.zeros((2, 3), np.uint8)}, "NN717", "needs two labels at least"),
    ],
)
def test_wrong_folder_is_told(
    photos: dict[str, np.ndarray], masks: dict[str, np.ndarray], code: str, said: str, tmp_path: Path
):
    write(tmp_path, photos, masks)
    with pytest.raises(DataError) as caught:
        dataset(tmp_path)
    assert caught.value.diagnostics[0].code == code
    assert said in caught.value.diagnostics[0].message


def test_label_that_training_rows_lack_is_warned_of(tmp_path: Path):
    write(tmp_path, {"a.png": GROUND}, {"a.png": GROUND})
    other = tmp_path / "other"
    other.mkdir()
    write(other, {"a.png": CELL}, {"a.png": CELL})
    found = dataset(tmp_path, more=' ; valid photo="other/photos" mask="other/masks"')
    (warning,) = [w for w in found.warnings if w.code == "NN719"]
    assert '1 pixel of the valid rows have a label that no training row has: "12"' in warning.message
    assert found.valid is not None
    assert found.valid.columns["mask"].tolist() == [[[1, 0, 0], [0, -1, 0]]]
