"""What errors about shapes, orders and names advise."""

from __future__ import annotations

import pytest

from compiler import pipeline
from tests.compiler.lower.specs import refused

SERIES = "model m(y: series[12]) -> a: next(y)"
TEXT = "model m(text: words) -> label: class"
BAG = "model m(words: bag(word)) -> label: class"
PHOTO = "model m(photo: image[8,8]) -> label: class"


@pytest.mark.parametrize(
    ("spec", "code", "advice"),
    [
        (f"{SERIES} {{ gru 8 ; last ; dense }}", "NN204", "series[12,1] is one"),
        (f"{SERIES} {{ conv 3 filters=2 ; last ; dense }}", "NN204", "series[12,1] is one"),
        (f"{TEXT} {{ embed 5 ; mean ; gru 8 ; dense softmax }}", "NN204", "put gru before mean"),
        (f"{SERIES.replace('12', '12,2')} {{ gru 8 ; dense }}", "NN203", "pool over the positions"),
        (f"{TEXT} {{ h = embed 5 ; weighted(h, (h | dense 3)) ; dense softmax }}", "NN203", "with flatten"),
        (f"{TEXT} {{ x = embed 5 ; x | gru(h=x) 5 ; last ; dense softmax }}", "NN552", "make one vector of it first"),
        (f"{BAG} {{ embed 5 ; gru 8 ; last ; dense softmax }}", "NN590", "words: words"),
        (f"{BAG} {{ embed 5 ; conv 3 filters=2 ; maxpool ; dense softmax }}", "NN590", "pool it"),
        (f"{BAG} {{ embed 5 ; positions sinusoid ; mean ; dense softmax }}", "NN590", "pool it"),
        (f"{BAG} {{ embed 5 ; first ; dense softmax }}", "NN590", "pool it"),
        (f"{SERIES.replace('(y)', '(z)')} {{ dense }}", "NN215", "name an input: y"),
        (f"{PHOTO} per foto {{ dense softmax }}", "NN215", "name an input: photo"),
        (f"{PHOTO} {{ maxpool2d 2,1 ; flatten ; dense softmax }}", "NN124", "a list goes with the setting's name"),
    ],
)
def test_error_says_what_to_write(spec: str, code: str, advice: str):
    found = refused(spec)
    assert (found.code, advice in found.help) == (code, True), found.help


@pytest.mark.parametrize("body", ["maxpool", "sum", "conv 1 filters=3 ; mean", "attention ; mean"])
def test_a_bag_goes_through_what_knows_no_order(body: str):
    pipeline.check(f"{BAG} {{ embed 5 ; {body} ; dense softmax }}\n", "m.nn")
