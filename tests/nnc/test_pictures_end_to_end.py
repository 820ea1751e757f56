"""A network over pictures from the command line: folders of PNG files, moved pictures, running averages, resume."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import nnc
from nnc import cli
from nnc.failure import guarded
from tests.kills.specs import contents

pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
SPEC = """model m(photo: image[6,5,3]) -> kind: class {
  conv2d k=3 filters=4 same | batchnorm | relu
  maxpool2d 2
  residual { conv2d k=3 filters=4 same | batchnorm }
  relu
  avgpool2d
  dense softmax
}
data { train "photos" ; valid 25% ; augment flip crop=1 }
train { sgd lr=0.1 momentum=0.9 ; batch 7 ; epochs 3 }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that are brighter above, and those that are below."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    for kind in ("above", "below"):
        (folder / "photos" / kind).mkdir(parents=True)
        for i in range(24):
            pixels = rng.integers(0, 90, (6, 5, 3)).astype(np.uint8)
            half = slice(0, 3) if kind == "above" else slice(3, 6)
            pixels[half] += np.uint8(120)
            pillow.fromarray(pixels).save(folder / "photos" / kind / f"{i}.png")
    (folder / "m.nn").write_text(SPEC)
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)


def run(*arguments: str) -> int:
    return guarded(arguments, cli.run)


def test_resumed_run_is_to_the_byte_the_one_that_never_stopped(tmp_path: Path):
    """With pictures that are moved anew in each epoch, and a batchnorm's running averages."""
    part, whole = str(tmp_path / "part"), str(tmp_path / "whole")
    assert run("train", "m.nn", "--out", part, "--set", "train.epochs=1") == 0
    assert run("train", "m.nn", "--out", part, "--resume", "--set", "train.epochs=3") == 0
    assert run("train", "m.nn", "--out", whole, "--set", "train.epochs=3") == 0
    assert contents(Path(part)) == contents(Path(whole))


def test_pictures_are_predicted_from_paths_and_from_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    assert run("train", "m.nn", "--out", out, "--json", "--set", "train.epochs=12") == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["valid"]["accuracy"] == 1
    assert run("predict", out, "photos/below/1.png", "photos/above/2.png") == 0
    assert capsys.readouterr().out.split() == ["below", "above"]
    assert run("predict", out, "--file", "photos/below") == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["photos/below/0.png\tbelow", "photos/below/1.png\tbelow"]
    assert run("predict", out, "--file", "photos", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 48
    assert all(each["file"].startswith(f"photos/{each['kind']}/") for each in found)
    assert run("eval", out, "--data", "photos", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["test"]["rows"], found["test"]["accuracy"]) == (48, 1)


def test_picture_that_is_not_there_is_an_error_with_a_way_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    assert run("train", "m.nn", "--out", out, "--set", "train.epochs=1") == 0
    assert run("predict", out, "photos/below/none.png") == 1
    assert "error[NN728]: `photo` is a picture, and there is no file photos/below/none.png" in capsys.readouterr().err


def test_folder_as_an_argument_is_told_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = str(tmp_path / "run")
    assert run("train", "m.nn", "--out", out, "--set", "train.epochs=1") == 0
    assert run("predict", out, "photos/below") == 1
    error = capsys.readouterr().err
    assert "`photo` is a picture, and photos/below is a folder" in error
    assert "--file photos/below" in error


def test_python_takes_the_paths_of_pictures(tmp_path: Path):
    model = nnc.train("m.nn", epochs=12).model
    paths = [Path("photos/below/1.png"), "photos/above/2.png"]
    assert model.predict(paths) == ["below", "above"]
    pixels = np.stack([np.asarray(pillow.open(path)) for path in paths])
    assert model.predict(pixels) == ["below", "above"]
    with pytest.raises(nnc.NncError, match="there is no file none"):
        model.predict(["none.png"])
