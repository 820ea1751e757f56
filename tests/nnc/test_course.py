"""`nnc explain WORD`: how a cell is written, and where the course is about a word."""

import re
from pathlib import Path

import pytest

from compiler import words
from nnc import cli
from nnc.course import PAGE, SECTIONS, sections_of
from nnc.failure import guarded

ROOT = Path(__file__).parents[2]


def test_sections_are_those_of_the_page():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    headings = dict(re.findall(r"^### (\d+)\. (.*)$", text, re.MULTILINE))
    assert {str(number): title for number, title, _ in SECTIONS}.items() <= headings.items()


def test_sections_have_the_same_numbers_in_both_languages():
    numbers = [
        re.findall(r"^### (\d+)\. ", (ROOT / p).read_text("utf-8"), re.MULTILINE) for p in (PAGE, "docs/course.zh.md")
    ]
    assert numbers[0] == numbers[1] == [str(i + 1) for i in range(len(numbers[0]))]


@pytest.mark.parametrize("word", sorted({word for _, _, several in SECTIONS for word in several}))
def test_every_word_of_a_section_is_one_of_the_language(word: str):
    assert word in words.words()


def test_a_cell_is_shown_as_it_is_written(capsys: pytest.CaptureFixture[str]):
    assert guarded(("explain", "gru"), cli.run) == 0
    out = capsys.readouterr().out
    assert "cell gru(x) state h {\n  z = sigmoid(linear(x, h))" in out
    assert out.endswith("in the course (docs/course.md): 21. GRU\n")


def test_a_word_that_the_course_does_without_has_no_line(capsys: pytest.CaptureFixture[str]):
    assert sections_of("cosine") == ()
    assert guarded(("explain", "cosine"), cli.run) == 0
    assert "course" not in capsys.readouterr().out
