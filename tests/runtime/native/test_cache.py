"""The cache of compiled kernels: nothing in it is run that is not ours and whole."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from runtime.native.cache import Cache, Entry, user_cache
from tests.runtime.native.kernels import needs_numba

ENTRY = Entry(b"\0code\n", ("expf", "logf"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "nnc" / "kernels"


def test_cache_gives_back_what_it_was_given(folder: Path):
    user_cache().write("kernel_1", ENTRY)
    assert user_cache().read("kernel_1") == ENTRY
    assert user_cache().read("kernel_2") is None
    assert [path.name for path in folder.iterdir()] == ["kernel_1"]


def test_cache_is_closed_to_others(folder: Path):
    user_cache().write("kernel_1", ENTRY)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert (folder / "kernel_1").stat().st_mode & 0o777 == 0o600


def test_disk_that_is_only_read_keeps_nothing_and_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cache = user_cache()

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "unlink", refuse)
    cache.write("kernel_1", ENTRY)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("of", ["nnc", "nnc/kernels"])
@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_folder_that_is_open_to_others_is_not_used(of: str, mode: int, folder: Path, tmp_path: Path):
    user_cache().write("kernel_1", ENTRY)
    (tmp_path / of).chmod(mode)
    found = user_cache()
    assert found.folder is None
    assert found.why == f"{tmp_path / of} is open to other users: chmod 700"
    assert found.read("kernel_1") is None


def test_folder_of_another_user_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert user_cache().folder == folder
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert user_cache() == Cache(None, f"{folder.parent} belongs to another user")


def test_entry_of_another_user_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch):
    cache = user_cache()
    cache.write("kernel_1", ENTRY)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert cache.read("kernel_1") is None


def test_link_in_place_of_the_folder_is_not_followed(folder: Path, tmp_path: Path):
    folder.parent.mkdir(mode=0o700)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert user_cache() == Cache(None, f"{folder} is no folder")


def test_link_in_place_of_an_entry_is_not_followed(folder: Path, tmp_path: Path):
    cache = user_cache()
    cache.write("kernel_1", ENTRY)
    (folder / "kernel_1").rename(tmp_path / "kernel_1")
    (folder / "kernel_1").symlink_to(tmp_path / "kernel_1")
    assert cache.read("kernel_1") is None


def test_folder_in_place_of_an_entry_is_none(folder: Path):
    user_cache()
    (folder / "kernel_1").mkdir()
    assert user_cache().read("kernel_1") is None
    user_cache().write("kernel_1", ENTRY)
    assert [path.name for path in folder.iterdir()] == ["kernel_1"]


def test_file_in_place_of_the_folder_is_a_reason(folder: Path, tmp_path: Path):
    (tmp_path / "nnc").write_text("")
    found = user_cache()
    assert found.folder is None
    assert found.why
    found.write("kernel_1", ENTRY)


@pytest.mark.parametrize("byte", [0, 20, 80, 90, -1])
def test_damaged_entry_is_none(byte: int, folder: Path):
    cache = user_cache()
    cache.write("kernel_1", ENTRY)
    data = bytearray((folder / "kernel_1").read_bytes())
    data[byte] ^= 1
    (folder / "kernel_1").write_bytes(data)
    assert cache.read("kernel_1") is None


def test_entry_under_another_name_or_cut_short_is_none(folder: Path):
    cache = user_cache()
    cache.write("kernel_1", ENTRY)
    data = (folder / "kernel_1").read_bytes()
    (folder / "kernel_2").write_bytes(data)
    assert cache.read("kernel_2") is None
    for size in (0, 5, len(data) - 1):
        (folder / "kernel_1").write_bytes(data[:size])
        assert cache.read("kernel_1") is None


KERNEL = """\
def kernel_1(p):
    x = f64(p[0], 1)
    x[0] = x[0] + 0.125


def bind(np, k, at, w):
"""


@needs_numba
def test_kernel_is_compiled_once_and_again_only_where_its_entry_is_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    import numpy as np

    from runtime.native import compiling
    from runtime.native.backend import native_backend

    compiled: list[str] = []

    def noted(text: str, symbol: str) -> tuple[bytes, tuple[str, ...]]:
        compiled.append(symbol)
        return real(text, symbol)

    real = compiling.compiled
    monkeypatch.setattr(compiling, "compiled", noted)
    x = np.zeros(1)
    for run, damaged in enumerate((False, False, True, False), start=1):
        if damaged:
            (folder / compiled[0]).write_bytes(b"nonsense")
        native = native_backend(user_cache()).native
        assert native is not None
        native(KERNEL).native("kernel_1", x)()
        assert x[0] == run / 8
    assert len(compiled) == 2


@needs_numba
def test_machine_code_is_named_after_every_file_that_makes_it():
    from runtime.native.machine import SOURCES

    here = Path(user_cache.__code__.co_filename).parent
    found, waiting = set[str](), ["functions.py", "compiling.py"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        imported = re.findall(r"from runtime\.native\.(\w+) import", (here / name).read_text(encoding="utf-8"))
        waiting += [f"{module}.py" for module in imported if f"{module}.py" not in found]
    # What the processor can do is asked for, and a part of the name itself.
    assert found - {"machine.py"} == {*SOURCES}
