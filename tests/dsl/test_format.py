"""The canonical layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.errors import SpecError
from dsl.format import format_spec
from dsl.lexical import Source, scan
from dsl.parse import parse
from tests.dsl.fresh import seeds
from tests.dsl.generate import generated

GALLERY = sorted((Path(__file__).parent / "gallery").glob("*.nn"))


def comments(text: str) -> list[str]:
    tokens, _ = scan(Source("s", text.replace("\r\n", "\n") + "\n"))
    return [token.text.rstrip() for token in tokens if token.kind == "comment"]


def check(text: str) -> None:
    laid_out = format_spec(text, "spec.nn")
    assert parse(laid_out, "spec.nn") == parse(text, "spec.nn")
    assert format_spec(laid_out, "spec.nn") == laid_out
    assert comments(laid_out) == comments(text)
    assert all(line == line.rstrip() for line in laid_out.split("\n"))
    assert "\n\n\n" not in laid_out


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_spec_means_the_same_laid_out(path: Path) -> None:
    check(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_spec_has_braces_on_one_line_only_where_they_fit(path: Path) -> None:
    for line in format_spec(path.read_text(encoding="utf-8"), "spec.nn").split("\n"):
        words = line.split("  #")[0]
        assert len(words) <= 100 or ("{ " not in words and " ; " not in words) or words.startswith("#")


def test_generated_specs_mean_the_same_laid_out() -> None:
    for seed in seeds(25):
        try:
            check(generated(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}:\n{generated(seed)}") from error


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        ("", ""),
        ("\n\n# c  \n\n\n", "# c\n"),
        ("let  a=1+2 *3", "let a = 1 + 2 * 3\n"),
        ("let a=-1\nlet b = 2--1", "let a = -1\nlet b = 2 - -1\n"),
        ('use"a.nn"#c', 'use "a.nn"  # c\n'.replace("# c", "#c")),
        ("train{adam lr = 1e-3;batch 32 ;}", "train { adam lr=1e-3 ; batch 32 }\n"),
        ("train{}", "train { }\n"),
        ("train{\n}", "train {\n}\n"),
        ("train{\n\n\nadam\n\n\n\nbatch 3;\n\n}\n\n\n\nlet a=1", "train {\n  adam\n\n  batch 3\n}\n\nlet a = 1\n"),
        ("train { adam\nbatch 3 }", "train {\n  adam\n  batch 3\n}\n"),
        ("train { # c\n adam # d\n # e\n}", "train {  # c\n  adam  # d\n  # e\n}\n"),
        ("block f(x,y)k=2 , 3{g( x ,y=z )\n}", "block f(x, y) k=2,3 {\n  g(x, y=z)\n}\n"),
        ("cell f(x,y each)n=1,2 state h[n],c{h'=x}", "cell f(x, y each) n=1,2 state h[n], c { h' = x }\n"),
        (
            "model m(a:real [13] (standard),b:words)->c:class   per b,d:next [2](a){f k=2*w,w + 1 p}",
            "model m(a: real[13](standard), b: words) -> c: class per b, d: next[2](a) { f k=2*w,w+1 p }\n",
        ),
        ("block f{\nx=(a|f)*(b)\nparam[ 28 ,28 ]\nparam[n , 2]}", None),
        ("model m(\na: b,\n\n c: d\n)\n->e: f{\ng\n}", "model m(\n  a: b,\n  c: d\n)\n  -> e: f {\n  g\n}\n"),
        ("block f{\nx\n|g\n# c\n|h {\ni\n}\n}", "block f {\n  x\n    | g\n    # c\n    | h {\n      i\n    }\n}\n"),
        ("block f{\nx = a +\nb\n}", "block f {\n  x = a +\n    b\n}\n"),
        ("sweep{train . adam.lr log=1,2}", "sweep { train.adam.lr log=1,2 }\n"),
        ("nn   1\nlet a = 1", "nn 1\nlet a = 1\n"),
        ("block f {\na ; b ; # c\nd }", "block f {\n  a ; b  # c\n  d\n}\n"),
    ],
)
def test_layout(text: str, laid_out: str | None) -> None:
    if laid_out is None:
        laid_out = "block f {\n  x = (a | f) * (b)\n  param[28,28]\n  param[n, 2]\n}\n"
    assert format_spec(text, "s") == laid_out
    check(text)


def test_one_line_stays_one_at_100_columns_and_breaks_at_101() -> None:
    for width, lines in ((100, 1), (101, 5)):
        text = "train { adam lr=1e-3 ; batch 32 ; data " + "x" * (width - 41) + " }"
        assert len(text) == width
        assert format_spec(text, "s").count("\n") == lines


def test_wide_characters_count_two_columns() -> None:
    text = "train { adam ; data " + "模" * 40 + " }"
    assert format_spec(text, "s").count("\n") == 4


def test_outer_braces_break_before_inner_ones() -> None:
    inner = "repeat 6 { " + " ; ".join(["dense 100"] * 6) + " }"
    laid_out = format_spec(f"block f {{ {inner} ; mean }}", "s")
    assert laid_out == f"block f {{\n  {inner}\n  mean\n}}\n"


def test_long_comment_breaks_nothing() -> None:
    text = "train { adam }  # " + "x" * 200 + "\n"
    assert format_spec(text, "s") == text


def test_spec_that_does_not_parse_is_not_laid_out() -> None:
    with pytest.raises(SpecError):
        format_spec("train { adam", "s")
