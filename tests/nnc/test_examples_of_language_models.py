"""What `train` proposes to try with a model that writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnc.examples import prompt_of
from runtime.data import read
from tests.nnc.language_models import language_model


@pytest.mark.parametrize(
    ("sort", "text", "wanted"),
    [
        ("words", "the old cat sat\n", '--prompt "the old cat"'),
        ("words(punctuation)", "well (yes) indeed\n", '--prompt "well (yes"'),
        ("words", "a\n", '--prompt "a"'),
        ("chars", "once upon a time in a land\n", '--prompt "once upon a time"'),
        ("words", "\na b\n", ""),
    ],
)
def test_prompt_is_how_the_text_begins(sort: str, text: str, wanted: str, tmp_path: Path):
    for cell in ("srn 2", "srn 2 stateful"):
        model = language_model(tmp_path, f"embed 2 ; {cell} ; dense softmax", sort, text=text)
        assert model.experiment.data is not None
        rows = read(model.ports, model.experiment.data, tmp_path, None).train
        assert prompt_of(model, rows) == wanted
