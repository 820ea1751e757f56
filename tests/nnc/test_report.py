import io
import math

import pytest
from rich.console import Console

from dsl.render import columns
from nnc.console import Curve, Terminal, moving_line, shown_in_table
from nnc.layers import quantity
from nnc.report import Header, by_class, confusion, duration, header_parts, number, scores, summary, table_columns
from nnc.widths import cut, folded, packed
from runtime.evaluate import Evaluation, OutputScores
from runtime.events import BatchDone, EpochDone, Started, TrainResult

METRICS = {"accuracy": 0.957, "macro_f1": 0.956, "precision": 0.96, "recall": 0.95}
CLASSES = {
    label: {"precision": 1.0, "recall": 0.9, "f1": 0.95, "count": 200} for label in ("positive", "negative", "中立")
}
SCORES = OutputScores("polarity", METRICS, CLASSES, ((193, 3, 4), (5, 191, 4), (4, 6, 190)))
EVALUATION = Evaluation(600, 0.219, (SCORES,))
HEADER = Header("sentiment.nn", ("positive", "negative", "中立"), 412, "words", "numpy", 2)
STARTED = Started({"train": 3600, "valid": 400, "test": 600}, 72, 10, 51_234, 14_000_000, 22_000_000_000, 720)
RESULT = TrainResult({}, 10, 720, 7, "accuracy", EVALUATION, EVALUATION, None, 31.2, False, False)
WIDTHS = (20, 24, 40, 60, 80, 100, 200)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int):
    lines = summary(RESULT, 10, width)
    assert all(columns(line) <= width for line in lines)
    assert any("accuracy" in line and "0.957" in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_of_every_width_shows_epochs_and_their_metric(width: int):
    out = io.StringIO()
    screen = Terminal(Console(file=out, width=width, force_terminal=True, no_color=True))
    screen.begin(HEADER)
    screen.event(STARTED)
    for epoch, best in ((1, True), (2, False)):
        for batch in range(1, 73):
            screen.event(BatchDone(epoch, batch, 1 / batch, 50, 900))
        screen.event(EpochDone(epoch, 0.912, EVALUATION, best, 1.1))
    screen.end(summary(RESULT, 10, width))
    text = out.getvalue()
    assert "0.957" in text
    assert "▸     1" in text
    assert "▸     2" not in text


def test_without_validation_rows_the_table_has_the_loss():
    out = io.StringIO()
    screen = Terminal(Console(file=out, width=20, force_terminal=True, no_color=True))
    screen.begin(HEADER)
    screen.event(STARTED)
    screen.event(EpochDone(1, 0.912, None, False, 1.1))
    screen.end(())
    assert "0.912" in out.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_moving_line_fits(width: int):
    parts = ["epoch 4 of 10", "0.203 ▇▅▃▂▂▁", "7 s left", "4,100 sentences/s", "batch 41 of 72", "90,000 words/s"]
    line = moving_line(parts, 0.5, width)
    assert line.cell_len <= width
    assert "epoch 4 of 10" in line.plain


def test_columns_go_from_the_least_important():
    names = ("accuracy", "macro_f1")
    kept = {w: [c.key for c in table_columns(names, True, w)] for w in (100, 40, 20)}
    assert kept[100] == ["epoch", "loss", "valid_loss", "accuracy", "macro_f1", "time"]
    assert kept[20] == ["epoch", "accuracy"]
    assert "time" not in kept[40]


def test_a_confusion_matrix_stands_in_straight_columns_under_wide_labels():
    lines = confusion(SCORES, 80)
    assert len({columns(line) for line in lines}) == 1
    assert lines[1].split() == ["positive", "193", "3", "4"]


def test_a_confusion_matrix_that_does_not_fit_is_left_out():
    assert confusion(SCORES, 20) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_line_is_folded_between_words_and_keeps_its_spaces(width: int):
    text = "  sentence: words [T]  ->  polarity: class, by cross-entropy"
    lines = folded(text, width)
    assert all(columns(line) <= width for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(text.split())
    assert folded(text, 200) == [text]


def test_each_label_has_its_precision_recall_and_f1():
    heading, first, *_ = by_class(SCORES, 80)
    assert heading.split() == ["label", "precision", "recall", "F1", "count"]
    assert first.split()[0] == "positive"
    assert len(first.split()) == 5


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_of_labels_fits_or_is_left_out(width: int):
    assert all(columns(line) <= width for line in by_class(SCORES, width))


def test_nan_is_shown_as_nan():
    assert number(math.nan) == "NaN"
    assert any("NaN" in line for line in scores(Evaluation(0, math.nan, (SCORES,)), "test", None, 80))


def test_nan_is_null_in_json():
    found = Evaluation(0, math.nan, (OutputScores("y", {"rmse": 1.0, "r2": math.nan}),)).to_json()
    assert found == {"loss": None, "rmse": 1.0, "r2": None, "rows": 0}


def test_several_outputs_nest_by_their_name():
    other = OutputScores("y", {"rmse": 1.0})
    found = Evaluation(5, 0.5, (SCORES, other)).to_json()
    assert found["polarity"]["accuracy"] == 0.957
    assert found["y"] == {"rmse": 1.0}


@pytest.mark.parametrize(
    ("value", "text"), [(5, "5"), (9_999, "9,999"), (38_602, "39 k"), (1_200_000, "1.2 M"), (51_234, "51 k")]
)
def test_quantities_are_short(value: int, text: str):
    assert quantity(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(6.6, "7 s"), (200, "3 min"), (4800, "1 h 20 min")])
def test_durations_are_short(seconds: float, text: str):
    assert duration(seconds) == text


def test_parts_share_a_line_where_they_fit():
    assert packed(["ab", "cd", "efg"], 6, "  ") == ["ab  cd", "efg"]
    assert packed(["one two three"], 8, " ") == ["one two", "three"]


def test_a_cut_text_ends_in_an_ellipsis():
    assert cut("中立中立", 5) == "中立…"


def test_a_table_of_many_epochs_shows_some_of_them():
    assert all(shown_in_table(epoch, 30) for epoch in range(1, 31))
    shown = [epoch for epoch in range(1, 501) if shown_in_table(epoch, 500)]
    assert len(shown) <= 32
    assert (shown[0], shown[-1]) == (1, 500)


def test_a_small_number_does_not_look_like_zero():
    assert number(0.0) == "0.000"
    assert number(0.00021) == "2e-04"


def test_a_curve_falls_as_the_loss_does():
    curve = Curve()
    for step in range(1000):
        curve.add(1000.0 - step)
    assert str(curve) == "█▇▆▅▄▃▂▁"
    assert len(curve.points) < 64


def test_scores_of_several_outputs_stand_in_one_column():
    evaluation = Evaluation(600, 0.2, (SCORES, OutputScores("stars", {"rmse": 0.5, "mae": 0.25}, None, None)))
    lines = scores(evaluation, "test", None, 80)
    numbers = [line for line in lines[: lines.index("")] if line]
    assert {len(line) for line in numbers} == {len(numbers[0])}
    assert len(numbers) == len(METRICS) + 3


def test_header_cuts_labels_that_are_whole_texts():
    header = Header("m.nn", ("x" * 1_000_000, "neg"), 412, "words", "numpy", 2)
    _, labels, *_ = header_parts(header, Started({"train": 4}, 1, 1, 10, 100, 1000))
    assert columns(labels) == 45
    assert labels.endswith(", neg")
