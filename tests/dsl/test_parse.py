"""From text to AST: the rules of the language's page under Text, and the shape of the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl import ast, grammar
from dsl.parse import decode, parse
from dsl.source import Span

GALLERY = sorted((Path(__file__).parent / "gallery").glob("*.nn"))
NOWHERE = Span("", 1, 1, 1, 1, "")


def let(value: str) -> ast.Expression:
    (declaration,) = parse(f"let a = {value}", "spec.nn").declarations
    assert isinstance(declaration, ast.Let)
    return declaration.value


def body(text: str) -> tuple[ast.Statement, ...]:
    (declaration,) = parse(f"block b {{{text}}}", "spec.nn").declarations
    assert isinstance(declaration, ast.Block)
    return declaration.body.statements


def statement(text: str) -> ast.Statement:
    (only,) = body(text)
    return only


def name(text: str) -> ast.Name:
    return ast.Name(text, span=NOWHERE)


def number(text: str, value: float) -> ast.Number:
    return ast.Number(text, value, span=NOWHERE)


def sums(operator: str, left: ast.Expression, right: ast.Expression) -> ast.Binary:
    return ast.Binary(operator, left, right, span=NOWHERE)


# The grammar


def test_grammar_is_strict() -> None:
    """No conflict, and no two terminals for one text."""
    pytest.importorskip("interegular", reason="the strict check of the grammar needs the extra: strict")
    from lark import Lark

    Lark(grammar.text(), parser="lalr", strict=True, propagate_positions=True)


def test_gallery_is_whole() -> None:
    assert len(GALLERY) == 63


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_spec_parses(path: Path) -> None:
    spec = parse(path.read_bytes(), str(path))
    assert spec == parse(path.read_text(encoding="utf-8"), "other.nn")
    assert hash(spec) == hash(parse(path.read_bytes(), str(path)))


def test_empty_file_is_a_spec_without_declarations() -> None:
    assert parse("", "spec.nn").declarations == ()
    assert parse("# only a comment", "spec.nn").declarations == ()


# Text: lines


@pytest.mark.parametrize("text", ["a ; b", "a\nb", "\n a \n\n # c\n b ; \n", "a;b;", "a # c ; d\n b"])
def test_statement_ends_at_a_newline_or_semicolon(text: str) -> None:
    assert body(text) == (name("a"), name("b"))


@pytest.mark.parametrize(
    "text",
    [
        "f(a,\nb)",
        "f(\na, b)",
        "f(a, b\n)",
        "f(a # c\n, b)".replace(" # c\n,", ", # c\n"),
        "f(\n\n# c\n a,\n # d\n b\n\n)",
    ],
)
def test_line_goes_on_after_comma_and_bracket_and_before_a_closing_one(text: str) -> None:
    operands = tuple(ast.Operand(None, name(each), span=NOWHERE) for each in "ab")
    assert statement(text) == ast.Call(name("f"), operands, span=NOWHERE)


@pytest.mark.parametrize("text", ["a |\n b", "a\n | b", "a # c\n\n  # d\n | # e\n b"])
def test_line_goes_on_around_a_pipe(text: str) -> None:
    assert statement(text) == ast.Pipe(name("a"), name("b"), span=NOWHERE)


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "@"])
def test_line_goes_on_after_an_operator(operator: str) -> None:
    assert statement(f"a {operator}\n b") == sums(operator, name("a"), name("b"))


def test_line_does_not_go_on_before_an_operator() -> None:
    assert body("a\n - b") == (name("a"), ast.Negative(name("b"), span=NOWHERE))


def test_heading_goes_on_before_and_after_its_arrow() -> None:
    whole = parse("model m(a: b) -> c: d { }", "spec.nn")
    assert parse("model m(\n a: b\n)\n ->\n c: d { }", "spec.nn") == whole


def test_sizes_may_be_broken() -> None:
    assert statement("param[\n a,\n b\n]") == statement("param[a, b]")


def test_last_line_needs_no_newline() -> None:
    assert parse("let a = 1", "spec.nn") == parse("let a = 1\n", "spec.nn")


def test_comment_holds_anything() -> None:
    assert let("1 # } ) \" ' ， 模 .5 //") == number("1", 1)


# Text: characters


def test_line_ends_and_byte_order_mark_make_no_difference() -> None:
    assert parse(b"\xef\xbb\xbflet a = 1\r\nlet b = 2\r\n", "s") == parse(b"let a = 1\nlet b = 2\n", "s")


def test_decode_gives_newlines() -> None:
    assert decode(b"\xef\xbb\xbfa\r\nb\n", "s") == "a\nb\n"


def test_names_may_be_in_any_script() -> None:
    for word in ("模型", "句子", "größe", "αβγ", "हिन्दी", "имя", "_", "_1", "x2"):
        assert statement(word) == name(word)


def test_names_are_compared_in_nfc() -> None:
    assert statement("e\u0301te\u0301") == name("\u00e9t\u00e9")
    assert statement("f ke\u0301=1 e\u0301 as e\u0301") == statement("f k\u00e9=1 \u00e9 as \u00e9")


def test_strings_are_kept_as_written() -> None:
    assert let('"e\u0301"') == ast.Text("e\u0301", span=NOWHERE)


def test_names_are_plain_strings() -> None:
    layer = statement("f k=1 relu as g")
    assert isinstance(layer, ast.Layer)
    texts = [layer.arguments[0].key, layer.arguments[1].id, layer.label.id] if layer.label else []  # type: ignore[union-attr]
    assert [type(text) for text in texts] == [str, str, str]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0", 0),
        ("007", 7),
        ("0.5", 0.5),
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        ("2.5e+3", 2500.0),
        ("10%", 0.1),
        ("100%", 1.0),
        ("0.1%", 0.001),
        ("2.5%", 0.025),
        ("1e1%", 0.1),
        ("7%", 0.07),
        ("0%", 0.0),
        ("0e5", 0.0),
        ("9223372036854775807", 2**63 - 1),
        ("1e308", 1e308),
    ],
)
def test_number_means(text: str, value: float) -> None:
    found = let(text)
    assert found == number(text, value)
    assert isinstance(found, ast.Number)
    assert type(found.value) is type(value)


@pytest.mark.parametrize("percent", range(101))
def test_percentage_is_the_nearest_float(percent: int) -> None:
    found = let(f"{percent}%")
    assert isinstance(found, ast.Number)
    assert found.value == percent / 100


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\"b\\c\/d"', 'a"b\\c/d'),
        (r'"\t\n"', "\t\n"),
        (r'"\u4e2D\u00e9"', "中é"),
        (r'"\ud83d\ude00"', "😀"),
        ('""', ""),
        ('"# no comment { ; }"', "# no comment { ; }"),
        ('"模型"', "模型"),
        ('"a\tb"', "a\tb"),
        (r'"\\u0000"', r"\u0000"),
    ],
)
def test_string_means(text: str, value: str) -> None:
    assert let(text) == ast.Text(value, span=NOWHERE)


# Text: words


@pytest.mark.parametrize("word", ["nn", "use", "let", "model", "block", "cell", "state", "per", "as", "each", "train"])
def test_no_word_is_reserved(word: str) -> None:
    key = "k" if word == "as" else word
    spec = parse(f"block b(x) {word}2 {{\n  {word} = x\n  {word} | f {key}=1\n  f({word})\n}}\nlet {word} = 1", "s")
    assert len(spec.declarations) == 2
    assert parse(f"model {word}({word}: {word}) -> x: {word} {{ {word} 3 }}", "s").declarations
    assert parse(f"data {{ {word} as=1 ; {word}.{word} 3 ; {word} }}", "s").declarations


def test_as_is_special_among_settings_only() -> None:
    labelled = statement("f as g")
    assert isinstance(labelled, ast.Layer)
    assert labelled.label == name("g")
    assert statement("as = 3") == ast.Assign(name("as"), number("3", 3), span=NOWHERE)


def test_state_is_special_in_a_cells_heading_only() -> None:
    (cell,) = parse("cell state(state) n state state { }", "s").declarations
    assert isinstance(cell, ast.Cell)
    assert [cell.name.id, cell.operands[0].name.id, cell.formals[0].name.id, cell.states[0].name.id] == [
        "state",
        "state",
        "n",
        "state",
    ]


def test_per_is_special_after_a_sort_only() -> None:
    (model,) = parse("model m(per: per per per) -> a: person { }", "s").declarations
    assert isinstance(model, ast.Model)
    sort = model.inputs[0].sort
    assert (model.inputs[0].name.id, sort.name.id, sort.per) == ("per", "per", name("per"))
    assert model.outputs[0].sort.name.id == "person"


def test_version_line_is_read() -> None:
    assert parse("# c\nnn 1\n\nlet a = 1", "s").version == 1
    assert parse("let a = 1", "s").version == 1


# The tree


def test_pipe_binds_weakest_then_sums_then_products_then_minus() -> None:
    product = sums("*", ast.Negative(name("b"), span=NOWHERE), name("c"))
    assert statement("a + -b * c | f") == ast.Pipe(sums("+", name("a"), product), name("f"), span=NOWHERE)


def test_operators_of_one_rank_go_from_left_to_right() -> None:
    assert statement("a - b + c") == sums("+", sums("-", name("a"), name("b")), name("c"))
    assert statement("a / b @ c") == sums("@", sums("/", name("a"), name("b")), name("c"))


def test_parentheses_group() -> None:
    assert statement("a - (b + c)") == sums("-", name("a"), sums("+", name("b"), name("c")))
    piped = ast.Pipe(name("x"), name("f"), span=NOWHERE)
    assert statement("concat((x | f), y)") == ast.Call(
        name("concat"),
        (ast.Operand(None, piped, span=NOWHERE), ast.Operand(None, name("y"), span=NOWHERE)),
        span=NOWHERE,
    )


def test_layer_holds_what_belongs_to_it() -> None:
    layer = statement('f(x, y=z) 3 "a" dim(x) relu k=2,3 s="t" as g { h }')
    assert isinstance(layer, ast.Layer)
    assert layer.callee == ast.Call(
        name("f"),
        (ast.Operand(None, name("x"), span=NOWHERE), ast.Operand("y", name("z"), span=NOWHERE)),
        span=NOWHERE,
    )
    kinds = [type(argument).__name__ for argument in layer.arguments]
    assert kinds == ["Positional", "Positional", "Positional", "Word", "Setting", "Setting"]
    assert layer.arguments[4] == ast.Setting("k", (number("2", 2), number("3", 3)), span=NOWHERE)
    assert layer.label == name("g")
    assert layer.body == ast.Body((name("h"),), span=NOWHERE)


def test_label_may_stand_among_the_settings() -> None:
    assert statement("f as g 3 { }") == statement("f 3 as g { }")


def test_layer_without_anything_is_a_name_or_call() -> None:
    assert statement("maxpool") == name("maxpool")
    assert isinstance(statement("relu(x)"), ast.Call)
    assert isinstance(statement("param[3]"), ast.Sized)


def test_setting_takes_arithmetic() -> None:
    layer = statement("f k=2*dim(x)-1,3 p")
    assert isinstance(layer, ast.Layer)
    setting = layer.arguments[0]
    assert isinstance(setting, ast.Setting)
    assert [type(value) for value in setting.values] == [ast.Binary, ast.Number]


def test_prime_is_part_of_the_name() -> None:
    assert statement("h' = c'") == ast.Assign(name("h'"), name("c'"), span=NOWHERE)


def test_member_of_a_member() -> None:
    assert statement("a.b.c") == ast.Member(ast.Member(name("a"), name("b"), span=NOWHERE), name("c"), span=NOWHERE)


def test_sort_holds_sizes_options_and_per() -> None:
    (model,) = parse("model m(a: next[24](y, rate=15%)) -> b: class per a { }", "s").declarations
    assert isinstance(model, ast.Model)
    sort = model.inputs[0].sort
    assert sort.sizes == (number("24", 24),)
    assert sort.options == (
        ast.Word("y", span=NOWHERE),
        ast.Setting("rate", (number("15%", 0.15),), span=NOWHERE),
    )
    assert model.outputs[0].sort.per == name("a")


def test_block_without_parentheses_has_no_operands() -> None:
    (block,) = parse("block b width p=0.1 k=2,3 { }", "s").declarations
    assert isinstance(block, ast.Block)
    assert block.operands is None
    assert [formal.default and len(formal.default) for formal in block.formals] == [None, 1, 2]


def test_cell_operand_may_come_each_position() -> None:
    (cell,) = parse("cell pool(z, f each) state h[n], c { }", "s").declarations
    assert isinstance(cell, ast.Cell)
    assert [operand.mark for operand in cell.operands] == [None, name("each")]
    assert [len(state.sizes) for state in cell.states] == [1, 0]


def test_section_has_entries_with_paths() -> None:
    (section,) = parse("sweep big { train.adam.lr log=1e-4,1e-2 ; trials 20 ; x }", "s").declarations
    assert isinstance(section, ast.Section)
    assert (section.kind, section.name) == (name("sweep"), name("big"))
    assert [[word.id for word in entry.path] for entry in section.entries] == [
        ["train", "adam", "lr"],
        ["trials"],
        ["x"],
    ]


# Spans


def test_spans_cover_what_was_written() -> None:
    text = "model m(模: words) -> b: class per 模 {\n  x = 模 | embed 8 as e\n  (x) + x | f {\n  }\n}\n"
    (model,) = parse(text, "spec.nn").declarations
    assert isinstance(model, ast.Model)
    assert (model.span.line, model.span.column, model.span.end_line, model.span.end_column) == (1, 1, 5, 2)
    assert model.inputs[0].sort.span.snippet == "words"
    assert model.outputs[0].sort.span.snippet == "class per 模"
    assign, pipe = model.body.statements
    assert isinstance(assign, ast.Assign)
    assert isinstance(assign.value, ast.Pipe)
    assert assign.span.snippet == "x = 模 | embed 8 as e"
    assert assign.value.layer.span.snippet == "embed 8 as e"
    assert isinstance(pipe, ast.Pipe)
    assert pipe.value.span.snippet == "(x) + x"
    assert (pipe.span.line, pipe.span.end_line, pipe.span.end_column) == (3, 4, 4)
    assert (pipe.span.file, pipe.span.text) == ("spec.nn", "  (x) + x | f {")


# Bounds
