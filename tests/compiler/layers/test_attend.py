from __future__ import annotations

import pytest

from compiler.pipeline import check
from dsl.errors import SpecError


def model(body: str) -> str:
    return f"model m(a: words, b: words) -> y: real[2] {{\n{body}\nmean\ndense\n}}\n"


def weights(body: str) -> dict[str, str]:
    found = check(model(body), "m.nn").network.parameters
    return {p.name: str(p.type) for p in found if p.name.startswith("attend")}


def test_attend_has_the_weights_of_its_kind():
    body = "m = a | embed 6\nb | embed 4\nattend(m)"
    additive = {"query": "f32[4, 4]", "memory": "f32[6, 4]", "score": "f32[4, 1]"}
    assert weights(body) == {f"attend.weight_{name}": shape for name, shape in additive.items()}
    assert weights(f"{body} general") == {"attend.weight_query": "f32[4, 6]"}
    assert weights("m = a | embed 4\nb | embed 4\nattend(m) dot") == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("attend(q, m) dot", ("NN201", 4, 1)),
        ("attend(q, m) dot init=zeros", ("NN405", 4, 1)),
        ("attend(q, m, values=q)", ("NN212", 4, 1)),
        ("attend(q, m, values=(m | mean))", ("NN204", 4, 1)),
        ("attend(q, (m | mean))", ("NN204", 4, 1)),
        ("attend(q, m, q)", ("NN409", 4, 1)),
        ("attend(q, m) additiv", ("NN402", 4, 14)),
    ],
)
def test_attend_refuses_what_it_cannot_look_at(line: str, found: tuple[str, int, int]):
    with pytest.raises(SpecError) as error:
        check(model(f"m = a | embed 6\nq = b | embed 4\n{line}"), "m.nn")
    first = error.value.diagnostics[0]
    assert first.span is not None
    assert (first.code, first.span.line, first.span.column) == found


def test_attend_is_refused_where_a_text_is_predicted_from_itself():
    body = "e = embed 4\ne | attend(e)\ndense softmax"
    with pytest.raises(SpecError) as error:
        check(f"model m(text: words) -> next: next(text) {{\n{body}\n}}\n", "m.nn")
    assert [d.code for d in error.value.diagnostics] == ["NN519"]


def test_memory_may_be_as_wide_as_a_vocabulary_that_only_data_tell():
    spec = """cell c(x, memory) state h { h' = tanh(linear(x, (attend(h, memory) additive))) }
model m(x: chars) -> y: class per x { memory = onehot ; c(memory) 5 ; dense softmax }
"""
    assert check(spec, "m.nn").network.parameters
