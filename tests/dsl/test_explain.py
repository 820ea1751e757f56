"""The pages of the error codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.errors import SpecError
from dsl.explain import codes, page
from dsl.parse import parse

ROOT = Path(__file__).parents[2]
TEXT_CODES = [code for code in codes() if code.startswith("NN1")]
BLOCK = re.compile(r"^```(\w+)(?: (wrong|right))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(code: str) -> dict[str, str]:
    text = page(code)
    assert text is not None
    return {kind: body for language, kind, body in BLOCK.findall(text) if language == "nn"}


def test_every_code_in_the_sources_has_a_page() -> None:
    assert sorted(used(("dsl", "compiler", "runtime", "nnc")) - set(codes())) == []


def test_only_running_has_numbers_from_eight_and_only_our_own_errors_from_nine() -> None:
    """A spec is refused with NN1 to NN7, whoever checks it."""
    of_specs = used(("dsl", "compiler")) - {"NN870", "NN875"}  # what a command asks of a graph, of a model
    assert [code for code in sorted(of_specs) if code >= "NN8"] == []
    assert [code for code in codes() if code >= "NN9"] == ["NN901"]


def used(folders: tuple[str, ...]) -> set[str]:
    return {
        code
        for folder in folders
        for source in (ROOT / folder).rglob("*.py")
        for code in re.findall(r'"(NN[1-9][0-9]{2})"', source.read_text(encoding="utf-8"))
    }


def test_every_text_code_with_a_page_is_used() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dsl").glob("*.py"))
    assert [code for code in TEXT_CODES if f'"{code}"' not in sources] == []


@pytest.mark.parametrize("code", codes())
def test_page_starts_with_its_code_and_a_title(code: str) -> None:
    text = page(code)
    assert text is not None
    assert re.match(rf"# {code}: \S", text)


@pytest.mark.parametrize("code", TEXT_CODES)
def test_wrong_example_gives_exactly_its_code(code: str) -> None:
    wrong = examples(code).get("wrong")
    if wrong is None:
        assert code in ("NN101", "NN102", "NN114"), "only what cannot be printed lacks an example"
        return
    with pytest.raises(SpecError) as caught:
        parse(wrong, "wrong.nn")
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {code}


@pytest.mark.parametrize("code", codes())
def test_right_example_parses(code: str) -> None:
    right = examples(code).get("right")
    if right is not None:
        parse(right, "right.nn")


def test_page_of_a_code_in_small_letters_is_found() -> None:
    assert page("nn107") == page("NN107")


@pytest.mark.parametrize("code", ["NN999", "NN1", "../errors", "", "NN107.md"])
def test_page_of_an_unknown_code_is_none(code: str) -> None:
    assert page(code) is None
