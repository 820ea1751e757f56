"""A path that leaves the spec's folder is refused before any file is looked for."""

from __future__ import annotations

import pytest

from tests.compiler.lower.specs import errors

SPEC = 'model m(text: words) -> label: class {\n  bag\n  dense softmax\n}\ndata { train "%s" }\n'


@pytest.mark.parametrize(
    "path", ["../x.tsv", "a/../../x.tsv", "/etc/passwd", "~/x.tsv", "http://a/b.tsv", "C:/x.tsv", ""]
)
def test_path_that_leaves_its_folder_is_refused_by_its_text(path: str) -> None:
    assert errors(SPEC % path) == [("NN701", 5, 14)]


@pytest.mark.parametrize("path", ["x.tsv", "a/b.tsv", "a/../x.tsv", "..x.tsv"])
def test_path_that_stays_in_its_folder_is_checked_without_its_file(path: str) -> None:
    assert errors(SPEC % path) == []
