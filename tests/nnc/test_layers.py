"""What is said of a network in a line."""

from __future__ import annotations

from compiler.pipeline import check
from nnc.layers import summary

SPEC = """model m(text: words) -> label: class {
  embed 4
  repeat 2 { dense 4 relu }
  parallel { mean ; maxpool }
  dense softmax
}
"""


def test_summary_counts_the_rows_of_the_table_those_inside_braces_too():
    network = check(SPEC, "m.nn").network
    assert len(network.layers) == 6
    assert summary(network).startswith("6 layers, ")
