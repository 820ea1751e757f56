"""`nnc explain WORD`: how a cell is written, and where the documentation is about a word."""

import re
from pathlib import Path

import pytest

from compiler import words
from nnc import cli
from nnc.course import COURSE, SECTIONS, sections_of
from nnc.failure import guarded

ROOT = Path(__file__).parents[2]


def below(page: str, heading: str) -> str:
    """A section's heading and text."""
    found = re.search(rf"^##+ {re.escape(heading)}$.*?(?=^##|\Z)", (ROOT / page).read_text("utf-8"), re.M | re.DOTALL)
    assert found is not None
    return found[0]


def test_sections_have_the_same_numbers_in_both_languages():
    numbers = [
        re.findall(r"^### (\d+)\. ", (ROOT / p).read_text("utf-8"), re.MULTILINE) for p in (COURSE, "docs/course.zh.md")
    ]
    assert numbers[0] == numbers[1] == [str(i + 1) for i in range(len(numbers[0]))]


@pytest.mark.parametrize(("page", "heading", "several"), SECTIONS)
def test_every_word_of_a_section_is_one_of_the_language_or_stands_there(page: str, heading: str, several: str):
    text = below(page, heading).lower()
    assert [word for word in several.split() if word not in words.words() and word not in text] == []


@pytest.mark.parametrize("word", ["gru", "GRU"])
def test_a_cell_is_shown_as_it_is_written(word: str, capsys: pytest.CaptureFixture[str]):
    assert guarded(("explain", word), cli.run) == 0
    out = capsys.readouterr().out
    assert "cell gru(x) state h {\n  z = sigmoid(linear(x, h))" in out
    assert out.endswith("see docs/course.md: 21. GRU\n")


@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("factorization", "docs/course.md: 12. Embeddings"),
        ("BERT", "docs/course.md: 32. BERT"),
        ("autoencoder", "docs/training.md: Several outputs"),
        ("copy", "docs/training.md: Several outputs"),
        ("contrastive", "docs/training.md: Two inputs"),
    ],
)
def test_a_word_of_the_field_is_looked_up_too(word: str, page: str, capsys: pytest.CaptureFixture[str]):
    assert guarded(("explain", word), cli.run) == 0
    assert f"see {page}" in capsys.readouterr().out


def test_an_unknown_word_is_told_of_one_of_the_field_that_is_near(capsys: pytest.CaptureFixture[str]):
    assert guarded(("explain", "factorisation"), cli.run) == 1
    assert "did you mean `factorization`?" in capsys.readouterr().err


def test_a_word_that_no_page_is_about_has_no_line(capsys: pytest.CaptureFixture[str]):
    assert sections_of("missing") == ()
    assert guarded(("explain", "missing"), cli.run) == 0
    assert "docs/" not in capsys.readouterr().out
