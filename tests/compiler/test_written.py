"""Which models write, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.experiment import Network
from compiler.ir.verify import verify
from compiler.pipeline import check, optimize
from compiler.step import NoStep, Step, step_of
from compiler.written import followed, in_words, page, step, written
from dsl.errors import SpecError
from nnc.spec_files import use_reader

TREE = Path(__file__).parents[2]
SPECS = [*sorted((TREE / "tests" / "dsl" / "gallery").glob("*.nn")), *sorted((TREE / "specs").glob("*.nn"))]


def networks() -> list[tuple[str, Network]]:
    """Of the specs that check and write."""
    found: list[tuple[str, Network]] = []
    for path in SPECS:
        try:
            network = check(path.read_bytes(), path.name, read_use=use_reader(path)).network
        except SpecError:
            continue
        if followed(network) is not None:
            found.append((f"{path.parent.name}/{path.name}", network))
    return found


TRANSFORMERS = ("gallery/gpt.nn", "specs/transformer_lm.nn")
"""They read the text anew for each token."""


@pytest.mark.parametrize("network", [pytest.param(n, id=name) for name, n in networks() if name not in TRANSFORMERS])
def test_language_model_that_we_have_reads_each_token_once(network: Network):
    found = step(network)
    assert isinstance(found, Step)
    verify(found.graph)
    verify(found.start)
    verify(optimize(found.graph))


def test_there_are_language_models_among_the_specs():
    assert {"gallery/elmo.nn", "gallery/nnlm.nn", "specs/lm.nn", "specs/char_lm.nn", "specs/reviews.nn"} <= dict(
        networks()
    ).keys()


def lines(body: str, output: str) -> Network:
    return check(f"model m(text: words) -> {output} {{\n{body}\n}}\n", "m.nn").network


def test_first_text_that_follows_is_written():
    both = "e = embed 3\nback = e | srn 3 reverse | dense softmax\nahead = e | srn 3 | dense softmax"
    network = lines(both, "back: previous(text), ahead: next(text)")
    output, text = written(network)
    assert (output.name, text.name) == ("ahead", "text")
    assert "h [3]" in in_words(step(network))


def test_page_tells_what_is_carried():
    assert page(lines("embed 3\ndense softmax", "y: next(text)")).startswith(
        "# each token is read once; carried from one to the next: nothing\ngraph\n"
    )
    network = lines("embed 3\nconv k=3 filters=2 causal\nsrn 5\ndense softmax", "y: next(text)")
    assert page(network).startswith("# each token is read once; carried from one to the next: past [2, 3], h [5]\n")


def test_what_cannot_be_carried_is_told_with_its_line():
    network = lines("embed 3\nlstm 3 bidir\ndense softmax", "y: class per text")
    found = step_of(network.prediction, "y.scores", "T")
    wanted = (
        "each token reads the text anew: line 3, lstm 3 bidir, looks at more than can be carried from token to token"
    )
    assert in_words(found) == wanted
    assert in_words(NoStep(None)).startswith("each token reads the text anew: it looks at more")
