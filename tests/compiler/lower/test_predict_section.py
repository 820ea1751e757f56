"""The `predict` section: how a model writes, in the spec and on the command line."""

from __future__ import annotations

import pytest

from compiler.settings.predict import PredictSettings
from tests.compiler.lower.specs import Place, checked, diagnostics, errors, model

WRITER = model("embed 4\nsrn 4\ndense softmax", output="next: next(text)")


def predicts(section: str, *sets: str) -> PredictSettings:
    return checked(WRITER + section, None, *sets).predict


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("", PredictSettings(0.0, 0, 100)),
        ("predict { greedy }", PredictSettings(0.0, 0, 100)),
        ("predict { greedy max=7 }", PredictSettings(0.0, 0, 7)),
        ("predict { sample }", PredictSettings(1.0, 0, 100)),
        ("predict { sample temperature=0.7 top=40 max=1000 }", PredictSettings(0.7, 40, 1000)),
        ("let n = 9\npredict { sample max=n }", PredictSettings(1.0, 0, 9)),
    ],
)
def test_predict_says_how_a_model_writes(section: str, wanted: PredictSettings):
    assert predicts(section) == wanted


def test_predict_is_set_from_the_command_line():
    spec = "predict { sample temperature=0.7 max=50 }"
    assert predicts(spec, "predict.sample.temperature=0.2") == PredictSettings(0.2, 0, 50)
    assert predicts(spec, "predict.greedy.max=3") == PredictSettings(0.0, 0, 3)
    assert predicts("", "predict.sample.top=5") == PredictSettings(1.0, 5, 100)


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("predict { beam 4 max=100 }", [("NN605", 6, 1)]),
        ("predict { threshold 0.3 }", [("NN605", 6, 11)]),
        ("predict { threshold }", [("NN405", 6, 11)]),
        ("predict { threshold 7 }", [("NN404", 6, 21)]),
        ("predict { threshold 0.3 ; threshold 0.4 }", [("NN603", 6, 27)]),
        ("predict { baem 4 }", [("NN602", 6, 11)]),
        ("predict { max 100 }", [("NN602", 6, 11)]),
        ("predict { greedy ; sample }", [("NN603", 6, 20)]),
        ("predict { greedy ; greedy }", [("NN603", 6, 20)]),
        ("predict { greedy }\npredict { sample }", [("NN603", 7, 1)]),
        ("predict { greedy temperature=1 }", [("NN401", 6, 18)]),
        ("predict { sample temperature=-1 }", [("NN404", 6, 18)]),
        ("predict { sample top=0.5 }", [("NN403", 6, 18)]),
        ("predict { sample max=0 }", [("NN404", 6, 18)]),
    ],
)
def test_predict_is_checked(section: str, wanted: list[Place]):
    assert errors(WRITER + section) == wanted


def test_setting_that_stands_as_an_entry_is_told_where_it_belongs():
    (found,) = diagnostics(WRITER + "predict { max 100 }")
    assert found.help == "it is a setting of greedy, beam, sample: greedy max=..."


def test_predict_is_for_a_model_that_writes():
    labels = model("embed 4\nmean\ndense softmax") + "predict { sample }"
    backwards = model("embed 4\nsrn 4 reverse\ndense softmax", output="before: previous(text)") + "predict { sample }"
    for spec in (labels, backwards):
        (found,) = diagnostics(spec)
        assert (found.code, found.span and found.span.line) == ("NN605", 6)
        assert found.message == "predict says how a text is written, but the model writes none"


def test_text_of_a_language_model_may_be_a_column():
    data = 'data { train "reviews.tsv" columns=_,text }'
    assert checked(WRITER + data).data is not None
    assert errors(WRITER + 'data { train "reviews.tsv" columns=_,words }') == [("NN606", 6, 38)]


def test_threshold_is_for_two_labels_that_one_unit_tells():
    two = model("embed 4\nmean\ndense sigmoid") + "predict { threshold 0.3 }"
    found = checked(two)
    assert found.predict == PredictSettings(threshold=0.3)
    assert [head.threshold for head in found.network.heads] == [0.3]
    assert [head.threshold for head in checked(two, None, "predict.threshold=0.8").network.heads] == [0.8]
    (many,) = diagnostics(model("embed 4\nmean\ndense softmax") + "predict { threshold 0.3 }")
    assert (many.code, many.message) == (
        "NN605",
        "threshold is for two labels told by one unit, and no output is told so",
    )


def test_threshold_stands_beside_a_way_to_write():
    spec = """model m(text: words) -> next: next(text), liked: class {
  h = embed 4 | srn 4
  next = h | dense softmax
  liked = h | last | dense sigmoid
}
predict { threshold 0.2 ; sample }
"""
    assert checked(spec).predict == PredictSettings(1.0, 0, 100, 0.2)
    assert [head.threshold for head in checked(spec).network.heads] == [None, 0.2]
