"""Time series to examples: windows, targets, splits, scaling, missing numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compiler.settings.data import DataSettings, Share
from compiler.sorts import Ahead, Category, Class, Port, Real, Series
from dsl.errors import DataError
from runtime import data
from runtime.data import Dataset, batches
from runtime.data.in_memory import dataset_of
from runtime.footprint import data_bytes
from tests.runtime.data.build import SPEC, files, port

Y = port("y", Series(3))
NEXT = port("ahead", Ahead("y", 1), output=True)


def counted(folder: Path, text: str, *ports: Port, **settings) -> Dataset:
    """The dataset of one CSV file with headings."""
    (folder / "a.csv").write_text(text)
    return data.read(ports, DataSettings(files("a.csv", header=True), **settings), folder, None)


def column(name: str, values) -> str:
    return name + "\n" + "".join(f"{value}\n" for value in values)


def share(value: float) -> Share:
    return Share(value, True, SPEC)


def test_window_is_the_rows_before_the_one_that_is_told(tmp_path: Path):
    train = counted(tmp_path, column("y", range(6)), Y, NEXT).train
    assert train.columns["y"].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert train.columns["ahead"].tolist() == [[3], [4], [5]]


def test_several_steps_of_several_columns_are_told_row_after_row(tmp_path: Path):
    ports = (port("y", Series(2, 2)), port("ahead", Ahead("y", 2, 2), output=True))
    text = "a,b\n" + "".join(f"{i},{10 * i}\n" for i in range(4))
    (tmp_path / "a.csv").write_text(text)
    entry = files("a.csv", header=True, columns=("y=a", "y=b"))
    train = data.read(ports, DataSettings(entry), tmp_path, None).train
    assert train.columns["y"].tolist() == [[[0, 0], [1, 10]]]
    assert train.columns["ahead"].tolist() == [[2, 20, 3, 30]]


def test_other_columns_are_read_in_the_first_row_that_is_told(tmp_path: Path):
    ports = (port("y", Series(2)), port("u", Series(1)), port("now", Real()), port("day", Category()), NEXT)
    text = "y,u,now,day\n" + "".join(f"{i},{10 * i},{100 * i},d{i}\n" for i in range(4))
    found = counted(tmp_path, text, *ports)
    assert found.train.columns["u"].tolist() == [[10], [20]]
    assert found.train.columns["now"].tolist() == [[200], [300]]
    assert [found.tables.vocabularies["day"].token(i) for i in found.train.columns["day"].tolist()] == ["d2", "d3"]


def test_label_of_a_window_stands_in_the_row_behind_it(tmp_path: Path):
    text = "y,label\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(5))
    found = counted(tmp_path, text, Y, port("label", Class(), output=True))
    assert found.train.columns["label"].tolist() == [1, 0]


def test_splits_cut_targets_and_windows_reach_back(tmp_path: Path):
    ahead = port("ahead", Ahead("y", 2), output=True)
    found = counted(tmp_path, column("y", range(20)), Y, ahead, test=share(0.2), valid=share(0.25))
    assert [rows.columns["ahead"][0].tolist() for rows in (found.train, found.valid, found.test)] == [
        [3, 4],
        [12, 13],
        [16, 17],
    ]
    assert [rows.columns["ahead"][-1].tolist() for rows in (found.train, found.valid, found.test)] == [
        [10, 11],
        [14, 15],
        [18, 19],
    ]
    assert found.test.columns["y"][0].tolist() == [13, 14, 15]


def test_scaling_is_of_the_training_part_alone(tmp_path: Path):
    series, ahead = port("y", Series(2, None, True)), port("ahead", Ahead("y", 2, 1, True), output=True)
    found = counted(tmp_path, column("y", [0, 2, 0, 2, 0, 2, 100, 100]), series, ahead, test=share(0.25))
    assert found.tables.scalings["y"].mean == (1.0,)
    assert found.tables.scalings["ahead"].deviation == (1.0, 1.0)
    assert found.train.columns["y"].tolist() == [[-1, 1], [1, -1], [-1, 1]]
    assert found.test.columns["ahead"].tolist() == [[99, 99]]


def test_files_are_series_of_their_own(tmp_path: Path):
    (tmp_path / "b.csv").write_text(column("y", range(100, 104)))
    (tmp_path / "a.csv").write_text(column("y", range(4)))
    entry = files("a.csv", "b.csv", header=True)
    assert data.read((Y, NEXT), DataSettings(entry), tmp_path, None).train.columns["ahead"].tolist() == [[3], [103]]


def test_test_file_has_its_own_first_rows_to_look_at(tmp_path: Path):
    (tmp_path / "t.csv").write_text(column("y", range(50, 55)))
    found = counted(tmp_path, column("y", range(9)), Y, NEXT, test=files("t.csv", header=True))
    assert found.test.columns["ahead"].tolist() == [[53], [54]]
    assert found.train.count == 6


def test_windows_that_touch_a_missing_number_are_left_out_and_counted(tmp_path: Path):
    text = column("y", [0, 1, 2, 3, "NA", 5, 6, 7, 8, 9])
    found = counted(tmp_path, text, Y, NEXT, missing="skip")
    assert found.train.columns["ahead"].ravel().tolist() == [3, 8, 9]
    (warning,) = found.warnings
    assert warning.code == "NN736"
    assert "4 of the 7 train windows" in warning.message
    assert warning.span.line == 6


def test_last_number_goes_on_and_is_never_told(tmp_path: Path):
    text = column("y", ["NA", 1, 2, 3, "NA", 5, 6, 7])
    found = counted(tmp_path, text, Y, NEXT, missing="last")
    assert found.train.columns["y"].tolist() == [[2, 3, 3], [3, 3, 5], [3, 5, 6]]
    assert found.train.columns["ahead"].ravel().tolist() == [5, 6, 7]
    assert "2 of the 5 train windows" in found.warnings[0].message


def test_missing_number_is_an_error_with_its_place(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        counted(tmp_path, column("y", [0, 1, "", 3, 4]), Y, NEXT)
    assert [(d.code, d.span.line) for d in caught.value.diagnostics] == [("NN716", 4)]


@pytest.mark.parametrize(
    ("values", "settings", "wanted"),
    [
        (range(3), {}, "the train series has 3 rows"),
        (range(8), {"test": share(0.7)}, "no example of the train rows"),
        ([0, 1, "NA", 3, 4], {"missing": "skip"}, "each window of the train rows"),
    ],
)
def test_too_few_rows_are_an_error(tmp_path: Path, values, settings: dict, wanted: str):
    with pytest.raises(DataError) as caught:
        counted(tmp_path, column("y", values), Y, NEXT, **settings)
    (found,) = caught.value.diagnostics
    assert found.code == "NN896"
    assert wanted in found.message
    assert found.span == Y.span


def test_series_from_memory_is_the_one_from_a_file(tmp_path: Path):
    values = np.arange(12.0) ** 2
    of_file = counted(tmp_path, column("y", values), Y, NEXT, test=share(0.25))
    in_memory = dataset_of((Y, NEXT), DataSettings(files("x"), test=share(0.25)), {"train": {"y": values}})
    for a, b in ((of_file.train, in_memory.train), (of_file.test, in_memory.test)):
        assert {n: c.tolist() for n, c in a.columns.items()} == {n: c.tolist() for n, c in b.columns.items()}


def test_windows_lie_on_each_other_in_memory(tmp_path: Path):
    found = counted(tmp_path, column("y", range(2000)), port("y", Series(500)), NEXT, test=share(0.1))
    assert data_bytes(found.train) < 4 * 2000 * 8


def test_batch_has_windows_in_the_type_of_the_weights(tmp_path: Path):
    train = counted(tmp_path, column("y", range(9)), port("y", Series(3, 1)), NEXT).train
    (batch,) = batches(train, 8, order="plain")
    assert batch.arrays["y"].shape == (6, 3, 1)
    assert batch.arrays["y"].dtype == np.float32
