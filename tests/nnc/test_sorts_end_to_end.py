"""A model of every sort, from files of every kind: trained, scored and asked on the command line."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnc import cli
from nnc.failure import guarded

MIXED = """model m(words: words, tags: category per words, country: category, x: real[2](standard))
  -> label: class, score: real(standard) {
  h = concat((words | embed 4), (tags | embed 3)) | maxpool
  z = concat(h, (country | embed 2), x) | dense 8 tanh
  label = dense softmax
  score = z | dense
}
data { train "a.jsonl" ; valid 20% }
train { adam lr=0.05 ; epochs 2 }
"""
PICTURES = """model m(photo: image[4,5]) -> kind: class {
  flatten
  dense softmax
}
data { train photo="p.idx" kind="k.idx" ; valid 20% }
train { adam lr=0.05 ; epochs 6 }
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_mixed() -> None:
    rows = [
        {
            "words": ["a", "b", "c"][: 1 + i % 3],
            "tags": ["X", "Y", "Z"][: 1 + i % 3],
            "country": ["fr", "de"][i % 2],
            "x": [i, 1],
            "label": ["pos", "neg"][i % 2],
            "score": i * 0.5,
        }
        for i in range(20)
    ]
    Path("a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("m.nn").write_text(MIXED)


def write_pictures() -> None:
    kinds = (np.arange(45) % 3).astype(np.uint8)
    photos = np.zeros((45, 4, 5), np.uint8)
    photos[np.arange(45), :, kinds] = 200
    for name, array in (("p.idx", photos), ("k.idx", kinds)):
        sizes = b"".join(struct.pack(">I", n) for n in array.shape)
        Path(name).write_bytes(struct.pack(">HBB", 0, 8, array.ndim) + sizes + array.tobytes())
    np.savez("a.npz", photo=photos, kind=kinds)
    Path("m.nn").write_text(PICTURES)


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The standard output of a command that goes well."""

    def output(*arguments: str) -> str:
        capsys.readouterr()
        assert run(*arguments) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return output


def test_model_of_mixed_sorts_trains_and_scores_each_output_by_its_name(here: Path, said: Callable[..., str]):
    write_mixed()
    done = json.loads(said("train", "m.nn", "--out", "r", "--json").splitlines()[-1])
    assert set(done["valid"]) == {"loss", "rows", "label", "score"}
    scores = json.loads(said("eval", "r", "--data", "a.jsonl", "--json"))["test"]
    assert (scores["rows"], "accuracy" in scores["label"], "rmse" in scores["score"]) == (20, True, True)


def test_prediction_is_the_same_from_a_file_and_from_arguments(here: Path, said: Callable[..., str]):
    write_mixed()
    said("train", "m.nn", "--out", "r")
    from_file = said("predict", "r", "--file", "a.jsonl").splitlines()
    assert len(from_file) == 20
    assert said("predict", "r", "a\tX\tfr\t0\t1", "a b\tX Y\tde\t1\t1").splitlines() == from_file[:2]


def test_a_run_ends_with_an_example_that_can_be_tried(here: Path, said: Callable[..., str]):
    write_mixed()
    line = said("train", "m.nn", "--out", "r").splitlines()[-1]
    found = re.fullmatch(r"try it:  nnc predict r \$'(.*)'", line)
    assert found is not None
    fields = found[1].split("\\t")
    assert fields[:2] == ["a", "X"]
    assert len(fields) == 5
    said("predict", "r", "\t".join(fields))


def test_argument_whose_values_are_not_as_many_as_its_words_is_refused(here: Path, capsys: pytest.CaptureFixture[str]):
    write_mixed()
    assert run("train", "m.nn", "--out", "r") == 0
    capsys.readouterr()
    assert run("predict", "r", "a b\tX\tde\t1\t1") == 1
    assert "error[NN726]: `tags` has 1 value, but `words` has 2 tokens\n  --> argument:1:5" in capsys.readouterr().err


def test_pictures_are_learnt_and_scored_from_files_side_by_side_and_from_npz(here: Path, said: Callable[..., str]):
    write_pictures()
    done = json.loads(said("train", "m.nn", "--out", "r", "--json").splitlines()[-1])
    assert done["valid"]["accuracy"] == 1
    beside = json.loads(said("eval", "r", "--data", "photo=p.idx", "--data", "kind=k.idx", "--json"))
    assert beside == json.loads(said("eval", "r", "--data", "a.npz", "--json"))
    assert beside["test"]["rows"] == 45
    assert said("predict", "r", "--file", "p.idx").split() == ["0", "1", "2"] * 15


def test_picture_as_an_argument_is_refused_with_a_way_on(here: Path, capsys: pytest.CaptureFixture[str]):
    write_pictures()
    assert run("train", "m.nn", "--out", "r") == 0
    assert run("predict", "r", "a.png") == 1
    assert "error[NN728]" in capsys.readouterr().err


@pytest.mark.parametrize("data", [("photo=p.idx",), ("photo=p.idx", "k.idx")])
def test_files_side_by_side_must_be_of_every_input_and_output(
    here: Path, capsys: pytest.CaptureFixture[str], data: tuple[str, ...]
):
    write_pictures()
    assert run("train", "m.nn", "--out", "r") == 0
    assert run("eval", "r", *(part for each in data for part in ("--data", each))) == 1
    assert "error[NN606]" in capsys.readouterr().err
