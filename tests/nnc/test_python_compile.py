"""`nnc.compile`, and what a notebook shows of a network: pages that are well formed and hold nothing that runs."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from time import process_time
from xml.etree import ElementTree

import pytest

import nnc
from compiler.ir.graph import Graph
from compiler.ir.html import graph_page

SPEC = """model m(text: words) -> label: class {
  embed 8
  conv k=2,3 filters=4 relu
  maxpool
  dense softmax
}
"""
VOID = {"br"}


class Wellformed(HTMLParser):
    """Every tag is closed, in order; tags and attributes are collected."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_compile_takes_the_text_itself():
    assert nnc.compile(SPEC).experiment.network.name == "m"


def test_compile_takes_a_path(tmp_path: Path):
    (tmp_path / "m.nn").write_text(SPEC, encoding="utf-8")
    assert nnc.compile(tmp_path / "m.nn").layers == nnc.compile(str(tmp_path / "m.nn")).layers == str(nnc.compile(SPEC))


def test_compile_says_what_is_wrong_with_the_line():
    with pytest.raises(nnc.SpecError) as caught:
        nnc.compile(SPEC.replace("maxpool", "maxpol"))
    assert "error[NN301]: " in str(caught.value)
    assert " 4 |   maxpol\n" in str(caught.value)
    assert caught.value._render_traceback_() == str(caught.value).splitlines()


def test_compile_says_that_there_is_no_such_file():
    with pytest.raises(nnc.RunError, match="NN860"):
        nnc.compile("nothing_here.nn")


def test_compile_takes_overrides_as_a_mapping():
    compiled = nnc.compile(SPEC, set={"train.epochs": 3, "train.batch": 5})
    assert (compiled.experiment.train.epochs, compiled.experiment.train.batch) == (3, 5)


@pytest.mark.parametrize("stage", ["training", "evaluation", "prediction", "gradients", "optimized"])
def test_graph_of_each_stage_is_a_graph(stage):
    assert isinstance(nnc.compile(SPEC).graph(stage), Graph)


def test_graph_of_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="there is no stage 'optimised'"):
        nnc.compile(SPEC).graph("optimised")  # pyright: ignore[reportArgumentType]


def test_program_is_python_that_names_the_lines():
    source = nnc.compile(SPEC).program({"V": 50, "classes": 2, "T": 6, "B": 4})
    compile(source, "program", "exec")
    assert "embed 8" in source


def test_program_without_sizes_asks_for_them():
    with pytest.raises(nnc.SpecError, match="NN869"):
        nnc.compile(SPEC).program()


def test_program_takes_sizes_off_the_data(tmp_path: Path):
    (tmp_path / "rows.tsv").write_text("good\tit is fine\nbad\tit is not\n", encoding="utf-8")
    (tmp_path / "m.nn").write_text(SPEC + 'data { train "rows.tsv" }\n', encoding="utf-8")
    assert "embed 8" in nnc.compile(tmp_path / "m.nn").program()


@pytest.mark.parametrize("sizes", [{"VV": 3}, {"V": 0}, {"V": True}, {"T": "4"}])
def test_size_that_is_none_is_refused(sizes):
    with pytest.raises(nnc.SpecError, match="NN890"):
        nnc.compile(SPEC, sizes=sizes)


def test_page_of_a_network_is_well_formed_and_still():
    page = Wellformed(nnc.compile(SPEC)._repr_html_())
    assert {"svg", "table", "details"} <= page.seen
    assert page.seen.isdisjoint({"script", "link", "img", "iframe", "foreignobject"})
    assert page.attributes.isdisjoint({"src", "href", "onload", "onclick", "onerror"})
    assert "conv k=2,3 filters=4 relu" in page.texts


def test_drawing_is_xml():
    text = nnc.compile(SPEC)._repr_html_()
    svg = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    assert len(svg.findall("{http://www.w3.org/2000/svg}rect")) == 5


def test_page_shows_a_file_name_as_text(tmp_path: Path):
    path = tmp_path / "<i>x<script>\u202e.nn"
    path.write_text(SPEC + '# <script>alert("1")</script>\n', encoding="utf-8")
    compiled = nnc.compile(path)
    for text in (compiled._repr_html_(), compiled.graph()._repr_html_()):
        assert Wellformed(text).seen.isdisjoint({"script", "i"})
        assert "\u202e" not in text


def test_page_of_a_graph_folds_by_line():
    page = Wellformed(nnc.compile(SPEC).graph("optimized")._repr_html_())
    assert any("spec.nn:3" in text and "conv k=2,3" in text for text in page.texts)


def test_page_of_a_deep_graph_is_small_and_quick():
    deep = nnc.compile("model m(x: real[4]) -> y: class { repeat 200 { dense 4 tanh } ; dense softmax }")
    graph = deep.graph("gradients")
    assert len(graph.nodes()) > 2000
    start = process_time()
    page = graph_page(graph)
    assert process_time() - start < 1
    assert len(page.encode()) < 1_000_000
    whole = deep._repr_html_()
    assert len(whole) < 1_000_000
    Wellformed(whole)
