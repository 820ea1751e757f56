"""`class per photo`: a label for each pixel."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Experiment
from runtime.data.labels import NONE, UNKNOWN
from runtime.interpret import evaluate
from tests.compiler.lower.specs import refused
from tests.reference.cases import weights

SIZES = {"classes": 3}
PHOTO = np.linspace(-1, 1, 48).reshape(2, 2, 3, 4) ** 3
MASK = np.array([[[0, 1, 2], [NONE, 1, 0]], [[2, 2, NONE], [UNKNOWN, 0, 1]]])


def checked(body: str, train: str = "", classes: int = 3) -> Experiment:
    spec = f"model m(photo: image[2,3,4]) -> mask: class per photo {{\n  {body}\n}}\ntrain {{ {train} }}\n"
    return pipeline.check(spec, "m.nn", sizes={"classes": classes}, dtype="f64")


def test_loss_of_a_pixel_is_that_of_its_own_label():
    experiment = checked("dense softmax")
    store = weights(experiment)
    z = PHOTO @ store["dense.weight"] + store["dense.bias"]
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    wanted = np.where(MASK >= 0, -np.log(np.take_along_axis(p, np.maximum(MASK, 0)[..., None], -1)[..., 0]), 0)
    fed = {**store, "photo": PHOTO, "mask": MASK}
    found = evaluate(experiment.network.evaluation, fed, {"B": 2})
    np.testing.assert_allclose(found["mask.losses"], wanted, rtol=1e-12)
    np.testing.assert_array_equal(found["mask.labels"], p.argmax(-1))
    loss = evaluate(experiment.network.training, {**fed, "rows": 2}, {"B": 2})["loss"]
    np.testing.assert_allclose(loss, wanted.sum() / (MASK >= 0).sum(), rtol=1e-12)


def test_step_of_pixels_is_that_of_pixels_as_rows():
    pixels = checked("dense softmax", "sgd lr=1 ; smoothing 0.1")
    rows = pipeline.check(
        "model m(photo: real[4]) -> mask: class {\n  dense softmax\n}\ntrain { sgd lr=1 ; smoothing 0.1 }\n",
        "m.nn",
        sizes=SIZES,
        dtype="f64",
    )
    store, known = weights(pixels), MASK >= 0
    numbers = {"lr": 1.0, "step": 1, "seed": 1}
    step = pipeline.optimize(pipeline.training_step(pixels).graph)
    moved = evaluate(step, {**store, **numbers, "photo": PHOTO, "mask": MASK, "rows": 2}, {"B": 2})
    count = int(known.sum())
    fed = {"photo": PHOTO[known], "mask": MASK[known], "rows": count}
    wanted = evaluate(pipeline.training_step(rows).graph, {**store, **numbers, **fed}, {"B": count})
    for name in store:
        np.testing.assert_allclose(moved[f"{name}'"], wanted[f"{name}'"], rtol=1e-10, err_msg=name)


def test_two_labels_may_be_told_by_one_unit():
    experiment = checked("dense sigmoid", classes=2)
    store = weights(experiment)
    p = 1 / (1 + np.exp(-(PHOTO @ store["dense.weight"] + store["dense.bias"])[..., 0]))
    mask = np.minimum(MASK, 1)
    found = evaluate(experiment.network.evaluation, {**store, "photo": PHOTO, "mask": mask}, {"B": 2})
    np.testing.assert_array_equal(found["mask.labels"], (p > 0.5).astype(int))
    wanted = np.where(mask >= 0, -np.log(np.where(mask == 1, p, 1 - p)), 0)
    np.testing.assert_allclose(found["mask.losses"], wanted, rtol=1e-12)


PORTS = "photo: image[8,8]) -> mask: class per photo"


@pytest.mark.parametrize(
    ("ports", "body", "code", "said"),
    [
        (PORTS, "maxpool2d 2 ; dense softmax", "NN582", "mask needs one vector for each pixel of photo"),
        (PORTS, "flatten ; dense softmax", "NN582", "but gets a vector [classes]"),
        (PORTS, "conv2d 3 filters=4 same relu", "NN515", "mask needs probabilities"),
        (PORTS, "dense crf", "NN219", "dense crf scores tags of tokens"),
        ("photo: image[8,8]) -> kind: class", "dense softmax", "NN216", "dense needs a vector, but gets a picture"),
        ("photo: image[8,8]) -> mask: class per foto", "dense softmax", "NN215", "there is no input foto"),
        ("x: real[8]) -> mask: class per x", "dense softmax", "NN215", "x is real, which has no positions"),
        ("photo: image[8,8], t: category per photo) -> y: class", "t | embed 4 | mean ; dense softmax", "NN215",
         "category per photo: a picture has a class for each pixel"),
    ],
)  # fmt: skip
def test_wrong_use_is_told(ports: str, body: str, code: str, said: str):
    found = refused(f"model m({ports} {{\n  {body}\n}}\n")
    assert found.code == code
    assert said in found.message
    assert found.span is not None
