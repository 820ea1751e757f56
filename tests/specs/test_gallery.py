"""Every spec of the gallery checks, or is refused for just what is not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.experiment import Experiment
from compiler.ir.verify import verify
from compiler.pipeline import check, optimize, training_step
from dsl.errors import Diagnostic, SpecError
from nnc.spec_files import use_reader

GALLERY = Path(__file__).parents[1] / "dsl" / "gallery"
TABLE = Path(__file__).with_name("gallery.txt").read_text("utf-8").splitlines()[1:]
EXPECTED = {line.partition(": ")[0]: line.partition(": ")[2] for line in TABLE}
GOOD = [name for name, wanted in EXPECTED.items() if wanted == "ok"]


def spec_of(name: str) -> Experiment:
    path = GALLERY / f"{name}.nn"
    return check(path.read_bytes(), path.name, read_use=use_reader(path))


def said(diagnostic: Diagnostic, file: str) -> str:
    """`3 lstm`: where, and which word is missing."""
    assert diagnostic.code == "NN350", diagnostic
    assert diagnostic.span is not None
    word = diagnostic.message.removeprefix("the sort ").removeprefix("several ")
    for end in (" is not there yet", " are not there yet", " is a cell"):
        word = word.split(end)[0]
    elsewhere = "" if diagnostic.span.file == file else f"{diagnostic.span.file}:"
    return f"{elsewhere}{diagnostic.span.line} {word}"


def test_table_has_every_spec():
    assert sorted(EXPECTED) == sorted(path.stem for path in GALLERY.glob("*.nn"))


@pytest.mark.parametrize("name", EXPECTED)
def test_gallery_spec_checks_or_says_what_is_missing(name: str):
    try:
        spec_of(name)
        found = "ok"
    except SpecError as error:
        found = " · ".join(said(d, f"{name}.nn") for d in error.diagnostics)
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", [n for n, wanted in EXPECTED.items() if wanted != "ok"])
def test_what_is_missing_is_told_once_and_with_a_way_on(name: str):
    with pytest.raises(SpecError) as caught:
        spec_of(name)
    messages = [d.message for d in caught.value.diagnostics]
    assert len(messages) == len(set(messages))
    assert all("nnc explain NN350" in d.help for d in caught.value.diagnostics if "several" not in d.message)


@pytest.mark.parametrize("name", GOOD)
def test_good_gallery_spec_has_a_valid_training_step(name: str):
    step = training_step(spec_of(name)).graph
    verify(step)
    verify(optimize(step))
