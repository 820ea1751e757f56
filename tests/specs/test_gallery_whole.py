"""Each spec of the gallery as it is written: trained for two steps, gone on with for two more, asked.

On the public data sets, where they have the files that it names, else on generated rows of the same form. All of it
takes an hour: `NNC_DATA=DIR python -m pytest tests/specs/test_gallery_whole.py`, DIR the folder of the data sets.
"""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnc
from tests.specs.test_gallery import GALLERY
from tests.specs.test_series_specs import past

pytest.importorskip("PIL", reason="Pillow is not installed")
from tests.specs import gallery_data

PUBLIC = os.environ.get("NNC_DATA")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PUBLIC is None, reason="NNC_DATA does not say where the data are")]

SPECS = sorted(path.stem for path in GALLERY.glob("*.nn"))
GENERATED = {
    "alexnet", "contrastive", "decomposable", "factorization", "forecaster", "hierarchical", "maxent", "perceptron",
    "perceptron_xor", "pointer", "resnet", "scheduled_sampling", "selfattentive", "sentiment", "siamese", "sweep", "t5",
    "tabular", "textcnn", "textcnn_channels", "unet", "universal", "vgg", "wide_features", "window_tagger",
}  # fmt: skip
"""Those that name files, of texts or of vectors, that no public data set of docs/data.md has."""

BEFORE = {"bert_finetune": "bert", "elmo_tagger": "elmo"}
"""Those that begin with the weights of another."""

SERIES = {"autoregression", "forecaster", "narx", "tdnn", "wavenet"}

PICTURES = dict.fromkeys(("autoencoder", "lenet", "mlp_mnist"), (28, 28)) | {
    "alexnet": (224, 224, 3), "resnet": (32, 32, 3), "unet": (128, 128, 3), "vgg": (32, 32, 3),
}  # fmt: skip

EXAMPLES: dict[str, list[Any]] = {
    "bert": [("the film was good", "it was not"), ("a plot", "of it")],
    "bert_finetune": ["the film was good", "a plot"],
    "cbow": ["the of", "of and the in"],
    "chunker": [(["the", "plot"], ["DT", "NN"]), (["it", "was", "good"], ["PRP", "VBD", "JJ"])],
    "contrastive": [("a film", "the film was good"), ("it", "it")],
    "decomposable": [("a film", "the film was good"), ("it", "it")],
    "factorization": [("u1", "i2"), ("u3", "i3")],
    "logistic": [[3.6, 8.7, -2.8, -0.4], [0.1, -1, 2, 0]],
    "maxent": [("a", "c", "e"), ("b", "d", "f")],
    "perceptron": [[0, 1], [1, 1]],
    "perceptron_xor": [[0, 1], [1, 1]],
    "siamese": [("a film", "the film was good"), ("it", "it")],
    "skipgram": ["the", "of"],
    "tabular": [([30, 1, 2, 3, 40], "a", "b", "c"), ([60, 3, 2, 1, 20], "b", "b", "a")],
    "universal": [0.5, -1.5],
    "wide_features": [(["the", "film"], ["t", "f"]), (["a", "bad", "plot"], ["a", "b", "p"])],
    "window_tagger": [(["the", "film"], ["X", "X"]), (["a", "bad", "plot"], ["x", "X", "X"])],
    "word2vec_softmax": ["the", "of"],
}
TEXTS = ["the film was good", "a plot"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the specs, and rows that are generated."""
    folder = tmp_path_factory.mktemp("gallery")
    shutil.copytree(GALLERY, folder, dirs_exist_ok=True)
    for write in (
        gallery_data.write_texts, gallery_data.write_json, gallery_data.write_tables, gallery_data.write_series,
        gallery_data.write_pictures, gallery_data.write_photos,
    ):  # fmt: skip
        write(folder / "data")
    return folder


def trained(name: str, folder: Path, steps: int, resume: bool = False) -> nnc.History:
    data = str(folder / "data") if name in GENERATED else PUBLIC
    sets = (
        ["head.steps=2", f"all.steps={steps}"]
        if name == "bert_finetune"
        else [f"train.steps={steps}", "train.epochs=9"]
    )
    return nnc.train(f"{name}.nn", out=f"runs/{name}", data_root=data, set=sets, resume=resume)


def examples(name: str, model: nnc.Model) -> Any:
    if name in SERIES:
        return past(model)
    if name in PICTURES:
        return np.random.default_rng(1).integers(0, 256, (2, *PICTURES[name])).astype(np.uint8)
    return EXAMPLES.get(name, TEXTS)


@pytest.mark.parametrize("name", SPECS)
def test_spec_is_trained_goes_on_and_answers(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    if name in BEFORE and not Path("runs", BEFORE[name]).exists():
        trained(BEFORE[name], folder, 2)
    if not Path("runs", name).exists():
        trained(name, folder, 2)
    history = trained(name, folder, 4, resume=True)
    for run in history.folds or (history,):
        assert math.isfinite(run.epochs[-1]["loss"])
        assert run.path is not None
        model = nnc.load(run.path)
        answers = model.predict(examples(name, model))
        assert answers
        assert all(np.isfinite(found).all() for found in answers if isinstance(found, int | float | np.ndarray))
