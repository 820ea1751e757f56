"""The blocks and cells that come with the language."""

from __future__ import annotations

import re

import pytest

from compiler import library
from dsl import ast
from dsl.format import format_spec
from dsl.parse import parse


def test_every_file_of_the_library_parses():
    assert [file for file, text in library.texts() if not parse(text, file).declarations] == []


def test_names_found_without_parsing_are_those_declared():
    declared = [d.name.id for file, text in library.texts() for d in parse(text, file).declarations
                if isinstance(d, (ast.Block, ast.Cell))]  # fmt: skip
    assert list(library.names()) == declared


@pytest.mark.parametrize("name", library.names())
def test_block_of_the_library_is_found(name: str):
    found = library.find(name)
    assert found is not None
    assert found.block.name.id == name


def test_library_has_the_cells_of_the_course():
    cells = {"srn", "gru", "gru_after", "lstm", "lstm_1997", "lstm_peephole", "lstm_coupled"}
    assert cells <= set(library.names())


def test_library_holds_no_names_twice():
    assert len(set(library.names())) == len(library.names())
    assert not re.search(r"^(model|data|train)\b", "".join(text for _, text in library.texts()), re.MULTILINE)


def test_every_file_of_the_library_is_formatted():
    assert [file for file, text in library.texts() if format_spec(text, file) != text] == []
