"""What is compared with PyTorch: networks, ways to train them, weights and batches. All from seeds, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compiler import pipeline
from compiler.experiment import Experiment

SPECS = Path(__file__).parents[2] / "specs"
STEPS = 100
BATCH = 6
VOCABULARY = 40

TRAININGS = {
    "sgd": "sgd lr=0.05",
    "sgd momentum, value clipped": "sgd lr=0.05 momentum=0.9 ; clip value=0.01",
    "sgd momentum, decay, norm clipped": "sgd lr=0.05 momentum=0.9 ; decay 1e-3 ; clip norm=0.5",
    "adagrad": "adagrad lr=0.02 init=0.1",
    "adagrad, decay, head held": "adagrad lr=0.02 ; decay 1e-3 ; clip weights=0.3",
    "adam": "adam lr=1e-3",
    "adam, decay, norm clipped": "adam lr=3e-3 betas=0.8,0.99 ; decay 1e-3 ; clip norm=0.1",
    "adamw, decay": "adamw lr=3e-3 ; decay 0.05",
}
MORE_TRAININGS = {
    "sgd nesterov, decay": "sgd lr=0.05 momentum=0.9 nesterov ; decay 1e-3",
    "rmsprop": "rmsprop lr=1e-3",
    "rmsprop momentum, decay, norm clipped": "rmsprop lr=1e-3 rho=0.9 momentum=0.8 ; decay 1e-3 ; clip norm=0.5",
    "adadelta": "adadelta lr=1 rho=0.95",
    "adadelta, decay, head held": "adadelta lr=0.5 rho=0.8 ; decay 1e-3 ; clip weights=0.3",
    "adam, smoothing": "adam lr=1e-3 ; smoothing 0.1",
    "adagrad, classes balanced": "adagrad lr=0.02 ; classes balanced",
    "sgd momentum, both": "sgd lr=0.05 momentum=0.9 ; smoothing 0.2 ; classes balanced",
    "adam, loss sum": "adam lr=1e-3 eps=1e-3 ; loss sum",
}
"""For the two smaller networks: the third has no layer or weight of another kind than these."""
WEIGHTS = (0.5, 2.0, 1.25)
"""What each label weighs where classes are balanced: any numbers will do."""
NETWORKS = ("sentiment", "textcnn", "perceptron_xor")


@dataclass(frozen=True)
class Case:
    """One network trained in one way. dropout is 0: its masks are no part of the comparison."""

    network: str
    training: str

    @property
    def name(self) -> str:
        return f"{self.network}: {self.training}"

    @property
    def sizes(self) -> dict[str, int]:
        return {"V": VOCABULARY, "classes": 2 if self.network == "perceptron_xor" else 3}

    def experiment(self) -> Experiment:
        text = (SPECS / f"{self.network}.nn").read_text("utf-8")
        model = text[: text.index("\ndata")].replace("dropout 0.5", "dropout 0")
        entries = (TRAININGS | MORE_TRAININGS)[self.training]
        spec = f"{model}\ntrain {{ {entries} ; batch {BATCH} }}\n"
        return pipeline.check(spec, f"{self.network}.nn", sizes=self.sizes, dtype="f64")


CASES = tuple(
    Case(network, training)
    for network in NETWORKS
    for training in (*TRAININGS, *(MORE_TRAININGS if network != "textcnn" else ()))
)


def weights(experiment: Experiment) -> dict[str, NDArray[np.float64]]:
    """The same start for both sides; row 0 of a table, the padding's, is zeros."""
    rng = np.random.Generator(np.random.Philox(7))
    drawn: dict[str, NDArray[np.float64]] = {}
    for p in experiment.network.parameters:
        shape = tuple(int(str(d)) for d in p.type.shape)
        drawn[p.name] = rng.uniform(-1, 1, shape) / sqrt(shape[0])
        if p.init.padding_row:
            drawn[p.name][0] = 0
        if p.name.endswith("running_variance"):
            drawn[p.name] = 0.5 + abs(drawn[p.name])
    return drawn


def class_weights(case: Case, experiment: Experiment) -> dict[str, NDArray[np.float64]]:
    if not experiment.train.balanced:
        return {}
    (output,) = experiment.network.outputs
    return {f"class_weights.{output.name}": np.array(WEIGHTS[: case.sizes["classes"]])}


def batches(case: Case) -> Iterator[dict[str, NDArray]]:
    """One batch a step. Texts differ in length, some are shorter than a kernel; each batch draws its ids from a few
    rows of the table, so that every batch lacks most of them."""
    rng = np.random.Generator(np.random.Philox(11))
    for _ in range(STEPS):
        labels = rng.integers(0, case.sizes["classes"], BATCH)
        if case.network == "perceptron_xor":
            yield {"point": rng.normal(size=(BATCH, 2)), "odd": labels}
            continue
        known = rng.choice(np.arange(1, VOCABULARY), 8, replace=False)
        lengths = rng.integers(1, 12, BATCH)
        ids = rng.choice(known, (BATCH, int(lengths.max())))
        ids[np.arange(ids.shape[1])[None] >= lengths[:, None]] = 0
        text, label = ("sentence", "polarity") if case.network == "sentiment" else ("text", "label")
        yield {text: ids, label: labels, "lengths.T": lengths}


def digest(values: dict[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    """Enough of each array to tell it: its sum, its sum of squares, and eight of its numbers."""
    told: dict[str, list[float]] = {}
    for name, array in sorted(values.items()):
        flat = array.reshape(-1)
        picked = flat[np.linspace(0, flat.size - 1, 8).astype(int)]
        told[name] = [float(flat.sum()), float((flat * flat).sum()), *(float(x) for x in picked)]
    return told
