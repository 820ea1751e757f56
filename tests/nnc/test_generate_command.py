"""`nnc generate`, and what `nnc predict` and `nnc inspect` do with a model that writes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import nnc
from nnc.cli import run as nnc_run
from nnc.failure import guarded
from nnc.writing import writer
from tests.nnc.language_models import language_model

CELL = "embed 5 ; lstm 4 stateful ; dense softmax"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with a model of words."""
    model = language_model(tmp_path, CELL, "words(punctuation)", "predict { sample max=12 }")
    model.save(tmp_path / "model.safetensors")
    return tmp_path


def said(*arguments: object) -> int:
    return guarded([str(a) for a in arguments], nnc_run)


def test_generate_writes_the_prompt_and_goes_on(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run, "--prompt", "the cat", "--max", 5) == 0
    out, err = capsys.readouterr()
    assert out.startswith("the cat")
    assert out.endswith("\n")
    assert len(out) > len("the cat\n")
    assert err == ""
    assert said("generate", run, "--prompt", "the cat", "--max", 5) == 0
    assert capsys.readouterr().out == out


def test_generate_needs_no_prompt(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run) == 0
    first = capsys.readouterr().out
    assert first.endswith("\n")
    assert said("generate", run, "--seed", 2) == 0
    assert capsys.readouterr().out != first


def test_generate_as_data_is_one_object(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run, "--json", "--prompt", "a zebra", "--seed", 4, "--temperature", 0.5, "--top", 7) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == ""
    assert found.pop("text").startswith("a zebra")
    assert found == {
        "prompt": "a zebra", "tokens": 12, "seed": 4, "temperature": 0.5, "top": 7, "unknown": ["zebra"],
    }  # fmt: skip


def test_generate_says_once_what_it_does_not_know(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run, "--prompt", "the zebra saw the zebra", "--max", 2) == 0
    out, err = capsys.readouterr()
    assert out.startswith("the zebra saw the zebra")
    assert "NN876" in err
    assert "2 tokens of the prompt are not in the vocabulary: zebra, saw" in err


def test_generate_tells_how_it_is_computed(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run, "--verbose", "--max", 1) == 0
    assert capsys.readouterr().err == "each token is read once; carried from one to the next: h [4], c [4]\n"


def test_generate_of_a_model_that_writes_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spec = "model m(text: words) -> mood: class {\n  embed 2\n  mean\n  dense softmax\n}\ntrain { epochs 1 }\n"
    rows = [("good", "fine"), ("bad", "poor"), ("good", "so fine"), ("bad", "so poor")]
    nnc.train(spec, rows).model.save(tmp_path / "m.safetensors")
    assert said("generate", tmp_path / "m.safetensors") == 1
    err = capsys.readouterr().err
    assert "NN875" in err
    assert "m writes no text: it tells mood" in err
    assert "nnc predict asks it" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max", "0"], "--max"),
        (["--temperature", "-1"], "--temperature"),
        (["--temperature", "nan"], "--temperature is a number, not nan"),
        (["--temperature", "inf"], "--temperature is a number, not inf"),
        (["--top", "-2"], "--top"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_generate_refuses_what_is_no_setting(
    arguments: list[str], message: str, run: Path, capsys: pytest.CaptureFixture[str]
):
    assert said("generate", run, *arguments) == 2
    assert message in capsys.readouterr().err


def test_generate_refuses_a_prompt_that_is_no_text(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("generate", run, "--prompt", os.fsdecode(b"caf\xe9")) == 1
    err = capsys.readouterr().err
    assert "NN703" in err
    assert "--prompt:1:4" in err


def test_reader_that_goes_away_ends_it_quietly(run: Path):
    command = [sys.executable, "-m", "nnc", "generate", str(run), "--max", "10000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(40)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_interrupt_ends_the_line_and_says_nothing(run: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    from runtime import generate

    def interrupted(reader: object, settings: object, seed: object):
        yield "cat"
        raise KeyboardInterrupt

    monkeypatch.setattr("nnc.writing.continued", interrupted)
    assert generate.continued is not interrupted
    assert said("generate", run, "--prompt", "the") == 130
    out, err = capsys.readouterr()
    assert out == "the cat\n"
    assert err.strip() == ""


def test_terminal_gets_no_control_characters_of_a_text(tmp_path: Path, monkeypatch):
    model = language_model(tmp_path, CELL, "chars", "predict { sample max=300 }", "a\x1b[31m\tb\n" * 3)
    model.save(tmp_path / "model.safetensors")
    for is_terminal in (True, False):
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda answer=is_terminal: answer)
        monkeypatch.setattr("sys.stdout", out)
        assert said("generate", tmp_path) == 0
        assert ("\x1b" in out.getvalue()) is not is_terminal
        assert "\t" in out.getvalue()
        assert ("\\u001b" in out.getvalue() or "\\x1b" in out.getvalue()) is is_terminal


def test_predict_goes_on_to_the_end_of_the_line(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("predict", run, "the cat", "a dog") == 0
    out = capsys.readouterr().out
    first, second = out.splitlines()
    assert first.startswith("the cat")
    assert second.startswith("a dog")
    assert said("predict", run, "--json", "the cat") == 0
    assert json.loads(capsys.readouterr().out) == {"next": first}
    model = nnc.load(run)
    assert model.predict(["the cat", "a dog"]) == [first, second]
    assert model.predict("the cat") == [first]
    assert model.predict({"text": ["the cat"]}) == model.predict([{"text": "the cat"}]) == [first]


def test_predict_reads_lines_of_a_file_and_of_standard_input(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch
):
    assert said("predict", run, "the cat", "", "a dog") == 0
    wanted = capsys.readouterr().out
    (run / "lines.txt").write_bytes(b"the cat\r\n\na dog\n")
    assert said("predict", run, "--file", run / "lines.txt") == 0
    assert capsys.readouterr().out == wanted
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(b"the cat\r\n\na dog"))))
    assert said("predict", run) == 0
    assert capsys.readouterr().out == wanted


def test_generate_from_python(run: Path):
    model = nnc.load(run)
    text = model.generate("the cat", max=6, temperature=0.9, top=5, seed=3)
    assert text.startswith("the cat")
    assert model.generate("the cat", max=6, temperature=0.9, top=5, seed=3) == text
    assert model.generate(max=1) == model.generate("", max=1)
    with pytest.raises(ValueError, match="max is from 1 to 10,000,000, not 0"):
        model.generate(max=0)
    with pytest.raises(ValueError, match="temperature is at least 0, not nan"):
        model.generate(temperature=float("nan"))
    with pytest.raises(ValueError, match="top is at least 0, not -1"):
        model.generate(top=-1)


def test_inspect_shows_the_step(run: Path, capsys: pytest.CaptureFixture[str]):
    assert said("inspect", run, "--stage", "step") == 0
    first, graph, *rest = capsys.readouterr().out.splitlines()
    assert first == "# each token is read once; carried from one to the next: h [4], c [4]"
    assert graph == "graph"
    assert any(line.strip().startswith("return h'=h:=") for line in rest)


def test_inspect_of_a_model_that_writes_nothing_has_no_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "m.nn").write_text("model m(text: words) -> mood: class {\n  embed 2\n  mean\n  dense softmax\n}\n")
    assert said("inspect", tmp_path / "m.nn", "--stage", "step") == 1
    assert "NN875" in capsys.readouterr().err


def test_predict_of_a_model_with_labels_too_tells_these():
    spec = (
        "model m(text: words) -> mood: class, next: next(text) {\n  x = embed 3\n"
        "  mood = x | mean | dense softmax\n  next = x | srn 3 | dense softmax\n}\ntrain { epochs 1 }\n"
    )
    rows = [("good", "fine"), ("bad", "poor"), ("good", "so fine"), ("bad", "so poor")]
    model = nnc.train(spec, rows).model
    assert model.predict(["so fine"])[0] in ("good", "bad")
    assert list(writer(model, max=3).pieces("so"))
