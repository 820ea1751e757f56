"""The pages of the codes that checking a spec gives: their examples do what they say."""

from __future__ import annotations

import re

import pytest

from compiler.pipeline import check
from compiler.words import missing_page
from dsl.errors import Diagnostic, SpecError
from dsl.explain import codes, page

CHECKED = [code for code in codes() if "NN2" < code < "NN65"]
BLOCK = re.compile(r"^```nn (wrong|right)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SET_CODES = ("NN309", "NN608")
"""About `--set`, which no spec can show."""


def examples(code: str) -> dict[str, str]:
    return dict(BLOCK.findall(page(code) or ""))


def said(spec: str) -> tuple[Diagnostic, ...]:
    """The errors of a spec, or else its warnings."""
    try:
        return check(spec, "m.nn").warnings
    except SpecError as error:
        return error.diagnostics


@pytest.mark.parametrize("code", [c for c in CHECKED if c not in SET_CODES])
def test_wrong_example_gives_its_code_and_no_other(code: str):
    assert {d.code for d in said(examples(code)["wrong"])} == {code}


@pytest.mark.parametrize("code", [c for c in CHECKED if c not in SET_CODES])
def test_right_example_checks_without_a_warning(code: str):
    assert not said(examples(code)["right"])


@pytest.mark.parametrize(("code", "change"), [("NN309", "width=200"), ("NN608", "train.batch")])
def test_wrong_override_gives_its_code(code: str, change: str):
    with pytest.raises(SpecError) as caught:
        check(examples("NN204")["right"], "spec.nn", sets=(change,))
    assert caught.value.diagnostics[0].code == code
    assert f"--set {change}" in (page(code) or "")


def test_page_of_what_is_missing_lists_what_is_there():
    text = page("NN350") or ""
    assert [line for line in missing_page().splitlines() if f"- {line}\n" not in text] == []
