import numpy as np
import pytest

from compiler.experiment import Head
from compiler.sorts import Class, Port, Real, Tokens
from dsl.source import Span
from runtime.data import Rows, Scaling, Tables
from runtime.data.rows import make
from runtime.data.tokens import Sequences
from runtime.predict import answers

SPAN = Span("m.nn", 1, 1, 1, 2, "y")
LABELS = Tables({}, {"y": ("bad", "good", "so so")}, {})
TWO = Tables({}, {"y": ("bad", "good")}, {})


def label_head(kind: str, loss: str = "cross-entropy") -> Head:
    return Head(Port("y", Class(), True, SPAN), kind, loss)  # type: ignore[arg-type]  # kinds and losses as in Head


def of(count: int) -> Rows:
    return make((), count, {})


def number_head(width: int) -> Head:
    return Head(Port("y", Real(width, standard=True), True, SPAN), "linear", "mean squared error")


def test_softmax_gives_the_likeliest_label_and_all_probabilities_in_order():
    scores = np.array([[0.1, 0.2, 0.7], [0.5, 0.1, 0.4]], np.float32)
    first, second = answers({"y.scores": scores}, [label_head("softmax")], LABELS, of(2))
    assert first["y"].value == "so so"
    assert [label for label, _ in first["y"].probabilities or ()] == ["so so", "good", "bad"]
    assert second["y"].value == "bad"


def test_the_winner_of_a_tie_stands_first_among_the_probabilities():
    (found,) = answers({"y.scores": np.full((1, 3), 1 / 3)}, [label_head("softmax")], LABELS, of(1))
    assert found["y"].value == "bad"
    assert (found["y"].probabilities or ())[0][0] == "bad"


@pytest.mark.parametrize(("score", "label"), [(0.9, "good"), (0.5, "bad"), (0.1, "bad")])
def test_sigmoid_is_the_probability_of_the_second_label(score: float, label: str):
    (found,) = answers({"y.scores": np.array([[score]])}, [label_head("sigmoid", "logistic")], TWO, of(1))
    assert found["y"].value == label
    assert dict(found["y"].probabilities or ()) == pytest.approx({"good": score, "bad": 1 - score})


@pytest.mark.parametrize(("score", "label"), [(3.0, "good"), (0.0, "bad"), (-3.0, "bad")])
def test_a_sign_has_a_label_and_no_probabilities(score: float, label: str):
    (found,) = answers({"y.scores": np.array([[score]])}, [label_head("sign", "perceptron")], TWO, of(1))
    assert found["y"].value == label
    assert found["y"].probabilities is None


def test_numbers_come_back_in_the_datas_own_units():
    tables = Tables({}, {}, {"y": Scaling((10.0, 0.0), (2.0, 1.0))})
    (found,) = answers({"y.scores": np.array([[1.5, -1.0]], np.float32)}, [number_head(2)], tables, of(1))
    assert found["y"].value == (13.0, -1.0)


def test_one_number_is_a_number():
    tables = Tables({}, {}, {"y": Scaling((10.0,), (2.0,))})
    (found,) = answers({"y.scores": np.array([[0.5]])}, [number_head(1)], tables, of(1))
    assert found["y"].value == 11.0


def test_no_rows_have_no_answers():
    assert answers({}, [label_head("softmax")], LABELS, of(0)) == []


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        (Tokens("words"), [("bad", "good"), (), ("so so",)]),
        (Tokens("words", reverse=True), [("good", "bad"), (), ("so so",)]),
    ],
)
def test_each_token_has_its_label_in_the_order_of_the_text(sort: Tokens, wanted: list[tuple[str, ...]]):
    text, tags = Port("text", sort, False, SPAN), Port("y", Class(), True, SPAN, per="text")
    ids = Sequences(np.array([4, 5, 0, 6], np.int32), np.array([0, 2, 3, 4]))
    rows = make((text, tags), 3, {"text": ids})
    shares = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0, 1, 0], [0.1, 0, 0.9]])
    results = {"y.labels": np.array([0, 1, 1, 2]), "y.scores": shares}
    found = answers(results, [Head(tags, "softmax", "cross-entropy")], LABELS, rows)
    assert [row["y"].value for row in found] == wanted
    likeliest = [tuple(next(iter(each)) for each in row["y"].each) for row in found]
    assert likeliest == wanted
    assert found[2]["y"].each == [{"so so": 0.9, "bad": 0.1, "good": 0.0}]


def test_marks_have_no_labels():
    text = Port("text", Tokens("words", marks=True), False, SPAN)
    tags = Port("y", Class(), True, SPAN, per="text")
    ids = Sequences(np.array([2, 7, 8, 3], np.int32), np.array([0, 4]))
    found = answers(
        {"y.labels": np.array([0, 1, 2, 0]), "y.scores": np.full((4, 3), 1 / 3)},
        [Head(tags, "softmax", "cross-entropy")],
        LABELS,
        make((text, tags), 1, {"text": ids}),
    )
    assert found[0]["y"].value == ("good", "so so")
