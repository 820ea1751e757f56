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


LOOP = """model m(text: words) -> label: class {
  embed 4
  lstm 3
  last
  dense softmax
}
train { sgd lr=0.1 }
"""


def test_difference_counts_the_ops_of_a_step_by_themselves():
    found = stages.diff(check(LOOP, "m.nn", sizes={"V": 9, "classes": 2}), "hoist").splitlines()
    counts = {line[2:].rsplit(None, 2)[0]: line.split()[-2:] for line in found[3:9] if line}
    assert counts["mat_mul in a step"] == ["16", "12"]
    assert [int(n) for n in counts["all in a step"]] == sorted(map(int, counts["all in a step"]), reverse=True)
