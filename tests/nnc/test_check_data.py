"""`nnc check --data`: what the rows are like, and what training would refuse, without training."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nnc import cli
from nnc.failure import guarded
from nnc.survey_lines import lines
from runtime.data.survey import Lengths, Range, Repeats, Survey, VocabularySurvey

SPEC = """model m(text: words(max=3), size: real, kind: category) -> label: class {
  concat((text | embed 4 | mean), size, (kind | embed 2))
  dense softmax
}
data { train "a.tsv" columns=label,text,size,kind ; test "b.tsv" }
"""
TRAIN = "pos\ta good film\t1\tx\nneg\tbad\t2\tx\npos\ta good film\t1\tx\nneg\ta very bad film\t5\ty\n"
TEST = "pos\tbad\t2\tx\nneg\tunseen words\t3\tz\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "a.tsv").write_text(TRAIN)
    (tmp_path / "b.tsv").write_text(TEST)
    (tmp_path / "m.nn").write_text(SPEC)
    return tmp_path / "m.nn"


def check(*arguments: str) -> int:
    return guarded(["check", "--data", *arguments], cli.run)


def test_check_of_data_says_what_the_rows_are_like(spec: Path, capsys: pytest.CaptureFixture[str]):
    assert check(str(spec)) == 0
    found = capsys.readouterr()
    assert (
        re.sub("memory .*", "memory", found.out)
        == """\
m.nn  ok    5 layers, 64 weights, 4 FLOP a word
  text: words [T], size: real [1], kind: category  ->  label: class, by cross-entropy

  rows     4 train · 2 test
  text     1 to 4 words · median 2 · 95% up to 4 · max=3 cuts 1 word of 1 text
           5 words · 1 seen once: "very" · unknown: 66.7% of test
  kind     2 values · 1 seen once: "y" · unknown: 50.0% of test
  size     1 to 5, mean 2.333
  label    neg: 2 · pos: 2
  repeats  1 of train repeats another's inputs · 1 of test stands in train too
  memory
"""
    )
    assert list(re.findall(r"NN\d+", found.err)) == ["NN721", "NN727"]


def test_check_of_data_as_json_has_the_same(spec: Path, capsys: pytest.CaptureFixture[str]):
    assert check(str(spec), "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["specs"]
    (data,) = found["data"]
    assert data["rows"] == {"train": 4, "test": 2}
    assert data["labels"]["label"] == {"neg": {"train": 2, "test": 1}, "pos": {"train": 2, "test": 1}}
    assert data["numbers"]["size"] == [{"low": 1.0, "mean": pytest.approx(14 / 6), "high": 5.0}]
    assert data["vocabularies"]["text"]["unknown"] == {"train": 0.0, "test": pytest.approx(2 / 3)}
    assert data["repeats"]["test"] == {"inside": 0, "in_training": 1}
    assert 0 < data["memory"]["needed_bytes"] < data["memory"]["free_bytes"]
    assert [d["code"] for d in found["diagnostics"]] == ["NN721", "NN727"]


def test_check_of_data_refuses_what_training_would(spec: Path, capsys: pytest.CaptureFixture[str]):
    spec.with_name("a.tsv").write_text(TRAIN + "pos\tfilm\tmany\tx\n")
    assert check(str(spec)) == 1
    assert "error[NN715]" in capsys.readouterr().err


def test_check_of_data_refuses_what_does_not_fit_the_memory(
    spec: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("runtime.backend.available_bytes", lambda: 50_000, raising=False)
    monkeypatch.setattr("runtime.numpy_backend.available_bytes", lambda: 50_000, raising=False)
    assert check(str(spec)) == 1
    assert "error[NN852]" in capsys.readouterr().err


def test_check_of_data_with_folds_reads_the_first(spec: Path, capsys: pytest.CaptureFixture[str]):
    spec.write_text(SPEC.replace('test "b.tsv"', "folds 4"))
    assert check(str(spec), "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["specs"]
    assert found["data"][0]["rows"] == {"train": 3, "test": 1}


SURVEY = Survey(
    rows={"train": 1000},
    texts={"text": Lengths(0, 5, 9, 12, None, 0, 0)},
    vocabularies={"text": VocabularySurvey("words", ("text",), 3000, 9, tuple("abcde"), {"train": 0, "test": 0.0001})},
    labels={"label": {f"l{i}": {"train": 20 - i} for i in range(12)}},
    numbers={"point": tuple(Range(0, 0.5, i) for i in range(9))},
    pictures={"photo": Range(0, 0.1307, 1)},
    repeats={"train": Repeats(0, None)},
)


def test_many_labels_and_columns_are_shortened():
    said = "\n".join(lines(SURVEY, "1 MB", 200))
    assert "12 labels · l0: 20 · l1: 19 · l2: 18 · l3: 17 · … · the rarest is l11: 9" in said
    assert "… 9 columns · 1 column always the same" in said
    assert '9 seen once: "a", "b", "c", "d", "e", … · unknown: less than 0.1% of test' in said
    assert "photo   from 0 to 1, mean 0.13" in said


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_no_line_is_wider_than_the_screen(width: int):
    assert max(map(len, lines(SURVEY, "14 MB of 22 GB", width))) <= width
