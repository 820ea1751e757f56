"""Spec, data and model files are data: what nnc does while it opens them, seen by Python's audit hooks."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = sysconfig.get_path("stdlib")
MAKES_CODE = {f"{LIBRARY}/{name}" for name in ("dataclasses.py", "collections/__init__.py", "typing.py", "ast.py")}
"""Where the standard library compiles text that it has written itself, while modules are loaded."""
NEVER = (
    "pickle.",
    "subprocess.",
    "socket.",
    "urllib.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
)
SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/")


@dataclass(frozen=True)
class Watched:
    """A command's exit code and the events that `watched.py` has noted."""

    code: int
    errors: str
    events: tuple[dict[str, Any], ...]

    def opened(self, *, writing: bool) -> set[Path]:
        """Files by path; what is open already has a number."""
        mine = [e for e in self.events if e["event"] == "open" and e["writes"] == writing]
        return {Path(e["path"]) for e in mine if isinstance(e["path"], str)}

    def code_from_elsewhere(self) -> list[dict[str, Any]]:
        """Code made or run other than by loading a module."""
        kinds = ("exec", "compile", "marshal.loads")
        return [e for e in self.events if e["event"] in kinds and not _loads_modules(e["by"])]


def _loads_modules(by: str) -> bool:
    return by.startswith("<frozen importlib") or by in MAKES_CODE


def watch(folder: Path, *arguments: str) -> Watched:
    report = folder.parent / f"{folder.name}-report.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "watched.py"), str(report), *arguments],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    events = tuple(json.loads(line) for line in report.read_text(encoding="utf-8").splitlines())
    return Watched(done.returncode, done.stderr, events)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's, with the shipped specs and their data."""
    place = tmp_path_factory.mktemp("watched") / "home"
    shutil.copytree(ROOT / "specs", place / "specs", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture(scope="module")
def checked(folder: Path) -> Watched:
    return watch(folder, "check", "specs/sentiment.nn")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Watched:
    return watch(folder, "train", "specs/sentiment.nn", "--set", "train.epochs=1", "--out", "run")


@pytest.fixture(scope="module")
def asked(folder: Path, trained: Watched) -> Watched:
    assert trained.code == 0, trained.errors
    return watch(folder, "predict", "run", "it was good")


KINDS = {
    "jsonl": 'model m(text: words) -> y: class { embed 2 ; mean ; dense softmax }\ndata { train "d.jsonl" }\n',
    "idx": "model m(x: image[2,2]) -> y: class { flatten ; dense softmax }\n"
    'data { train x="x.idx3-ubyte" y="y.idx1-ubyte" }\n',
    "npz": 'model m(x: image[2,2]) -> y: class { flatten ; dense softmax }\ndata { train "d.npz" }\n',
    "csv.gz": 'model m(x: real[2]) -> y: class { dense softmax }\ndata { train "d.csv.gz" columns=y,x }\n',
    "vectors": 'model m(text: words) -> y: class { embed 2 vectors="v.txt" ; mean ; dense softmax }\n'
    'data { train "d.tsv" }\n',
}
"""A spec for each kind of file that training reads."""


def fill(folder: Path) -> None:
    """The data of KINDS: four rows, two labels."""
    texts = ["good film", "bad film", "good", "bad"]
    lines = [json.dumps({"text": text, "y": f"l{i % 2}"}) for i, text in enumerate(texts)]
    (folder / "d.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "d.tsv").write_text("".join(f"l{i % 2}\t{text}\n" for i, text in enumerate(texts)), "utf-8")
    (folder / "d.csv.gz").write_bytes(gzip.compress(b"a,1,2\nb,3,4\na,5,6\nb,7,8\n"))
    (folder / "v.txt").write_text("good 1 2\nbad -1 0\n", "utf-8")
    pictures, labels = np.arange(16, dtype=np.uint8).reshape(4, 2, 2), np.array([0, 1, 0, 1], np.uint8)
    (folder / "x.idx3-ubyte").write_bytes(b"\0\0\x08\x03" + struct.pack(">3I", 4, 2, 2) + pictures.tobytes())
    (folder / "y.idx1-ubyte").write_bytes(b"\0\0\x08\x01" + struct.pack(">I", 4) + labels.tobytes())
    np.savez(folder / "d.npz", x=pictures, y=labels)


@pytest.fixture(scope="module", params=KINDS)
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Training on files of this kind."""
    folder = tmp_path_factory.mktemp("kinds") / request.param
    folder.mkdir()
    fill(folder)
    (folder / "m.nn").write_text(KINDS[request.param] + "train { epochs 1 }\n", "utf-8")
    return watch(folder, "train", "m.nn", "--out", "run")


@pytest.fixture(scope="module")
def resumed(folder: Path) -> Watched:
    """A run that goes on from its checkpoint."""
    begun = watch(folder, "train", "specs/perceptron_xor.nn", "--set", "train.epochs=2", "--out", "kept")
    assert begun.code == 0, begun.errors
    return watch(folder, "train", "specs/perceptron_xor.nn", "--set", "train.epochs=4", "--out", "kept", "--resume")


@pytest.fixture(params=["checked", "trained", "asked", "resumed"])
def watched(request: pytest.FixtureRequest) -> Watched:
    result: Watched = request.getfixturevalue(request.param)
    assert result.code == 0, result.errors
    return result


def test_hook_sees_what_it_is_there_for(tmp_path: Path):
    seen = watch(tmp_path, "plant")
    names = {e["event"].partition(".")[0] for e in seen.events}
    assert {"pickle", "socket", "subprocess"} <= names
    assert {e["event"] for e in seen.code_from_elsewhere()} >= {"exec", "compile", "marshal.loads"}


def test_command_starts_no_process_and_reaches_no_network(watched: Watched):
    assert [e for e in watched.events if e["event"].startswith(NEVER)] == []


def test_command_loads_no_shared_library_by_name(watched: Watched):
    """Importing NumPy asks for the program itself, which has no name."""
    assert {e.get("what") for e in watched.events if e["event"] == "ctypes.dlopen"} <= {"None"}


def test_command_makes_no_code_but_the_program_of_its_own_plan(watched: Watched):
    wrong = [e for e in watched.code_from_elsewhere() if (e["by"], e["of"]) != (f"{ROOT}/runtime/execute.py", "<step>")]
    assert wrong == []


def test_check_makes_no_code_at_all(checked: Watched):
    assert checked.code_from_elsewhere() == []


def test_check_opens_nothing_of_the_user_s_but_the_spec(folder: Path, checked: Watched):
    installed = (sys.prefix, sys.base_prefix, str(ROOT))
    opened = checked.opened(writing=False)
    strange = {path for path in opened if not str(path).startswith((*installed, *SYSTEM))}
    assert strange == {folder / "specs" / "sentiment.nn"}


def test_training_writes_into_the_run_s_folder_alone(folder: Path, trained: Watched):
    assert {path.parent for path in trained.opened(writing=True)} == {folder / "run"}


def test_checking_and_asking_write_nothing(checked: Watched, asked: Watched):
    assert checked.opened(writing=True) | asked.opened(writing=True) == set()


def test_reading_opens_nothing_of_the_user_s_but_what_the_spec_names(read: Watched):
    assert read.code == 0, read.errors
    installed = (sys.prefix, sys.base_prefix, str(ROOT))
    opened = {path for path in read.opened(writing=False) if not str(path).startswith((*installed, *SYSTEM))}
    named = {"m.nn", "d.jsonl", "d.tsv", "d.csv.gz", "d.npz", "v.txt", "x.idx3-ubyte", "y.idx1-ubyte"}
    assert {path.name for path in opened if "run" not in (path.name, path.parent.name)} - named == set()


def test_reading_makes_no_code_starts_no_process_and_reaches_no_network(read: Watched):
    assert [e for e in read.events if e["event"].startswith(NEVER)] == []
    wrong = [e for e in read.code_from_elsewhere() if (e["by"], e["of"]) != (f"{ROOT}/runtime/execute.py", "<step>")]
    assert wrong == []


def test_resuming_opens_the_checkpoint(folder: Path, resumed: Watched):
    assert folder / "kept" / "checkpoint.safetensors" in resumed.opened(writing=False)


class Trap:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return (open, ("sprung", "w"))


@pytest.mark.parametrize("command", ["predict", "eval", "inspect", "generate"])
def test_pickle_given_as_a_model_is_refused_unopened(tmp_path: Path, command: str):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    seen = watch(tmp_path / "home", command, "model.safetensors")
    assert seen.code == 1
    assert "error[NN8" in seen.errors
    assert not (tmp_path / "home" / "sprung").exists()
    assert [e for e in seen.events if e["event"].startswith(NEVER)] == []
