"""Blocks: layers with a name, their operands and settings; files that use files."""

from __future__ import annotations

import pytest

from dsl.errors import SpecError
from tests.compiler.lower.specs import Place, checked, diagnostics, errors, model, shapes

END = "\nmean\ndense softmax"
FF = "block ff(x) width p=0.1 {\ndense width relu\ndropout p\ndense dim(x)\n}\n"


@pytest.mark.parametrize(
    "use", ["ff 7", "ff width=7", "ff 7 p=0.5", "ff p=0.5 width=7", "ff n", "ff width=n", "ff(e) 7"]
)
def test_block_is_used_as_it_is_declared(use: str):
    assert shapes("let n = 7\n" + FF + model(f"e = embed 4\n{use}{END}"))[1:4] == ["[T, 7]", "[T, 7]", "[T, 4]"]


@pytest.mark.parametrize(
    ("use", "place"),
    [
        ("ff", ("NN405", 8, 1)),
        ("ff 7 0.5", ("NN407", 8, 6)),
        ("ff 7 q=0.5", ("NN401", 8, 6)),
        ("ff 7 width=8", ("NN406", 8, 6)),
        ("ff 7 relu", ("NN402", 8, 6)),
        ("ff(e, e) 7", ("NN409", 8, 1)),
        ("ff(y=e) 7", ("NN409", 8, 4)),
        ("ff 7 { dense 3 }", ("NN408", 8, 6)),
        ("ff p=2 width=7", ("NN404", 3, 9)),
        ("ff 7.5", ("NN403", 2, 7)),
    ],
)
def test_use_that_does_not_fit_the_declaration_is_refused(use: str, place: Place):
    assert errors(FF + model(f"e = embed 4\n{use}{END}")) == [place]


def test_error_inside_a_block_names_its_use():
    (found,) = diagnostics(FF + model(f"embed 4\nff 7 p=2{END}"))
    assert [(n.span.line, n.text) for n in found.notes] == [(8, "in this use of ff")]


def test_default_may_speak_of_operands_and_earlier_settings():
    block = "block f(x) width=4*dim(x) half=width/2 {\ndense width\ndense half\n}\n"
    assert shapes(block + model(f"embed 3\nf{END}"))[1:3] == ["[T, 12]", "[T, 6]"]


def test_block_without_operands_takes_one():
    assert shapes("block b { dense 5 }\n" + model(f"x = embed 4\nx | b{END}"))[1] == "[T, 5]"
    assert errors("block b { dense 5 }\n" + model(f"x = embed 4\nb(x, x){END}")) == [("NN409", 4, 1)]


def test_block_of_two_operands_takes_the_current_value_first():
    block = "block both(x, memory) { concat(x, memory) }\n"
    body = "a = embed 4 | mean\nb = a | dense 3\na\nboth(b)\ndense softmax"
    assert shapes(block + model(body))[-2] == "[7]"
    assert errors(block + model("a = embed 4 | mean\nboth\ndense softmax")) == [("NN409", 4, 1)]


def test_blocks_use_each_other_in_any_order():
    blocks = "block a { b ; b }\nblock b { dense 4 }\n"
    assert shapes(blocks + model(f"embed 3\na{END}"))[1:3] == ["[T, 4]", "[T, 4]"]


def test_block_may_not_use_itself():
    assert errors("block a { a }\n" + model(f"embed 3\na{END}")) == [("NN507", 1, 11)]
    assert errors("block a { b }\nblock b { a }\n" + model(f"embed 3\na{END}")) == [("NN507", 2, 11)]
    assert errors(model(f"embed 3\nshared s {{ s }}\ns{END}")) == [("NN507", 3, 12)]


def test_block_does_not_see_the_names_of_its_user():
    assert errors("block b { concat(e) }\n" + model(f"e = embed 3\nb{END}")) == [("NN301", 1, 18)]
    block = "block b(x) { dense n }\n"
    assert errors(block + model(f"embed 3\nrepeat n=3,4 {{ b }}{END}")) == [("NN402", 1, 20)]


def test_setting_with_several_defaults_is_refused():
    assert errors("block b n=1,2 { dense n }\n" + model(f"embed 3\nb{END}"))[0] == ("NN403", 1, 9)


def test_own_cell_is_a_layer():
    cell = "cell c(x) state h { h' = tanh(linear(x, h)) }\n"
    assert shapes(cell + model(f"embed 3\nc 5{END}"))[:2] == ["[T, 3]", "[T, 5]"]


def test_library_block_is_there():
    assert shapes(model(f"embed 4\nfeed_forward 8{END}"))[1:4] == ["[T, 8]", "[T, 8]", "[T, 4]"]


def test_error_inside_a_library_block_stands_at_its_use():
    (found,) = diagnostics(model(f"embed 4\nencoder_layer{END}"))
    assert (found.code, found.span and (found.span.file, found.span.line)) == ("NN570", ("spec.nn", 3))
    assert found.notes[0].span.file == "library/transformer.nn"


# Files that are used


def test_used_file_brings_blocks_and_constants_but_no_model():
    other = "let n = 5\nblock b { dense n }\n" + model("embed 3") + "train { epochs 3 }"
    spec = 'use "other.nn"\n' + model(f"embed n\nb{END}")
    found = checked(spec, {"other.nn": other})
    assert found.train.epochs == 10
    assert found.uses == (("other.nn", other),)


def test_block_sees_its_own_files_names():
    other = "let n = 5\nblock inner { dense n }\nblock b { inner }\n"
    assert shapes('use "other.nn"\n' + model(f"embed 3\nb{END}"), {"other.nn": other})[1] == "[T, 5]"


def test_user_may_name_what_a_used_block_calls_its_settings():
    spec = 'use "other.nn"\nlet width = 9\n' + model(f"embed 3\nff width=width p=0.2{END}")
    assert shapes(spec, {"other.nn": FF})[1] == "[T, 9]"


def test_path_is_relative_to_the_file_that_uses():
    files = {"lib/a.nn": 'use "b.nn"\nblock a { b }', "lib/b.nn": "block b { dense 5 }"}
    spec = 'use "lib/a.nn"\n' + model(f"embed 3\na{END}")
    assert shapes(spec, files)[1] == "[T, 5]"
    assert [path for path, _ in checked(spec, files).uses] == ["lib/a.nn", "lib/b.nn"]


def test_file_may_be_used_twice():
    files = {"a.nn": 'use "c.nn"', "b.nn": 'use "./c.nn"', "c.nn": "let n = 3"}
    assert errors('use "a.nn"\nuse "b.nn"\nuse "c.nn"\n' + model(f"embed n{END}"), files) == []


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, [("NN607", 1, 5)]),
        ({"a.nn": 'use "a.nn"'}, [("NN607", 1, 5)]),
        ({"a.nn": 'use "b.nn"', "b.nn": 'use "a.nn"'}, [("NN607", 1, 5)]),
        ({"a.nn": 'use "spec.nn"'}, [("NN607", 1, 5)]),
        ({"a.nn": "let text = 3"}, [("NN302", 2, 9)]),
        ({"a.nn": "let n = m"}, [("NN301", 1, 9)]),
        ({f"{c}.nn": f'use "{chr(ord(c) + 1)}.nn"' for c in "abcdefghijk"}, [("NN607", 1, 1)]),
    ],
)
def test_file_that_cannot_be_used_is_refused(files: dict[str, str], wanted: list[Place]):
    assert errors('use "a.nn"\n' + model(f"embed 3{END}"), files) == wanted


def test_two_files_may_not_bring_the_same_name():
    files = {"a.nn": "let n = 3", "b.nn": "let n = 3"}
    assert errors('use "a.nn"\nuse "b.nn"\n' + model(f"embed n{END}"), files) == [("NN302", 2, 5)]
    assert errors('use "a.nn"\nlet n = 4\n' + model(f"embed n{END}"), files) == [("NN302", 2, 5)]


def test_used_file_that_does_not_parse_is_told_in_that_file():
    with pytest.raises(SpecError) as caught:
        checked('use "a.nn"\n' + model(f"embed 3{END}"), {"a.nn": "block {"})
    place = caught.value.diagnostics[0].span
    assert place is not None
    assert place.file == "a.nn"
