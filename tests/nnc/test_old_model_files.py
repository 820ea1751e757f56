"""Model files that earlier versions wrote open for ever, and say what they said then."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnc.opening import open_model

OLD = Path(__file__).with_name("old")
EXAMPLES = [
    ("a good warm film", 105.0, 0.5),
    ("the plot was grim and sad", 101.0, 0.1),
    ("quite unseen", 101.0, 0.1),
]
SURE = [0.9993411899, 0.9991600513, 0.9750996828]
STARS = [3.5993734, 1.3610379, 3.0259800]


def test_model_file_of_the_first_version_says_what_it_said_then():
    """Words, scaled numbers as input and output, and labels: all three tables of that version."""
    model = open_model(OLD / "first_light.safetensors")
    found = model.answers(model.rows(EXAMPLES))
    assert [each["mood"].value for each in found] == ["pos", "neg", "pos"]
    sure = [dict(each["mood"].probabilities or ())[each["mood"].value] for each in found]
    assert sure == pytest.approx(SURE, abs=1e-6)
    assert [each["stars"].value for each in found] == pytest.approx(STARS, abs=1e-5)
