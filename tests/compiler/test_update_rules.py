"""What a step is made of; tests/reference has what it computes."""

from __future__ import annotations

import pytest

from compiler import pipeline
from compiler.optimizers import least_bytes
from compiler.sections.train_entries import OPTIMIZERS
from compiler.update_rules import RULES, states_of

SPEC = "model m(x: real[2]) -> y: class {\n  dense 3 tanh\n  dense softmax\n}\n"
WEIGHTS = 2 * 3 + 3 + 3 * 2 + 2
WAYS = (
    *(word.word for word in OPTIMIZERS),
    "sgd momentum=0.9",
    "sgd momentum=0.9 nesterov",
    "rmsprop momentum=0.9",
)


def test_every_optimizer_of_the_table_has_a_rule():
    assert sorted(RULES) == sorted(o.word for o in OPTIMIZERS)


@pytest.mark.parametrize("way", WAYS)
def test_states_of_an_optimizer_are_counted_as_many_as_a_step_has(way: str):
    experiment = pipeline.check(f"{SPEC}train {{ {way} }}\n", "m.nn", sizes={"classes": 2})
    states = pipeline.training_step(experiment).states
    count = states_of(experiment.train.optimizer)
    assert len(states) == count * len(experiment.network.parameters)
    assert least_bytes(experiment)[0] == 4 * WEIGHTS * (1 + count)
