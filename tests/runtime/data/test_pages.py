"""The pages of the errors of data give the error that they describe."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from dsl.errors import DataError
from tests.runtime.data.build import LABEL, TEXT, VALUE, port

TSV = {"name": "a.tsv", "ports": (TEXT, LABEL)}
CSV = {"name": "a.csv", "ports": (TEXT, LABEL)}
HEADED = {**CSV, "header": True}
JSONL = {**TSV, "name": "a.jsonl"}
NUMBERS = {"name": "a.csv", "ports": (port("x", VALUE.sort), VALUE)}
PAGES = {
    "NN707": HEADED,
    "NN708": CSV,
    "NN709": CSV,
    "NN710": CSV,
    "NN711": TSV,
    "NN712": HEADED,
    "NN713": HEADED,
    "NN715": NUMBERS,
    "NN716": NUMBERS,
    "NN717": TSV,
    "NN718": TSV,
    "NN723": TSV,
    "NN725": {**CSV, "ports": (LABEL, TEXT)},
    **dict.fromkeys(("NN730", "NN731", "NN732", "NN733", "NN734"), JSONL),
}


def block(code: str, kind: str) -> bytes:
    page = files("dsl").joinpath("explain", f"{code}.md").read_text("utf-8")
    found = re.search(rf"```text {kind}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1].encode()


def codes(read_bytes, content: bytes, how) -> set[str]:
    try:
        return {d.code for d in read_bytes(content, **how).warnings}
    except DataError as error:
        return {d.code for d in error.diagnostics}


@pytest.mark.parametrize("code", PAGES)
def test_the_wrong_file_of_a_page_gives_its_error_and_the_right_one_does_not(read_bytes, code):
    assert codes(read_bytes, block(code, "wrong"), PAGES[code]) == {code}
    # The shortest right files have one row, and so one label.
    assert codes(read_bytes, block(code, "right"), PAGES[code]) <= {"NN717"}
