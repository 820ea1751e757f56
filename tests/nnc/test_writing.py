"""A model that writes expects what it expects of a text that it reads, laid out as in training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.pipeline import check
from compiler.step import Step
from dsl.errors import RunError
from nnc.model import Model, Origin
from nnc.writing import Writer, unknown_tokens, writer
from runtime.backend import Array
from runtime.data import Tables, read
from runtime.data.streams import LINE_END
from runtime.evaluate import run_rows
from runtime.generate import Reader
from tests.nnc.language_models import LINES, language_model
from tests.runtime.strict_backend import strict_backend

BODIES = {
    "cell": "embed 5 ; lstm 4 layers=2 ; dense softmax",
    "window": "embed 5 ; conv k=3 filters=4 causal tanh ; dense softmax",
    "both": "embed 5 as emb ; residual { conv k=2 filters=5 causal ; layernorm } ; gru 5 ; dense softmax tied=emb",
    "bigrams": "concat((text | embed 3), (text | embed 4 n=2 before min=1)) ; srn 4 ; dense softmax",
    "letters": "spelling { embed 3 ; gru 3 ; last } ; lstm 4 ; dense softmax",
}
TRANSFORMERS = {
    "causal attention": "embed 6 ; positions sinusoid ; attention heads=2 causal ; dense softmax",
    "layers": "embed 6 as emb ; repeat 2 { causal_layer heads=3 ff=8 p=0.1 } ; layernorm ; dense softmax tied=emb",
    "attention over a cell": "embed 6 ; gru 6 ; attention causal ; dense softmax",
}
STATEFUL = {name: body.replace("lstm 4", "lstm 4 stateful").replace("srn 4", "srn 4 stateful")
            for name, body in BODIES.items() if "lstm" in body or "srn" in body}  # fmt: skip


def read_whole(model: Model, folder: Path) -> Array:
    """[positions, V] of the training text, as training lays it out."""
    data = model.experiment.data
    assert data is not None
    rows = read(model.ports, data, folder, None).train
    return run_rows(model.executor(model.experiment.network.prediction), rows, 4, model.tables)["next.scores"]


def expected(written: Writer, tokens: list[str], reader: Reader | None = None) -> list[Array]:
    """Before each token."""
    reader, found = reader or written.reader, []
    for token in tokens:
        found.append(reader.expected().copy())
        reader.add([token])
    return found


def anew(written: Writer) -> Reader:
    return Reader(written.layout, written.reader.output, written.reader.whole, None)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_line_by_line_model_expects_what_it_reads(body: str, tmp_path: Path):
    expects_what_it_reads(language_model(tmp_path, body), tmp_path)


@pytest.mark.parametrize("body", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_transformer_expects_what_it_reads(body: str, tmp_path: Path):
    model = language_model(tmp_path, body)
    written = writer(model)
    assert "each token is read once" in written.how
    found = expected(written, written.layout.tokens(LINES))
    np.testing.assert_allclose(found, read_whole(model, tmp_path), rtol=0, atol=2e-6)


def expects_what_it_reads(model: Model, tmp_path: Path):
    written = writer(model)
    assert isinstance(written.step, Step)
    tokens = written.layout.tokens(LINES)
    whole = read_whole(model, tmp_path)
    np.testing.assert_allclose(expected(written, tokens), whole, rtol=0, atol=2e-6)
    np.testing.assert_allclose(expected(written, tokens, anew(written)), whole, rtol=0, atol=2e-6)


@pytest.mark.parametrize("body", STATEFUL.values(), ids=STATEFUL)
@pytest.mark.parametrize("sort", ["words(lower)", "chars"])
def test_model_of_a_stream_expects_what_it_reads(body: str, sort: str, tmp_path: Path):
    expects_what_it_reads(language_model(tmp_path, body, sort), tmp_path)


LEARNED = TRANSFORMERS["layers"].replace("as emb ;", "as emb ; positions learned ;")


@pytest.mark.parametrize("body", [BODIES["cell"], BODIES["both"], BODIES["bigrams"], LEARNED])
def test_model_of_windows_expects_what_the_last_positions_say(body: str, tmp_path: Path):
    most = 4
    model = language_model(tmp_path, body, f"words(max={most})")
    written = writer(model)
    tokens = written.layout.tokens(LINES)
    found = expected(written, tokens)
    np.testing.assert_allclose(found[:most], read_whole(model, tmp_path)[:most], rtol=0, atol=2e-6)
    long = replace(written.layout.text, stream=True)
    ports = tuple(long if p.name == long.name else p for p in written.layout.ports)
    seen = [LINE_END, *tokens]
    for at in range(most, len(tokens)):
        # A model that reads all that there is, given the last positions alone.
        layout = replace(written.layout, text=long, ports=ports)
        reader = Reader(layout, written.reader.output, written.reader.whole, None)
        reader.text = seen[at + 1 - most : at + 1]
        if "n=2" not in body:
            np.testing.assert_allclose(found[at], reader.expected(), rtol=0, atol=2e-6)
    assert len(written.reader.text) <= 2 * most


def test_how_it_is_computed_is_said(tmp_path: Path):
    once = "each token is read once; carried from one to the next: h [4]"
    assert writer(language_model(tmp_path, BODIES["bigrams"])).how == once
    windows = writer(language_model(tmp_path, BODIES["bigrams"], "words(max=7)"))
    assert windows.how == f"{once}; past 7 tokens the last 7 are read anew"


def test_what_is_written_is_the_same_with_and_without_a_step(tmp_path: Path):
    model = language_model(tmp_path, BODIES["both"], more="predict { sample max=60 }")
    written = writer(model)
    first = list(written.pieces("the cat"))
    assert len(first) == 60
    assert list(replace(written, reader=anew(written)).pieces("the cat")) == first
    assert list(writer(model).pieces("the cat")) == first
    assert list(writer(replace(model, optimized=False)).pieces("the cat")) == first
    assert list(writer(model, seed=9).pieces("the cat")) != first


def test_device_writes_what_the_host_writes(tmp_path: Path):
    model = language_model(tmp_path, BODIES["both"], more="predict { sample max=30 }")
    there = replace(model, backend=strict_backend())
    assert list(writer(there).pieces("the cat")) == list(writer(model).pieces("the cat"))


def test_no_text_has_what_only_the_program_knows(tmp_path: Path):
    model = language_model(tmp_path, BODIES["cell"], more="predict { sample temperature=5 max=500 }")
    written = writer(model)
    known = {*model.tables.vocabularies["text"].tokens}
    assert {piece.strip() for piece in written.pieces("")} - {""} <= known


def said_after(written: Writer, prompt: str) -> list[float]:
    written.reader.restart()
    written.reader.add(written.layout.tokens(prompt))
    return written.reader.expected().tolist()


def test_prompt_decides_what_follows(tmp_path: Path):
    written = writer(language_model(tmp_path, "embed 5 ; lstm 4 ; dense softmax", "chars"))
    found = {prompt: said_after(written, prompt) for prompt in ("", "a", "the", "x\nthe", "\n", "x\r\nthe")}
    assert found["x\nthe"] == found["the"] == found["x\r\nthe"]
    assert found["\n"] == found[""]
    assert found[""] != found["a"] != found["the"] != found[""]


def test_stream_goes_on_across_a_line_of_the_prompt(tmp_path: Path):
    written = writer(language_model(tmp_path, "embed 5 ; lstm 4 stateful ; dense softmax", "chars"))
    assert said_after(written, "cat\nthe") != said_after(written, "dog\nthe")


def test_settings_of_a_call_go_before_those_of_the_spec(tmp_path: Path):
    model = language_model(tmp_path, BODIES["window"], more="predict { sample temperature=0.5 top=3 max=9 }")
    assert writer(model).settings == replace(writer(model).settings, temperature=0.5, top=3, max=9)
    changed = writer(model, max=2, temperature=0, top=1)
    assert (changed.settings.max, changed.settings.temperature, changed.settings.top) == (2, 0, 1)
    greedy = language_model(tmp_path, BODIES["window"])
    assert writer(greedy).settings.temperature == 0
    assert writer(greedy, top=5).settings.temperature == 1


def test_tokens_that_are_unknown_are_told_once(tmp_path: Path):
    written = writer(language_model(tmp_path, BODIES["window"]))
    assert written.unknown("the zebra sat\non the zebra , yonder") == ("zebra", "yonder")
    assert written.unknown("the cat\n\nsat") == ()
    assert unknown_tokens(("zebra",)).message == "a token of the prompt is not in the vocabulary: zebra"
    many = unknown_tokens(tuple("abcdefg")).message
    assert many == "7 tokens of the prompt are not in the vocabulary: a, b, c, d, e, ..."


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("model m(text: words) -> y: class { embed 2 ; mean ; dense softmax }", "m writes no text: it tells y"),
        (
            "model m(text: words) -> y: previous(text) { embed 2 ; srn 2 reverse ; dense softmax }",
            "m writes no text: it tells y",
        ),
        (
            "model m(kind: category, text: words) -> y: next(text) "
            "{ k = kind | embed 2 ; x = text | embed 2 ; srn(x, h=k) 2 ; dense softmax }",
            "m cannot go on by itself: what comes next hangs on kind too",
        ),
        (
            "model m(text: words(reverse)) -> y: next(text) { embed 2 ; srn 2 ; dense softmax }",
            "m reads text from its end: what comes next for it stands before",
        ),
    ],
)
def test_model_that_cannot_write_says_why(spec: str, message: str):

    model = Model(check(spec, "m.nn"), Tables({}, {}, {}), {}, Origin(), {})
    with pytest.raises(RunError) as caught:
        writer(model)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("NN875", message)
    assert found.help
