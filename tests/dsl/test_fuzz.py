"""Whatever comes in: only SpecError comes out, with places inside the file, in time linear in its size."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dsl.errors import Diagnostic, SpecError
from dsl.parse import parse
from dsl.render import render
from tests.dsl.broken import CASES
from tests.dsl.fresh import SEED, seeds
from tests.dsl.generate import generated

GALLERY = [path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "gallery").glob("*.nn"))]
WORDS = "model block cell let use data train as per state each a h' 3 0.5 10% .5 1e999 's' 模 e\u0301 nn 1"
PIECES = (
    *WORDS.split(" "),
    *"()[]{}|;,:=.+-*/@#$\\，（\u00a0",
    *('"s"', '"s', "->", "==", "//", "\n", "\n", "\n", " ", "\r\n", "\t", "# c\n"),
)


def survives(data: str | bytes) -> None:
    found: tuple[Diagnostic, ...] = ()
    try:
        parse(data, "fuzz.nn")
    except SpecError as error:
        found = error.diagnostics
    if found:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        lines = text.replace("\r\n", "\n").split("\n")
        for diagnostic in found:
            span = diagnostic.span
            assert span is not None
            for where in (span, *(note.span for note in diagnostic.notes)):
                assert 1 <= where.line <= where.end_line <= len(lines)
                assert 1 <= where.column <= len(where.text) + 1
                assert where.text == lines[where.line - 1] or isinstance(data, bytes)
        assert render(found, width=40)


def noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randrange(200))


def letters(rng: random.Random) -> str:
    return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), 10))) for _ in range(rng.randrange(150)))


def pieces(rng: random.Random) -> str:
    return rng.choice(("", " ")).join(rng.choices(PIECES, k=rng.randrange(60)))


def mutated(rng: random.Random) -> str:
    """A right or wrong spec with characters or lines deleted, doubled, exchanged or put in."""
    wrong = [case[3] for case in CASES if isinstance(case[3], str) and len(case[3]) < 1000]
    text = rng.choice((rng.choice(GALLERY), rng.choice(wrong), generated(rng.randrange(10**9))))
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        a, b = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        b = min(b, a + rng.choice((1, 1, 3, 10, 100)))
        put = rng.choice(
            ("", "", rng.choice(PIECES), text[a:b] * 2, text[a:b][::-1], generated(rng.randrange(10**9))[:30])
        )
        text = text[:a] + put + text[b:]
    return text


@pytest.mark.parametrize("make", [noise, letters, pieces, mutated], ids=lambda make: make.__name__)
def test_parser_survives(make: Callable[[random.Random], str | bytes]) -> None:
    for seed in seeds(1500):
        data = make(random.Random(seed))
        try:
            survives(data)
        except Exception as error:
            raise AssertionError(f"NNC_SEED={seed} ({make.__name__}): {data!r}") from error


def test_generated_spec_parses() -> None:
    for seed in seeds(40):
        try:
            parse(generated(seed), "generated.nn")
        except SpecError as error:
            raise AssertionError(f"NNC_SEED={seed}\n{render(error.diagnostics)}") from error


@pytest.mark.parametrize(
    "piece",
    [
        "x\n",
        "x |",
        "(",
        ")",
        "{",
        "}",
        "-",
        ".5 ",
        '"',
        '"\\',
        "'",
        "，",
        "a，",
        "é",
        "#\n",
        "\n",
        " ",
        "1",
        "a.",
        "= ",
        "/*",
        "\\u",
        "let a 3\n",
        "model m(a: b) c: d {}\n",
        "f(",
        "[",
        ";",
        "a ; ",
        "--",
        "\t\n",
        "a'",
        "e\u0301",
        "==",
        "1e",
        "\u00a0",
    ],
)
def test_parsing_takes_linear_time(piece: str) -> None:
    """A megabyte of anything is refused or read in a second or so: were it quadratic, it would take hours."""
    text = (piece * (1_000_000 // len(piece)))[:1_000_000]
    began = time.process_time()
    for start in ("", "block b {\n", "let a = ", 'use "'):
        survives((start + text)[: 1_000_000 if start == "" else 100_000])
    assert time.process_time() - began < 10


def test_seed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f" seed {SEED} ", end="")
