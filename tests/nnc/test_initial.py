"""Where a run begins: the phase before, another run, files of vectors; which words and labels come along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Experiment
from dsl.errors import DataError, Diagnostic, RunError
from nnc.initial import begin, initial
from nnc.model import Model, Origin
from nnc.opening import open_model, save_model
from runtime.data import Tables, read
from runtime.data.tokens import Vocabulary
from runtime.weights import initial_weights

SPEC = "model m(text: words) -> label: class { embed 3 as emb ; mean ; dense 4 tanh as top ; dense softmax as head }\n"
DATA = 'data { train "rows.tsv" }\n'


def tables(words: str = "cat dog", labels: tuple[str, ...] = ("bad", "good")) -> Tables:
    return Tables({"text": Vocabulary(tuple(words.split()))}, {"label": labels}, {})


def trained(spec: str = SPEC, known: Tables | None = None, seed: int = 5) -> Model:
    """A model whose weights are as if it had been trained."""
    known = tables() if known is None else known
    experiment = pipeline.check(spec, "before.nn", sizes=known.sizes())
    weights = initial_weights(experiment.network.parameters, seed)
    return Model(experiment, known, weights, Origin(), {})


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Model], Model]:
    """Puts a model into runs/a of a new working directory."""
    monkeypatch.chdir(tmp_path)

    def save(model: Model) -> Model:
        Path("runs/a").mkdir(parents=True)
        save_model(Path("runs/a/model.safetensors"), model)
        return model

    return save


def started(
    spec: str, known: Tables, before: Model | None = None, phase: int = 0
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    beginning = begin(pipeline.check(spec, "m.nn", phase=phase), Path(), before)
    bound = pipeline.check(spec, "m.nn", phase=phase, sizes=known.sizes())
    return initial(bound, known, beginning, Path(), None)


def refused(spec: str, known: Tables | None = None, before: Model | None = None, phase: int = 0) -> Diagnostic:
    with pytest.raises(RunError) as caught:
        started(spec, tables() if known is None else known, before, phase)
    return caught.value.diagnostics[0]


def test_phase_begins_with_all_weights_of_the_one_before() -> None:
    spec = SPEC + "train a { epochs 1 }\ntrain b { epochs 1 }\n"
    before = trained(spec)
    weights, notes = started(spec, before.tables, before, 1)
    assert notes == ()
    assert set(weights) == set(before.weights)
    assert all((weights[name] == before.weights[name]).all() for name in weights)


def test_phase_of_another_model_begins_with_what_stands_under_the_same_labels() -> None:
    other = "model o(text: words) -> mood: class { embed 3 as emb ; mean ; dense softmax }\n"
    spec = SPEC + other + "train a { model m }\ntrain b { model o }\n"
    before = trained(spec)
    known = Tables(before.tables.vocabularies, {"mood": ("sad", "glad", "so")}, {})
    weights, _ = started(spec, known, before, 1)
    assert set(weights) == {"emb.weight"}


def test_phase_keeps_the_words_of_the_one_before() -> None:
    spec = SPEC + "train a { epochs 1 }\ntrain b { epochs 1 }\n"
    beginning = begin(pipeline.check(spec, "m.nn", phase=1), Path(), trained(spec))
    assert beginning.vocabularies == {"text": Vocabulary(("cat", "dog"))}


def test_rows_are_read_with_the_words_that_are_given(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("good\tdog bird\nbad\tcat cat\n")
    experiment = pipeline.check(SPEC + DATA, "m.nn")
    assert experiment.data is not None
    given = {"text": Vocabulary(("cat", "dog"))}
    dataset = read(experiment.network.ports, experiment.data, tmp_path, None, vocabularies=given)
    assert dataset.tables.vocabularies == given
    learnt = read(experiment.network.ports, experiment.data, tmp_path, None)
    assert learnt.tables.vocabularies["text"].tokens == ("cat", "bird", "dog")


def test_init_copies_every_label_that_both_have(saved: Callable[[Model], Model]) -> None:
    model = saved(trained())
    spec = SPEC.replace("as head", "").replace("model m", "model other") + 'train { init from="runs/a" }\n'
    weights, notes = started(spec, tables())
    assert set(weights) == {"emb.weight", "top.weight", "top.bias"}
    assert all((weights[name] == model.weights[name]).all() for name in weights)
    assert notes == ("init: 3 weights of emb, top from runs/a",)


def test_init_copies_only_the_labels_that_it_names(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    weights, notes = started(SPEC + 'train { init from="runs/a" only=top }\n', tables("other words here"))
    assert set(weights) == {"top.weight", "top.bias"}
    assert notes == ("init: 2 weights of top from runs/a",)


def test_init_brings_its_words_where_their_rows_are_copied(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    emb = pipeline.check(SPEC + 'train { init from="runs/a" only=emb }\n', "m.nn")
    top = pipeline.check(SPEC + 'train { init from="runs/a" only=top }\n', "m.nn")
    assert begin(emb, Path()).vocabularies == {"text": Vocabulary(("cat", "dog"))}
    assert begin(top, Path()).vocabularies == {}


def test_init_wins_over_the_phase_before(saved: Callable[[Model], Model]) -> None:
    run = saved(trained(known=tables("bird fish")))
    spec = SPEC + 'train a { epochs 1 }\ntrain b { init from="runs/a" only=emb }\n'
    before = trained(spec, seed=9)
    weights, _ = started(spec, tables("bird fish"), before, 1)
    assert (weights["emb.weight"] == run.weights["emb.weight"]).all()
    assert (weights["top.weight"] == before.weights["top.weight"]).all()


def test_label_of_a_block_is_copied_below_another_path(saved: Callable[[Model], Model]) -> None:
    block = "block two {{ dense 4 as {0} ; dense 4 as {1} }}\n"
    model = "model m(x: real[4]) -> y: real { two as part ; dense }\n"
    known = Tables({}, {}, {})
    run = saved(trained(block.format("a", "b") + model, known))
    weights, _ = started(block.format("a", "b") + model + 'train { init from="runs/a" only=b }\n', known)
    assert (weights["part.b.weight"] == run.weights["part.b.weight"]).all()
    assert set(weights) == {"part.b.weight", "part.b.bias"}


@pytest.mark.parametrize(
    ("change", "init", "code", "said"),
    [
        (("dense 4 tanh", "dense 5 tanh"), "", "NN872", "top.weight is [3, 4] in runs/a, and [3, 5] here"),
        (("embed 3", "embed 2"), " only=emb", "NN872", "emb.weight is [6, 3] in runs/a, and [V, 2] here"),
        (("dense 4 tanh as top", "dense 4 tanh as up"), " only=up", "NN871", "runs/a has no label up"),
        (("words", "chars"), " only=emb", "NN873", "emb.weight belongs to text, chars"),
        (("embed 3 as emb", "parallel as emb { embed 3 ; embed 3 }"), " only=emb", "NN872", "has no weight emb.embed"),
    ],
)
def test_init_that_does_not_fit_is_refused_at_its_line(
    saved: Callable[[Model], Model], change: tuple[str, str], init: str, code: str, said: str
) -> None:
    saved(trained())
    found = refused(SPEC.replace(*change) + f'train {{ init from="runs/a"{init} }}\n')
    assert found.code == code
    assert said in found.message
    assert found.span is not None
    assert (found.span.line, found.span.column) == (2, 9)


def test_init_without_a_common_label_is_refused(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    plain = SPEC.replace(" as emb", "").replace(" as top", "").replace(" as head", "")
    found = refused(plain + 'train { init from="runs/a" }\n')
    assert found.code == "NN871"
    assert "emb, top, head" in found.help


def test_copied_head_wants_the_labels_that_it_knows(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    found = refused(SPEC + 'train { init from="runs/a" }\n', tables(labels=("negative", "positive")))
    assert found.code == "NN874"


def test_labels_of_a_copied_head_are_told_where_the_head_comes_from(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    spec = SPEC + 'train first { epochs 1 }\ntrain second {\n  init from="runs/a" only=emb\n}\n'
    before = trained(SPEC + "train first { epochs 1 }\n")
    found = refused(spec, tables(labels=("negative", "positive")), before, phase=1)
    assert found.code == "NN874"
    assert found.span is not None
    assert found.span.line == 3
    assert "bad, good apart, and the training rows have negative, positive" in found.message


def test_run_that_is_not_there_is_told_at_the_line_of_init(saved: Callable[[Model], Model]) -> None:
    saved(trained())
    found = refused(SPEC + 'train { init from="runs/b" }\n')
    assert found.code == "NN862"
    assert found.span is not None
    assert found.span.line == 2


def test_model_of_several_phases_opens_as_that_of_the_last(tmp_path: Path) -> None:
    other = "model o(text: words) -> mood: class { embed 3 as emb ; mean ; dense softmax }\n"
    spec = SPEC + other + "train a { model m }\ntrain b { model o }\n"
    known = Tables(tables().vocabularies, {"mood": ("sad", "glad")}, {})
    experiment = pipeline.check(spec, "m.nn", phase=1, sizes=known.sizes())
    weights = initial_weights(experiment.network.parameters, 1)
    save_model(tmp_path / "m.safetensors", Model(experiment, known, weights, Origin(), {}))
    opened = open_model(tmp_path / "m.safetensors")
    assert (opened.experiment.phase, opened.experiment.network.name) == ("b", "o")


def vectors(
    tmp_path: Path, spec: str, known: Tables, content: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...], Experiment]:
    (tmp_path / "v.txt").write_text(content)
    bound = pipeline.check(spec, "m.nn", sizes=known.sizes())
    return *initial(bound, known, begin(pipeline.check(spec, "m.nn"), tmp_path), tmp_path, None), bound


def test_table_takes_the_vectors_of_its_words_and_others_start_as_they_do(tmp_path: Path) -> None:
    spec = SPEC.replace("embed 3", 'embed 3 vectors="v.txt"')
    weights, notes, bound = vectors(tmp_path, spec, tables("cat dog fish"), "dog 1 2 3\nbird 4 5 6\ncat 7 8 9\n")
    assert notes == ("vectors: 2 of 3 words found in v.txt",)
    start = initial_weights(bound.network.parameters, bound.train.seed)["emb.weight"]
    table = weights["emb.weight"]
    np.testing.assert_array_equal(table[4:6], [[7, 8, 9], [1, 2, 3]])
    np.testing.assert_array_equal(table[[0, 1, 2, 3, 6]], start[[0, 1, 2, 3, 6]])
    assert (table[0] == 0).all()


def test_two_channels_read_their_file_once_and_the_frozen_one_stays(tmp_path: Path) -> None:
    spec = (
        "model m(text: words) -> label: class {\n"
        '  parallel { embed 3 vectors="v.txt" frozen ; embed 3 vectors="v.txt" }\n'
        "  mean ; dense softmax\n}\n"
    )
    weights, notes, bound = vectors(tmp_path, spec, tables(), "dog 1 2 3\n")
    assert notes == ("vectors: 1 of 2 words found in v.txt",)
    assert (weights["embed.weight"][5] == weights["embed.2.weight"][5]).all()
    assert (weights["embed.weight"][4] != weights["embed.2.weight"][4]).all()
    assert {p.name: p.trained for p in bound.network.parameters}["embed.weight"] is False


def test_vectors_of_another_width_are_told_at_the_layer(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        vectors(tmp_path, SPEC.replace("embed 3", 'embed 3 vectors="v.txt"'), tables(), "dog 1 2\n")
    found = caught.value.diagnostics[0]
    assert found.code == "NN750"
    assert found.span is not None
    assert (found.span.file, found.span.line) == ("m.nn", 1)


def test_vectors_that_are_not_there_are_told_by_their_path(tmp_path: Path) -> None:
    spec = SPEC.replace("embed 3", 'embed 3 vectors="glove.txt"')
    with pytest.raises(DataError) as caught:
        vectors(tmp_path, spec, tables(), "dog 1 2 3\n")
    assert caught.value.diagnostics[0].code == "NN700"


@pytest.mark.parametrize(
    ("there", "data_root", "sets", "wanted"),
    [
        (("specs/v.txt", "v.txt"), None, (), 1),
        (("specs/v.txt", "v.txt"), None, ("train.init.from=v.txt",), 2),
        (("specs/v.txt", "data/v.txt"), "data", (), 2),
        (("specs/v.txt", "v.txt"), "data", (), 2),
    ],
)
def test_vectors_of_init_are_looked_for_where_the_spec_has_its_files_then_where_runs_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: tuple[str, str],
    data_root: str | None,
    sets: tuple[str, ...],
    wanted: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    for path, numbers in zip(there, ("1 1 1", "2 2 2"), strict=True):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(f"cat {numbers}\n")
    spec, root = SPEC + 'train { init from="v.txt" }\n', None if data_root is None else Path(data_root)
    beginning = begin(pipeline.check(spec, "m.nn", sets=sets), root or Path("specs"))
    bound = pipeline.check(spec, "m.nn", sizes=tables().sizes(), sets=sets)
    weights, _ = initial(bound, tables(), beginning, Path("specs"), root)
    assert weights["emb.weight"][4].tolist() == [wanted] * 3


def test_copied_table_is_not_read_from_its_vectors_again(tmp_path: Path) -> None:
    spec = SPEC.replace("embed 3", 'embed 3 vectors="gone.txt"') + "train a { epochs 1 }\ntrain b { epochs 1 }\n"
    before = trained(spec)
    weights, notes = started(spec, before.tables, before, 1)
    assert notes == ()
    assert (weights["emb.weight"] == before.weights["emb.weight"]).all()
