"""Every value of a training step knows its line of the spec: errors and the headings of the program rely on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.ir.verify import verify
from compiler.pipeline import check, optimize, training_step

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.nn"))


@pytest.mark.parametrize("path", SPECS, ids=[path.stem for path in SPECS])
def test_every_node_of_a_shipped_spec_knows_its_line(path: Path):
    experiment = check(path.read_bytes(), path.name)
    network, step = experiment.network, training_step(experiment).graph
    for graph in (network.training, network.evaluation, network.prediction, step, optimize(step)):
        verify(graph, spans=True)


@pytest.mark.parametrize("train", ["sgd momentum=0.9", "adagrad", "adam", "adamw"])
def test_every_node_of_an_update_knows_its_line(train: str):
    text = f"""model m(text: words) -> y: real {{
  embed 4
  maxpool
  dense
}}
train {{ {train} ; decay 0.01 ; clip norm=1 value=1 weights=3 }}
"""
    verify(training_step(check(text, "m.nn")).graph, spans=True)
