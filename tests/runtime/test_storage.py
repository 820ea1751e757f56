"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsl.errors import RunError
from runtime.storage import SUFFIX, write_atomically


def strays(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(SUFFIX)]


def test_a_file_is_written_with_the_rights_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", [b"one", memoryview(b"two"), b""])
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert strays(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_whatever_fails_the_old_file_stays_whole(tmp_path, monkeypatch, call, code):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    original = getattr(os, call)
    fired = []
    for failing in range(4):
        calls = iter(range(100))

        def fault(*args, calls=calls, failing=failing, **kwargs):
            if next(calls) == failing:
                fired.append(failing)
                raise OSError(code, os.strerror(code))
            return original(*args, **kwargs)

        path.write_bytes(b"old")
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fault)
            try:
                write_atomically(path, [b"new", b"er"])
                written = True
            except RunError as error:
                written = False
                (diagnostic,) = error.diagnostics
                assert diagnostic.code == "NN805"
                assert diagnostic.help
        # Only the folder's fsync comes after the rename: then the new file is there, whole.
        assert path.read_bytes() == b"newer" if written else path.read_bytes() in (b"old", b"newer")
        if call in ("write", "replace") and not written:
            assert path.read_bytes() == b"old"
        assert strays(tmp_path) == []
    assert 0 in fired


def test_a_short_write_goes_on(tmp_path, monkeypatch):
    original = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: original(fd, data[:2]))
    write_atomically(tmp_path / "a", [b"abcdefg"])
    assert (tmp_path / "a").read_bytes() == b"abcdefg"


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def chunks():
        yield b"new"
        raise KeyboardInterrupt

    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", chunks())
    assert (tmp_path / "a").read_bytes() == b"old"
    assert strays(tmp_path) == []


WRITER = """
import os, sys
from pathlib import Path
from runtime.storage import write_atomically
def chunks():
    yield b"half"
    print("ready", flush=True)
    sys.stdin.read()
write_atomically(Path(sys.argv[1]), chunks())
"""


def test_what_a_killed_process_left_is_cleaned_up_but_a_living_ones_stays(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        writer.stdout.readline()
        write_atomically(path, [b"mine"])
        assert len(strays(tmp_path)) == 1
        writer.kill()
    assert path.read_bytes() == b"mine"
    assert len(strays(tmp_path)) == 1
    write_atomically(path, [b"again"])
    assert strays(tmp_path) == []


@pytest.mark.parametrize("name", ["gone/a", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError) as caught:
        write_atomically(tmp_path / name, [b""])
    (error,) = caught.value.diagnostics
    assert error.code == "NN805"
    assert name in error.message
