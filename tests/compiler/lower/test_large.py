"""What is too large, too deep or too long is refused at once, by an error of the language."""

from __future__ import annotations

import sys
import time

import pytest

from tests.compiler.lower.specs import errors, model

END = "\nmean\ndense softmax"
SECONDS = 4.0
"""Of the processor, which another program beside this one does not lengthen much; alone it is a quarter of that."""
"""Longer than any of these takes on a slow machine."""

CHAIN = "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(500)) + "block b500 { dense 4 }\n"
DOUBLING = "".join(f"block b{i} {{ b{i + 1} ; b{i + 1} }}\n" for i in range(25)) + "block b25 { dense 4 }\n"
LETS = "".join(f"let c{i} = c{i + 1} + 1\n" for i in range(1500)) + "let c1500 = 1\n"
RING = "".join(f"let c{i} = c{(i + 1) % 1500}\n" for i in range(1500))


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (model(f"embed 4\nrepeat 10000 {{ repeat 10000 {{ dense 4 }} }}{END}"), "NN510"),
        (model(f"embed 4\nrepeat 10000 {{ repeat 10000 {{ relu }} }}{END}"), "NN510"),
        (model(f"embed 4\nrepeat 10000 {{ dense 4 as d }}{END}"), "NN510"),
        (model(f"embed 4\nrepeat 10000 shared {{ x = relu ; x + x }}{END}"), "NN510"),
        (model(f"embed 4\nrepeat 1000000000000 {{ relu }}{END}"), "NN404"),
        (model(f"embed 1000000000000{END}"), "NN404"),
        (model("embed 4\nmean\ndense 10000000\ndense 10000000\ndense softmax"), "NN510"),
        (model("dense 3\ndense softmax", "x: real[1000000000]"), "NN211"),
        (model(f"embed 4\nconv k=1000000000 filters=3{END}"), "NN404"),
        (model(f"embed 4\nconv k=3 filters=3 dilation=1000000000{END}"), "NN404"),
        (model(f"embed 4\nmaxpool window=1000000000{END}"), "NN404"),
        (model(f"embed 4\nmaxpool k=1000000000{END}"), "NN404"),
        (model(f"embed 4\ndense size=9223372036854775807*9223372036854775807{END}"), "NN403"),
        (model(f"embed 4\ndropout p=1e300*1e300{END}"), "NN403"),
        (model("embed 4\n" + "residual { " * 60 + "relu" + " }" * 60 + END), "NN510"),
        (model("embed 4\nmean\n" + "-(" * 60 + "relu" + ")" * 60 + "\ndense softmax"), "NN510"),
        (CHAIN + model(f"embed 4\nb0{END}"), "NN510"),
        (DOUBLING + model(f"embed 4\nb0{END}"), "NN510"),
        (RING + model(f"embed 4{END}"), "NN507"),
    ],
)
def test_too_large_is_refused_at_once(spec: str, code: str):
    begin = time.process_time()
    found = errors(spec)
    assert time.process_time() - begin < SECONDS
    assert found[0][0] == code


def test_refusal_does_not_depend_on_how_deep_the_caller_stands():
    def deeper(depth: int) -> list[tuple[str, int, int]]:
        return deeper(depth - 1) if depth else errors(CHAIN + model(f"embed 4\nb0{END}"))

    assert deeper(sys.getrecursionlimit() // 4)[0][0] == "NN510"


def test_long_chains_are_no_trouble():
    lines = "\n".join(f"v{i} = relu" for i in range(1500))
    assert errors(model(f"embed 4\nmean\n{lines}\ndense softmax")) == []
    assert errors(LETS + model(f"embed c1499{END}")) == []


def test_many_errors_are_no_trouble():
    lines = "\n".join(f"embd {i}" for i in range(3000))
    begin = time.process_time()
    assert len(errors(model(f"{lines}\ndense softmax"))) >= 3000
    assert time.process_time() - begin < 4 * SECONDS
