import numpy as np
import pytest

from compiler.experiment import Head
from compiler.sorts import Class, Port, Real
from dsl.source import Span
from runtime.data import Scaling, Tables
from runtime.predict import answers

SPAN = Span("m.nn", 1, 1, 1, 2, "y")
LABELS = Tables({}, {"y": ("bad", "good", "so so")}, {})
TWO = Tables({}, {"y": ("bad", "good")}, {})


def label_head(kind: str, loss: str = "cross-entropy") -> Head:
    return Head(Port("y", Class(), True, SPAN), kind, loss)  # type: ignore[arg-type]  # kinds and losses as in Head


def number_head(width: int) -> Head:
    return Head(Port("y", Real(width, standard=True), True, SPAN), "linear", "mean squared error")


def test_softmax_gives_the_likeliest_label_and_all_probabilities_in_order():
    scores = np.array([[0.1, 0.2, 0.7], [0.5, 0.1, 0.4]], np.float32)
    first, second = answers({"y.scores": scores}, [label_head("softmax")], LABELS, 2)
    assert first["y"].value == "so so"
    assert [label for label, _ in first["y"].probabilities or ()] == ["so so", "good", "bad"]
    assert second["y"].value == "bad"


def test_the_winner_of_a_tie_stands_first_among_the_probabilities():
    (found,) = answers({"y.scores": np.full((1, 3), 1 / 3)}, [label_head("softmax")], LABELS, 1)
    assert found["y"].value == "bad"
    assert (found["y"].probabilities or ())[0][0] == "bad"


@pytest.mark.parametrize(("score", "label"), [(0.9, "good"), (0.5, "bad"), (0.1, "bad")])
def test_sigmoid_is_the_probability_of_the_second_label(score: float, label: str):
    (found,) = answers({"y.scores": np.array([[score]])}, [label_head("sigmoid", "logistic")], TWO, 1)
    assert found["y"].value == label
    assert dict(found["y"].probabilities or ()) == pytest.approx({"good": score, "bad": 1 - score})


@pytest.mark.parametrize(("score", "label"), [(3.0, "good"), (0.0, "bad"), (-3.0, "bad")])
def test_a_sign_has_a_label_and_no_probabilities(score: float, label: str):
    (found,) = answers({"y.scores": np.array([[score]])}, [label_head("sign", "perceptron")], TWO, 1)
    assert found["y"].value == label
    assert found["y"].probabilities is None


def test_numbers_come_back_in_the_datas_own_units():
    tables = Tables({}, {}, {"y": Scaling((10.0, 0.0), (2.0, 1.0))})
    (found,) = answers({"y.scores": np.array([[1.5, -1.0]], np.float32)}, [number_head(2)], tables, 1)
    assert found["y"].value == (13.0, -1.0)


def test_one_number_is_a_number():
    tables = Tables({}, {}, {"y": Scaling((10.0,), (2.0,))})
    (found,) = answers({"y.scores": np.array([[0.5]])}, [number_head(1)], tables, 1)
    assert found["y"].value == 11.0


def test_no_rows_have_no_answers():
    assert answers({}, [label_head("softmax")], LABELS, 0) == []
