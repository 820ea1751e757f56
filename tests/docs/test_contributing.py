"""What CONTRIBUTING says about adding an op, a layer and a pass is done in a copy of the tree, and works there."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.document import ROOT, Block, blocks, start

CHANGES = [block for block in blocks("CONTRIBUTING.md") if block.kind == "diff"]
CHECKS = [
    line
    for block in blocks("CONTRIBUTING.md")
    if block.kind == "sh"
    for line in block.text.splitlines()
    if line.startswith("python -m pytest tests/")
]


def make(change: Block, tree: Path) -> None:
    """Do what a diff block says: its first line is the file, `@@` stands between places, each found once."""
    first, _, text = change.text.partition("\n")
    path = tree / first.removeprefix("# ")
    for hunk in text.split("\n@@\n"):
        lines = hunk.strip("\n").split("\n")
        before = "\n".join(line[1:] for line in lines if line[:1] in (" ", "-"))
        after = "\n".join(line[1:] for line in lines if line[:1] in (" ", "+"))
        if not before:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after + "\n", encoding="utf-8")
            continue
        old = path.read_text(encoding="utf-8")
        assert old.count(before) == 1, f"{change}: {first} has not exactly one\n{before}"
        path.write_text(old.replace(before, after), encoding="utf-8")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    for name in ("dsl", "compiler", "runtime", "nnc", "specs", "tests", "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    for change in CHANGES:
        make(change, tree)
    return tree


@pytest.mark.slow
@pytest.mark.parametrize("command", CHECKS)
def test_tests_of_an_addition_pass(changed: Path, command: str):
    ran = start([sys.executable, *shlex.split(command)[1:]], changed, tree=changed)
    assert ran.code == 0, ran.printed
    assert " passed" in ran.printed


@pytest.mark.slow
def test_additions_are_checked_as_the_rest(changed: Path):
    spec = "model m(x: real[3]) -> y: class {\n  dense 4\n  leaky slope=-1\n  dense softmax\n}\n"
    (changed / "leaky.nn").write_text(spec, encoding="utf-8")
    ran = start([sys.executable, "-m", "nnc", "check", "leaky.nn"], changed, tree=changed)
    assert ran.code == 1
    assert "leaky.nn:3:9" in ran.printed
    assert "slope must be at least 0" in ran.printed


def test_page_has_an_op_a_layer_and_a_pass():
    assert len(CHECKS) == 3
    assert {block.text.splitlines()[0].split("/")[1] for block in CHANGES} >= {"ops", "layers", "passes", "kernels"}
