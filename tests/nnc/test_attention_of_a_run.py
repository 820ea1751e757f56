"""What a model looked at: the numbers of its attention, on a terminal and as a page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import nnc
from dsl.errors import RunError
from dsl.render import columns
from nnc import cli
from nnc.attention import Look, looker
from nnc.attention_page import lines
from nnc.failure import guarded
from nnc.opening import save_model
from tests.nnc.language_models import language_model
from tests.nnc.translators import DECODERS, MAX, PAIRS, spec, translator

LOOKS = {
    "attention in the cell": (1, 1),
    "attention after the cell": (1, 1),
    "additive, after the cell": (1, 1),
    "transformer": (6, 3),
    "norms before, learned positions": (3, 2),
}
"""Layers that look, and heads of the last one."""


@pytest.mark.parametrize("name", LOOKS)
def test_each_written_token_looks_at_the_source(name: str, tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS[name], MAX.get(name, ""), more="predict { greedy max=6 }"))
    found = looker(model)
    rows = model.rows([("a b c",), ("c",)])
    looks, texts = found.of_rows(rows)
    layers, heads = LOOKS[name]
    assert (len(found.layers), found.default) == (layers, layers)
    for look, source, text in zip(looks, (("a", "b", "c"), ("c",)), texts["target"], strict=True):
        last = look[found.default]
        assert last.columns == source
        assert last.rows == (*text.split(), "(cut)" if len(text.split()) == 6 else "(end)")
        assert last.weights.shape == (heads, len(last.rows), len(source))
        np.testing.assert_allclose(last.weights.sum(axis=2), 1, atol=1e-5)
    assert texts["target"] == [str(answer) for answer in model.predict(["a b c", "c"])]


def test_a_text_that_max_cuts_has_no_end(tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS["attention in the cell"], "", more="predict { greedy max=1 }"))
    found = looker(model)
    looks, texts = found.of_rows(model.rows([("a b c",)]))
    (text,) = texts["target"]
    assert looks[0][found.default].rows == (text, "(cut)")
    assert text


ALONE = {
    "after the cell": "made = h | dense softmax",
    "beside what is read": "a = attend(h, memory) general ; made = a | dense softmax",
}
POINTING = """
  memory = embed 4 as emb | gru 3 bidir
  decode {{
    h = embed 4 tied=emb | gru 6
    attend(h, memory) as look
    copied = look.weights | pointer(source)
    {made}
    0.5 * copied + 0.5 * made
  }}"""
"""Layers whose weights are read, and not what they look at."""


@pytest.mark.parametrize("name", ALONE)
def test_weights_that_alone_are_read_are_looks_as_well(name: str, tmp_path: Path):
    model = translator(
        tmp_path, spec(POINTING.format(made=ALONE[name]), "vocabulary=source", more="predict { greedy max=6 }")
    )
    found = looker(model)
    (looks,), _ = found.of_rows(model.rows([("a b c",)]))
    assert len(found.layers) == list(ALONE).index(name) + 1
    for look in looks.values():
        assert look.columns[-3:] == ("a", "b", "c")
        np.testing.assert_allclose(look.weights.sum(axis=2), 1, atol=1e-5)


def test_text_that_looks_at_itself_sees_what_was_written_before(tmp_path: Path):
    model = translator(tmp_path, spec(DECODERS["transformer"], more="predict { greedy max=6 }"))
    (looks,), _ = looker(model).of_rows(model.rows([("a b",)]))
    own = next(look for look in looks.values() if look.columns[0] == "(begin)")
    assert own.rows == own.columns
    np.testing.assert_array_equal(np.triu(own.mean(), 1), 0)


def test_weights_are_those_of_the_formula(tmp_path: Path):
    body = "memory = embed 4 ; decode { h = embed 4 ; a = attend(h, memory) dot ; concat(h, a) | dense softmax }"
    model = translator(tmp_path, spec(body, more="predict { greedy max=3 }"))
    (looks,), _ = looker(model).of_rows(model.rows([("a b c",)]))
    source, target = (model.weights[n] for n in model.weights if model.weights[n].shape[-1] == 4)
    if len(source) != len(model.tables.vocabularies["source"]):
        source, target = target, source
    ids = [model.tables.vocabularies["source"].index[t] for t in "abc"]
    scores = target[2] @ source[ids].T
    wanted = np.exp(scores - scores.max())
    np.testing.assert_allclose(looks[1].weights[0, 0], wanted / wanted.sum(), rtol=1e-5)


def test_classifier_shows_what_its_label_hangs_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.tsv").write_text("x\tgood film\ny\tbad film\n")
    for body in (
        "h = embed 4 ; s = dense 1 ; weighted(h, s) | dense softmax",
        "embed 4 ; attention ; mean ; dense softmax",
    ):
        text = f'model m(text: words) -> label: class {{\n{body}\n}}\ndata {{ train "a.tsv" }}\ntrain {{ steps 1 }}\n'
        (tmp_path / "m.nn").write_text(text)
        nnc.train(tmp_path / "m.nn", out=tmp_path / "run", overwrite=True)
        capsys.readouterr()
        assert guarded(["predict", str(tmp_path / "run"), "--attention", "good film", "--json"], cli.run) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["label"] in ("x", "y")
        assert shown["attention"]["columns"] == ["good", "film"]
        for row in shown["attention"]["weights"]:
            assert sum(row) == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    pairs = PAIRS.replace("c", "<猫>").replace("x", "我们")
    model = translator(folder, spec(DECODERS["transformer"], more="predict { greedy max=5 }"), pairs=pairs)
    save_model(folder / "model.safetensors", model)
    return folder / "model.safetensors"


def test_map_has_its_columns_below_the_tokens(run: Path, capsys: pytest.CaptureFixture[str]):
    assert guarded(["predict", str(run), "--attention", "a <猫> b"], cli.run) == 0
    answer, heading, _legend, tokens, *rows = capsys.readouterr().out.splitlines()
    assert heading.startswith("layer 6 of 6, line 16 of library/transformer.nn: attention(memory)")
    assert tokens.split() == ["a", "<猫>", "b"]
    assert [row.split()[0] for row in rows if row] == [
        *answer.split(),
        "(cut)" if len(answer.split()) == 5 else "(end)",
    ]
    ends = columns(tokens[: tokens.index("<猫>")])
    assert all(columns(row[: re.search(r"[░▒▓█]", row).start()]) <= ends for row in rows if row)  # type: ignore[union-attr]


def test_map_without_room_names_the_tokens_that_count():
    weights = np.array([[[0.5, 0.3, 0.15, 0.05 - 1e-9], [0.0, 0.0, 1.0, 0.0]]])
    look = Look(1, ("one", "两个"), ("first", "second", "third", "fourth"), weights)
    assert lines(look, None, 24) == ["one   first 50%  second 30%  third 15%", "两个  third 100%"]
    assert lines(look, None, 30) == [
        "     first second third fourth",
        "one  ▓▓▓▓▓ ▒▒▒▒▒▒ ░░░░░",
        "两个              █████",
    ]


def test_page_shows_every_layer_and_runs_nothing(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    page = tmp_path / "map.html"
    assert guarded(["predict", str(run), "a <猫> b", "--attention", str(page)], cli.run) == 0
    assert capsys.readouterr().out.count("\n") == 1
    text = page.read_text("utf-8")
    assert "&lt;猫&gt;" in text
    assert "<猫>" not in text
    assert "<script" not in text
    assert "http" not in text
    # The other five layers, and the three heads of the last.
    assert text.count("<details>") == 8
    assert text.count("<table>") == 9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--attention", "--layer", "7"], "line 16 of library/transformer.nn"),
        (["--attention", "--head", "4"], "layer 6 has 3 heads"),
        (["--layer", "1"], "for --attention"),
    ],
)
def test_layer_and_head_that_are_not_there_are_refused(
    options: list[str], said: str, run: Path, capsys: pytest.CaptureFixture[str]
):
    assert guarded(["predict", str(run), "a", *options], cli.run) == 2
    printed = capsys.readouterr().err
    assert said in re.sub(r"[\s│]+", " ", printed)
    assert "\\n" not in printed  # an escaped line end


def test_model_that_looks_at_no_token_is_refused(tmp_path: Path):
    with pytest.raises(RunError) as caught:
        looker(translator(tmp_path, spec(DECODERS["last state"])))
    assert caught.value.diagnostics[0].code == "NN882"
    save_model(tmp_path / "lm.safetensors", language_model(tmp_path, "embed 4 ; attention causal ; dense softmax"))
    assert guarded(["predict", str(tmp_path / "lm.safetensors"), "--attention", "the cat"], cli.run) == 1
