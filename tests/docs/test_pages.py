"""README and CONTRIBUTING say what is: their commands run, and print what is shown there; their specs check."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
from _pytest.mark import ParameterSet

from compiler.pipeline import check
from tests.docs.document import FENCE, ROOT, Block, Example, Ran, agrees, blocks, examples, prepare, run, start

GUIDES = (
    "data",
    "images",
    "training",
    "cells",
    "attention",
    "vectors",
    "pretraining",
    "writing",
    "series",
    "performance",
    "python",
    "course",
)
CHINESE = ("README.zh.md", "docs/course.zh.md")
"""Each behind the page that it translates: what both run is run once."""
PAGES = ("README.md", "CONTRIBUTING.md", *(f"docs/{name}.md" for name in GUIDES), *CHINESE)
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [(block, example) for block in BLOCKS for example in examples(block)]


def original(page: str) -> str:
    """The page that a page translates; itself where it is no translation."""
    return page.replace(".zh.md", ".md")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Block, str], Ran]:
    """What a command of a block did, or its own text as Python. The block's page, and those that translate it, are read
    from top to bottom in one folder when the first of their commands is asked for; each command runs once."""
    results: dict[tuple[str, str], Ran] = {}
    read: set[str] = set()

    def ran(asked: Block, text: str) -> Ran:
        page = original(asked.page)
        if page not in read:
            read.add(page)
            folder = tmp_path_factory.mktemp("page")
            prepare(folder)
            for block in (b for b in BLOCKS if original(b.page) == page):
                for command in (e.command for e in examples(block)):
                    if (page, command) not in results:
                        results[page, command] = run(command, folder)
                if block.kind == "python" and (page, block.text) not in results:
                    results[page, block.text] = start([sys.executable, "-c", block.text], folder)
        return results[page, text]

    return ran


def of_one_page(block: Block, *more: Example) -> ParameterSet:
    """A case that runs in the process that reads its page: each page is read once, however many processes there are."""
    name = " ".join((str(block), *(e.command for e in more)))
    return pytest.param(block, *more, marks=pytest.mark.xdist_group(original(block.page)), id=name)


@pytest.mark.parametrize(("block", "example"), [of_one_page(b, e) for b, e in COMMANDS])
def test_command_of_a_page_prints_what_is_shown(block: Block, example: Example, done: Callable[[Block, str], Ran]):
    ran = done(block, example.command)
    assert ran.code == 0, ran.printed
    if example.printed is not None:
        assert agrees(ran.printed, example.printed, block.varies), ran.printed


@pytest.mark.xdist_group("README.md")
def test_page_belongs_to_one_process(request: pytest.FixtureRequest):
    """Where there are several, and --dist loadgroup asks for it: otherwise each would read all pages."""
    if not request.config.getoption("loadgroup", False):
        pytest.skip("one process, or tests that are shared in another way")
    assert request.node.nodeid.endswith("@README.md")


def test_the_chinese_readme_has_what_the_english_one_has():
    """The same blocks, as many sections, links to the same pages, the same figures in each row of a table."""
    english, chinese = ((ROOT / page).read_text("utf-8") for page in ("README.md", "README.zh.md"))
    assert [(b.kind, b.text) for b in blocks("README.zh.md")] == [(b.kind, b.text) for b in blocks("README.md")]

    def found(pattern: str, text: str) -> list[str]:
        return sorted(part.replace(".zh.md", ".md") for part in re.findall(pattern, text, re.MULTILINE))

    assert len(found("^## ", chinese)) == len(found("^## ", english))
    links = [set(found(r"\]\(([^)]*)\)", text)) - {"README.md"} for text in (english, chinese)]
    assert links[0] == links[1]
    rows = [
        [found(r"\d[\d.,]*\d|\d", row) for row in re.findall(r"^\|.*", text, re.MULTILINE)]
        for text in (english, chinese)
    ]
    assert rows[0] == rows[1]


def test_pages_have_commands():
    """Were the extractor blind, the test above would pass on nothing."""
    assert {"nnc train", "nnc inspect specs/sentiment.nn"} <= {example.command for _, example in COMMANDS}


@pytest.mark.parametrize("block", [of_one_page(b) for b in BLOCKS if b.kind == "python"])
def test_python_of_a_page_runs(block: Block, done: Callable[[Block, str], Ran]):
    if "sklearn" in block.text:
        pytest.importorskip("sklearn")
    ran = done(block, block.text)
    assert ran.code == 0, ran.printed


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "nn"], ids=str)
def test_spec_of_a_page_checks(block: Block):
    check(block.text, str(block))


def test_spec_of_the_readme_is_the_one_that_ships():
    block = next(b for b in blocks("README.md") if b.kind == "nn")
    assert block.text == (ROOT / "specs" / "sentiment.nn").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", CHINESE)
def test_a_translation_runs_what_its_original_runs(page: str):
    """Commands and specs of its own would cost time of their own."""
    commands, wanted = ({e.command for b in blocks(p) for e in examples(b)} for p in (page, original(page)))
    specs, known = ({b.text for b in blocks(p) if b.kind in ("nn", "python")} for p in (page, original(page)))
    assert commands
    assert commands <= wanted
    assert specs <= known
    assert re.search("[\u4e00-\u9fff]", (ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str):
    # In a spec, `real[3](standard)` is no link.
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")))
    targets = [target.partition("#")[0] for target in re.findall(r"\[[^\]`]+\]\(([^)\s]+)\)", text)]
    here = (ROOT / page).parent
    assert [t for t in targets if not t.startswith("https://") and t and not (here / t).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page: str):
    """`compiler/ops/elementwise.py` in backquotes; NAME in a path stands for a name of the reader's."""
    text = (ROOT / page).read_text(encoding="utf-8")
    folders = "dsl|compiler|runtime|nnc|specs|tests|benchmarks|docs"
    named = re.findall(rf"`((?:{folders})/[\w./-]+)`", text)
    assert [name for name in named if "NAME" not in name and not (ROOT / name).exists()] == []


def test_ci_sets_up_as_the_readme_says():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    setup = next(b.text for b in blocks("README.md") if b.kind == "sh").splitlines()[0]
    for part in setup.split(" && ")[:2]:
        words = part.split()
        assert all(word in script for word in words), part
    assert script.rstrip().endswith("python -m pytest -n auto --dist loadgroup </dev/null")


def test_output_is_compared_but_for_what_is_left_out():
    shown = "loss 0.5\n...\nend\n"
    assert agrees("loss 0.5\na\nb\nend\n", shown, varies=False)
    assert not agrees("loss 0.6\na\nb\nend\n", shown, varies=False)
    assert agrees("loss 12.61  \nend\n", shown, varies=True)
    assert not agrees("loss 0.5\na\n", shown, varies=True)
