"""What is refused, by the program as it is called: each line of the reference's list, each trap of Python's readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from nnc import cli
from nnc.failure import guarded

TEXT = (
    'model m(text: words) -> y: class { embed 2 ; mean ; dense softmax }\ndata { train "d.tsv" }\ntrain { epochs 1 }\n'
)
REAL = 'model m(x: real) -> y: class { dense softmax }\ndata { train "d.csv" }\ntrain { epochs 1 }\n'
JSON = 'model m(x: real) -> y: class { dense softmax }\ndata { train "d.jsonl" }\ntrain { epochs 1 }\n'
GOOD = b"a\tone two\nb\tthree\na\tfour\nb\tfive six\n"
NUMBERS = b"a,1\nb,2\na,3\nb,4\n"
LINES = b'{"x": 1, "y": "a"}\n{"x": 2, "y": "b"}\n'


@dataclass(frozen=True)
class Refused:
    """code: of the first error; place: `file:line:column` where there is one."""

    name: str
    code: str
    spec: str | bytes = TEXT
    data: bytes = GOOD
    place: str = ""
    file: str = "d.tsv"
    command: tuple[str, ...] = ("train", "m.nn", "--out", "run")


def layer(text: str) -> str:
    return TEXT.replace("embed 2", f"embed 2 ; {text}")


def train(entry: str) -> str:
    return TEXT.replace("epochs 1", f"epochs 1 ; {entry}")


def data(entry: str) -> str:
    return TEXT.replace('"d.tsv"', entry)


CASES = (
    # Specs
    Refused("spec not UTF-8", "NN101", b"let a = \xff\n" + TEXT.encode(), place="m.nn:1:9"),
    Refused("lone CR in a spec", "NN102", TEXT.encode().replace(b"\ndata", b"\rdata")),
    Refused("NUL in a spec", "NN102", TEXT.encode() + b"\0"),
    Refused("bidi character in a spec", "NN102", TEXT + "# \u202e\n"),
    Refused("terminal escape in a spec", "NN102", TEXT + "# \x1b[31m\n"),
    Refused("dropout of everything", "NN404", layer("dropout 1")),
    Refused("a size of 0", "NN404", layer("dense 0")),
    Refused("a size below 0", "NN404", layer("dense size=-3")),
    Refused("no data section", "NN650", TEXT.partition("data")[0]),
    Refused("stop without validation rows", "NN605", train("stop patience=1")),
    Refused("brackets nested too deep", "NN112", "let a = " + "(" * 20_000 + "1" + ")" * 20_000),
    Refused("pipes nested too deep", "NN113", TEXT.replace("embed 2 ;", "embed 2" + " | relu" * 9000 + " ;")),
    Refused("a spec without end", "NN114", "let a = 1\n" * 100_000),
    # Paths of a spec
    Refused("a path that climbs", "NN701", data('"../d.tsv"'), place="m.nn:2:14"),
    Refused("an absolute path", "NN701", data('"/etc/passwd"')),
    Refused("a URL", "NN701", data('"https://example.com/d.tsv"')),
    Refused("a path through a link", "NN701", data('"link/d.tsv"')),
    Refused("a file that is not there", "NN700", data('"e.tsv"')),
    Refused("a folder", "NN702", data('"folder"')),
    Refused("a pipe", "NN702", data('"pipe"')),
    # Data
    Refused("data not UTF-8", "NN703", data=GOOD + b"a\tcaf\xe9\n", place="d.tsv:5:6"),
    Refused("NUL in data", "NN704", data=GOOD + b"a\tx\0\n", place="d.tsv:5:4"),
    Refused("damaged gzip", "NN705", data('"d.tsv.gz"'), file="d.tsv.gz"),
    Refused("one class only", "NN717", data=b"a\tx\na\ty\n"),
    Refused("a line of white space", "NN711", data=b"a\tx\n  \nb\ty\n"),
    Refused("fewer fields", "NN710", data=b"a\tx\nb\n", place="d.tsv:2:1"),
    Refused("more fields", "NN710", data=b"a\tx\nb\ty\tz\n"),
    Refused("a stray quote", "NN709", REAL, b'a,1\n"b,2\na,3\n', file="d.csv"),
    Refused("a repeated heading", "NN712", REAL.replace('csv"', 'csv" header'), b"y,x,x\na,1,2\nb,2,3\n", file="d.csv"),
    Refused("an underscore in a number", "NN715", REAL, b"a,1\nb,1_000\n", "d.csv:2:3", "d.csv"),
    Refused("a missing number", "NN716", REAL, b"a,1\nb,NA\n", "d.csv:2:3", "d.csv"),
    Refused("a number too large", "NN715", REAL, b"a,1\nb,1e999\n", "d.csv:2:3", "d.csv"),
    Refused("a repeated key", "NN732", JSON, b'{"x": 1, "y": "a", "x": 2}\n' + LINES, file="d.jsonl"),
    Refused("NaN in JSON", "NN730", JSON, b'{"x": NaN, "y": "a"}\n' + LINES, file="d.jsonl"),
    Refused("no rows", "NN707", data=b""),
    # The command line
    Refused("no spec", "NN860", command=("train", "n.nn")),
    Refused("a device that is not there", "NN84", command=("train", "m.nn", "--out", "run", "--device", "cuda:7")),
    Refused("a folder that holds what is no run", "NN861", command=("train", "m.nn", "--out", "folder")),
    Refused("overwriting what is no run", "NN861", command=("train", "m.nn", "--out", "folder", "--overwrite")),
    Refused("no model", "NN862", command=("predict", "folder", "x")),
    Refused("a set without a place", "NN608", command=("train", "m.nn", "--set", "epochs")),
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    place = tmp_path / "home"
    (place / "folder").mkdir(parents=True)
    (place / "folder" / "mine.txt").write_text("precious", "utf-8")
    (tmp_path / "d.tsv").write_bytes(GOOD)
    (place / "link").symlink_to(tmp_path)
    os.mkfifo(place / "pipe")
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_is_refused_with_its_code_and_place(case: Refused, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.nn").write_bytes(case.spec if isinstance(case.spec, bytes) else case.spec.encode())
    Path(case.file).write_bytes(case.data)
    assert guarded(case.command, cli.run) == 1
    said = capsys.readouterr().err
    assert f"error[{case.code}" in said.partition("\n")[0], said
    assert case.place in said
    assert "Traceback" not in said
    assert "\x1b" not in said
    assert not Path("run").exists()
    assert Path("folder/mine.txt").read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    ("spec", "data", "file"),
    [
        (TEXT, b"\xef\xbb\xbf" + GOOD, "d.tsv"),
        (TEXT, GOOD.replace(b"\n", b"\r\n"), "d.tsv"),
        (TEXT, "a\tone\u2028two\nb\tthree\x0bfour\n".encode(), "d.tsv"),
        (TEXT, b'a\t"one\nb\ttwo"\n', "d.tsv"),
        (REAL, b"a,.5\nb,-2e-3\n", "d.csv"),
        (JSON, LINES + b"\n\n", "d.jsonl"),
        (REAL.replace('csv"', 'csv" header'), b"\xef\xbb\xbfy,x\n" + NUMBERS, "d.csv"),
    ],
    ids=["BOM", "CR LF", "U+2028", "quotes in TSV", "bare points", "empty lines in JSONL", "BOM before headings"],
)
def test_is_read_as_it_stands(spec: str, data: bytes, file: str, here: Path) -> None:
    Path("m.nn").write_text(spec, "utf-8")
    Path(file).write_bytes(data)
    assert guarded(("train", "m.nn", "--out", "run"), cli.run) == 0


@pytest.mark.parametrize("arguments", [("--device", "gpu"), ("--seed", "x"), ("--nothing",)])
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...], here: Path) -> None:
    Path("m.nn").write_text(TEXT, "utf-8")
    assert guarded(("train", "m.nn", *arguments), cli.run) == 2


def test_labels_that_look_alike_are_told_of(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.nn").write_text(TEXT, "utf-8")
    Path("d.tsv").write_bytes(GOOD + b"A\tseven\n")
    assert guarded(("train", "m.nn", "--out", "run"), cli.run) == 0
    assert "warning[NN7" in capsys.readouterr().err


def test_five_errors_are_shown_in_full_and_then_a_count(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.nn").write_text(REAL, "utf-8")
    Path("d.csv").write_bytes(NUMBERS + b"a,x\n" * 9)
    assert guarded(("train", "m.nn", "--out", "run"), cli.run) == 1
    said = capsys.readouterr().err
    assert said.count("error[NN715]") == 5
    assert "4 more" in said
