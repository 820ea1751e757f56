"""Specs of the gallery whose data ship nowhere are trained on generated rows of the same form, and predict."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import nnc
from tests.specs.gallery_data import write_pictures, write_texts
from tests.specs.test_gallery import GALLERY

pytest.importorskip("PIL", reason="Pillow is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_texts(folder)
    write_pictures(folder)
    return folder


@dataclass(frozen=True)
class Trained:
    """smaller: widths that are written for real data, and what they are here"""

    spec: str
    example: str
    smaller: Mapping[str, str]

    def text(self) -> str:
        return re.sub(r"\b\d+\b", lambda found: self.smaller.get(found[0], found[0]), self.written())

    def written(self) -> str:
        return (GALLERY / f"{self.spec}.nn").read_text("utf-8")


TRAINED = (
    Trained("attention_text", "a good film", {"100": "8", "128": "6", "64": "5"}),
    Trained("hierarchical", "a good film. it was!", {"200": "6", "50": "4", "100": "5", "64": "16"}),
    Trained("selfattentive", "it was not good", {"300": "8", "350": "7", "30": "3", "2000": "9"}),
)


@pytest.mark.slow
@pytest.mark.parametrize("case", TRAINED, ids=lambda case: case.spec)
def test_gallery_spec_is_trained_and_predicts(case: Trained, data: Path, tmp_path: Path):
    history = nnc.train(case.text(), out=tmp_path / "run", data_root=data, set=["train.steps=2"])
    assert all(math.isfinite(epoch["loss"]) for epoch in history.epochs)
    alone = nnc.load(tmp_path / "run").predict_proba([case.example])
    together = nnc.load(tmp_path / "run").predict_proba(["it", case.example])
    assert sum(alone[0].values()) == pytest.approx(1)
    assert together[1] == pytest.approx(alone[0], abs=1e-5)


@pytest.mark.slow
def test_autoencoder_of_the_gallery_is_trained_and_gives_its_input_again(data: Path, tmp_path: Path):
    history = nnc.train(GALLERY / "autoencoder.nn", out=tmp_path / "run", data_root=data, set=["train.epochs=2"])
    first, last = history.epochs
    assert last["valid"]["again"]["rmse"] < first["valid"]["again"]["rmse"] < 1
    assert 0 < last["valid"]["busy"]["mean"] < 1
    picture = [[value / 783 for value in range(784)]]
    (again,) = nnc.load(tmp_path / "run").predict(np.array(picture).reshape(1, 28, 28))
    assert len(again) == 784
    assert all(0 < value < 1 for value in again)


@pytest.mark.slow
def test_threshold_decides_which_pairs_are_alike(data: Path, tmp_path: Path):
    spec = (GALLERY / "contrastive.nn").read_text("utf-8")
    steps = ["train.steps=2", "data.valid=50%"]
    pairs = [("a film", "a film"), ("good", "not bad"), ("of the plot", "it was")]
    for threshold, wanted in (("x=-1", {"yes"}), ("1", {"no"})):
        spec = re.sub(r"threshold [^ ]+", f"threshold {threshold}", spec)
        history = nnc.train(spec, out=tmp_path / threshold, data_root=data, set=steps)
        model = nnc.load(tmp_path / threshold)
        assert set(model.predict(pairs)) == wanted
        share = sum(history.epochs[-1]["valid"]["classes"][label]["recall"] for label in wanted)
        assert share == 1


@pytest.mark.slow
def test_tagger_on_two_frozen_language_models_is_trained(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("elmo", "elmo_tagger"):
        text = (GALLERY / f"{name}.nn").read_text("utf-8")
        (tmp_path / f"{name}.nn").write_text(re.sub("256|100|128", "6", text), "utf-8")
    nnc.train("elmo.nn", out="runs/elmo", data_root=data, set=["train.steps=1"])
    nnc.train("elmo_tagger.nn", out="runs/tagger", data_root=data, set=["train.steps=2"])
    language, tagger = nnc.load("runs/elmo"), nnc.load("runs/tagger")
    of_lm = [name for name in language.weights if name.startswith("lm.")]
    assert len(of_lm) > 5
    for name in of_lm:
        np.testing.assert_array_equal(tagger.weights[name], language.weights[name])
    assert (tagger.weights["mix.weight"] != 0).all()
    (tags,) = tagger.predict(["the film was good"])
    assert len(tags) == 4


@pytest.mark.slow
def test_unet_of_the_gallery_is_trained_and_gives_a_label_for_each_pixel(data: Path, tmp_path: Path):
    text = (GALLERY / "unet.nn").read_text("utf-8")
    sizes = {"128,128": "8,8", "double 32": "double 4", "double 64": "double 5", "double 128": "double 6"}
    text = re.sub("|".join(sizes), lambda found: sizes[found[0]], text)
    history = nnc.train(
        text, out=tmp_path / "run", data_root=data, set=["train.epochs=12", "train.batch=1", "train.adam.lr=5e-3"]
    )
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]
    assert history.epochs[-1]["valid"]["mean_iou"] > 0.9
    photos = np.zeros((2, 8, 8, 3), np.uint8)
    photos[1] = [200, 20, 89]
    clear, full = nnc.load(tmp_path / "run").predict(photos)
    assert (np.array(clear) == "0").all()
    assert np.array(full).shape == (8, 8)


WRITERS = {
    "pointer": {"128": "6", "256": "5", "400": "40"},
    "scheduled_sampling": {"64": "6", "128": "5", "256": "5", "to=0.5": "to=0", "epochs=10": "epochs=1"},
    "t5": {"256": "8", "8000": "60", "ff=512": "ff=6", "tokens=8192": "tokens=90"},
    "transformer": {"512": "8", "2048": "6", "heads=8": "heads=2", "8000": "60", "tokens=4096": "tokens=90"},
}
"""Specs that write a text, and what is smaller in them here."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_writer_of_the_gallery_is_trained_goes_on_and_writes(name: str, data: Path, tmp_path: Path):
    for spec in {name, "transformer"}:
        text = (GALLERY / f"{spec}.nn").read_text("utf-8")
        for large, small in WRITERS[spec].items():
            text = re.sub(rf"\b{large}\b", small, text)
        (tmp_path / f"{spec}.nn").write_text(text, "utf-8")
    rows = [] if name == "transformer" else ["data.valid=10%"]

    def run(folder: str, epochs: int, resume: bool = False) -> nnc.History:
        sets = [*rows, f"train.epochs={epochs}"]
        return nnc.train(tmp_path / f"{name}.nn", out=tmp_path / folder, data_root=data, set=sets, resume=resume)

    run("run", 1)
    assert all(math.isfinite(epoch["loss"]) for epoch in run("run", 2, resume=True).epochs)
    run("whole", 2)
    model, whole = nnc.load(tmp_path / "run"), nnc.load(tmp_path / "whole")
    for weight, values in whole.weights.items():
        np.testing.assert_array_equal(model.weights[weight], values)
    alone, together = model.predict(["a good film"]), model.predict(["it was", "a good film"])
    assert isinstance(alone[0], str)
    assert together[1:] == alone
