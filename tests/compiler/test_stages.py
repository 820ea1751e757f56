"""What `nnc inspect` shows of a stage."""

from __future__ import annotations

import pytest

from compiler import stages
from compiler.pipeline import check
from dsl.errors import SpecError

XOR = """model xor(point: real[2]) -> odd: class {
  dense 4 tanh
  dense sigmoid
}
train { sgd lr=0.1 }
"""


def test_unknown_pass_is_told_with_the_one_that_was_meant():
    with pytest.raises(SpecError, match="there is no pass fuze") as caught:
        stages.diff(check(XOR, "xor.nn"), "fuze")
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("NN870", "did you mean fuse?")
