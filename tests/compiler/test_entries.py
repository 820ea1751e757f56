"""The bounds of the sections' settings that keep a run from what is no number."""

from __future__ import annotations

import pytest

from compiler.pipeline import check
from dsl.errors import SpecError

MODEL = "model m(text: words) -> label: class {\n  embed 4\n  maxpool\n  dense softmax\n}\n"


@pytest.mark.parametrize("line", ["adam eps=0", "adamw eps=0", "adagrad eps=0", "adam ; clip weights=0"])
def test_setting_that_would_divide_zero_by_zero_is_refused(line: str):
    with pytest.raises(SpecError, match="must be at least") as caught:
        check(f"{MODEL}train {{ {line} }}\n", "m.nn")
    assert [d.code for d in caught.value.diagnostics] == ["NN404"]
