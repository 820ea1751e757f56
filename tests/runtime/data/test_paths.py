"""Where the paths of a spec lead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dsl.errors import DataError
from dsl.source import Span
from runtime.data.files import resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    spec = tmp_path / "spec"
    (spec / "sub").mkdir(parents=True)
    (spec / "a.tsv").write_text("1\n")
    (spec / "sub" / "b.tsv").write_text("1\n")
    (tmp_path / "outside.tsv").write_text("1\n")
    (spec / "link.tsv").symlink_to(tmp_path / "outside.tsv")
    (spec / "up").symlink_to(tmp_path)
    (spec / "inner.tsv").symlink_to(spec / "a.tsv")
    return spec


@pytest.mark.parametrize("written", ["a.tsv", "sub/b.tsv", "sub/../a.tsv", "./a.tsv", "inner.tsv"])
def test_a_path_inside_the_folder_is_found(folder, written):
    assert resolve(written, folder, None, None).read_text() == "1\n"


@pytest.mark.parametrize(
    "written",
    [
        "../outside.tsv",
        "sub/../../outside.tsv",
        "link.tsv",
        "up/outside.tsv",
        "/etc/passwd",
        "~/a.tsv",
        "C:/a.tsv",
        "C:\\a.tsv",
        "\\\\host\\share",
        "https://example.org/a.tsv",
        "file:///etc/passwd",
        "",
        "a\0.tsv",
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(folder, written):
    with pytest.raises(DataError) as caught:
        resolve(written, folder, None, None)
    assert caught.value.diagnostics[0].code == "NN701"


def test_a_missing_file_names_the_folder_and_the_nearest(folder):
    with pytest.raises(DataError) as caught:
        resolve("sub/c.tsv", folder, None, None)
    (error,) = caught.value.diagnostics
    assert error.code == "NN700"
    assert str(folder / "sub") in error.message
    assert 'did you mean "sub/b.tsv"?' in error.help
    assert "--data-root" in error.help


def test_a_pipe_in_the_folder_is_not_waited_for(folder):
    os.mkfifo(folder / "pipe.tsv")
    with pytest.raises(DataError) as caught:
        resolve("pipe.tsv", folder, None, None)
    assert caught.value.diagnostics[0].code == "NN702"


def test_the_data_root_takes_the_folders_place(folder, tmp_path):
    assert resolve("outside.tsv", folder, tmp_path, None) == tmp_path / "outside.tsv"
    with pytest.raises(DataError):
        resolve("a.tsv", folder, tmp_path, None)


def test_a_path_from_the_command_line_is_free(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    assert resolve("../outside.tsv", folder, None, None, free=True).read_text() == "1\n"
    assert resolve(str(tmp_path / "outside.tsv"), folder, None, None, free=True).exists()


def test_missing_file_of_the_command_line_is_no_mistake_of_the_specs_line(folder):
    with pytest.raises(DataError) as caught:
        resolve("nope.tsv", folder, None, Span("s.nn", 3, 1, 3, 9, 'train "a.tsv"'), free=True)
    assert caught.value.diagnostics[0].code == "NN700"
    assert caught.value.diagnostics[0].span is None


@pytest.mark.parametrize("free", [False, True])
def test_a_path_that_the_system_refuses_is_an_error_of_ours(folder, free):
    with pytest.raises(DataError) as raised:
        resolve("x" * 300, folder, None, None, free=free)
    assert raised.value.diagnostics[0].code == "NN702"
