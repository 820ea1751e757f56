"""The usual slips, each with its message: a rule looks at a place that the grammar rejects, and knows it or not."""

from __future__ import annotations

from collections.abc import Callable

from dsl.errors import Diagnostic, Note
from dsl.lexical import Source, Token
from dsl.nearest import nearest
from dsl.outline import SPECIAL, Place
from dsl.render import show
from dsl.source import Span
from dsl.structure import DECLARATIONS, HEADS, end_of_file

Accepted = frozenset[str]
VALUES = ("name", "next", "number", "string")


def found_span(source: Source, place: Place) -> Span:
    """What was found; where a line or the file ends too early, the place after its last token."""
    if place.found is not None and place.found.kind != "newline":
        return source.span(place.found)
    return _after(source, place.before) if place.before is not None else end_of_file(source)


def _after(source: Source, token: Token) -> Span:
    return source.span(token, len(token.text), len(token.text) + 1)


def _text(token: Token | None) -> str:
    return token.text if token is not None else ""


def ends(place: Place) -> bool:
    """Whether a line or the file ends where something is missing."""
    return place.found is None or place.found.kind == "newline"


def _after_brace(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    before, found = place.before, place.found
    if before is None or found is None or before.text != "}" or found.line != before.line or found.kind == "newline":
        return None
    if found.text in ")]":
        return None
    if place.in_heading:
        message = f"`{show(found.text)}` stands on the line of a `}}` that ends a declaration"
        return Diagnostic(
            "NN126", message, source.span(found), help="a declaration ends with its line: go on in the next"
        )
    if found.text in ("|", ",", "="):
        return None
    message = f"`{show(found.text)}` follows `}}` on one line"
    return Diagnostic("NN126", message, source.span(found), help="start a new line, or put `;` or `|` between them")


def _no_declaration(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    if not place.in_heading or place.brackets:
        return None
    if not place.declaration:
        if place.found is None:
            return None
        found = place.found
        message = f"no declaration starts with `{show(found.text)}`"
        advice = "a file is made of: model, block, cell, let, use, data, train, predict, sweep"
        return Diagnostic("NN128", message, source.span(found), help=advice)
    head = place.declaration[0]
    if head.text in DECLARATIONS:
        return None
    if "LBRACE" in accepted and _text(place.after) == "{" and ends(place):
        return None
    if _text(place.found) == "=" and len(place.declaration) == 1:
        message = f"`{show(head.text)} = ...` stands outside all braces"
        advice = f"a constant is `let {show(head.text)} = ...`; values are named in the body of a model, block or cell"
        return Diagnostic("NN128", message, source.span(head), help=advice)
    if head.text == "nn":
        return Diagnostic(
            "NN115", "after `nn` stands the version, alone on its line", found_span(source, place), help="nn 1"
        )
    near = nearest(head.text, DECLARATIONS)
    message = f"`{show(head.text)}` starts no declaration"
    advice = f"did you mean `{near}`?" if near else "layers and settings stand inside the { } of a model or section"
    return Diagnostic("NN128", message, source.span(head), help=advice)


def _quotes_missing(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    found, before = place.found, place.before
    if place.head == "use" and len(place.declaration) == 1 and not ends(place):
        return Diagnostic(
            "NN129", "the file that is used stands in quotes", found_span(source, place), help='use "cells.nn"'
        )
    if found is None or before is None or not place.in_section:
        return None
    if found.text in (".", "/") and before.kind == "name" and len(place.statement) > 1:
        path = source.lines[before.line - 1][before.column - 1 :].split()[0]
        whole = source.span(before, 0, len(path))
        return Diagnostic("NN129", "a path stands in quotes", whole, help=f'write "{show(path)}"')
    return None


def _colon(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    """`=` and `:` mixed up, or a port without a sort."""
    text, before = _text(place.found), place.before
    if "COLON" in accepted and before is not None:
        name = show(before.text)
        if text == "=":
            advice = f"write `{name}: ` and its sort"
            return Diagnostic("NN123", f"the sort of `{name}` stands after `:`", found_span(source, place), help=advice)
        advice = f"write `{name}: words`, or what it is: class, real, image[28,28]"
        return Diagnostic("NN127", f"`{name}` has no sort", source.span(before), help=advice)
    if text != ":" or before is None:
        return None
    if place.inside == "{" and before.kind == "name":
        name = show(before.text)
        if place.in_section:
            value = show(place.after.text) if place.after is not None and place.after.kind in VALUES else "3"
            advice = f"write `{name} {value}`" if len(place.statement) == 1 else f"write `{name}={value}`"
        else:
            advice = f"a value is named `{name} = ...`, a setting given `{name}=3`"
        return Diagnostic(
            "NN123", "`:` gives a sort, in a model's heading only", found_span(source, place), help=advice
        )
    return None


def _entry_with_equals(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    if (
        _text(place.found) != "="
        or not place.in_section
        or any(t.kind != "name" and t.text != "." for t in place.statement)
    ):
        return None
    name = "".join(token.text for token in place.statement)
    if not name or place.before is None or (len(place.statement) > 1 and "." not in name):
        return None
    value = f" {show(place.after.text)}" if place.after is not None and place.after.kind in VALUES else " 3"
    advice = f"write `{show(name)}{value}`; settings with a name come after it: `adam lr=1e-3`"
    return Diagnostic("NN131", "an entry is followed by its value, without `=`", found_span(source, place), help=advice)


def _arrow(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    if _text(place.found) == "->" and place.in_heading and place.head in ("block", "cell"):
        return Diagnostic(
            "NN120",
            f"a {place.head} has no outputs in its heading",
            found_span(source, place),
            help="its value is its last line's" if place.head == "block" else "its output is its first state",
        )
    if "_ARROW" not in accepted or place.before is None:
        return None
    return Diagnostic(
        "NN122",
        "between a model's inputs and outputs stands `->`",
        found_span(source, place),
        help="model name(text: words) -> label: class {",
    )


def _missing_after(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    """A statement that breaks off after an operator."""
    found, before = place.found, place.before
    if before is None or before.text not in ("=", "|", "+", "-", "*", "/", "@") or "NAME" not in accepted:
        return None
    if found is not None and found.kind != "newline" and found.text not in ("}", ")", "]", ";"):
        return None
    what = "a layer" if before.text == "|" else "a value"
    advice = f"put {what} there, or delete the `{before.text}`"
    return Diagnostic("NN120", f"{what} is missing after `{before.text}`", _after(source, before), help=advice)


def _brace(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    before = place.before
    if not place.in_heading or place.brackets or before is None or (place.head not in HEADS and not ends(place)):
        return None
    if place.head == "cell" and "STATE" in accepted and (ends(place) or _text(place.found) == "{"):
        advice = "put `state h` before the `{`: the first state is the cell's output"
        return Diagnostic("NN130", "this cell has no state", found_span(source, place), help=advice)
    if "LBRACE" not in accepted or not (ends(place) or place.head not in SPECIAL):
        return None
    notes = ()
    advice = "put `{` at the end of this line"
    if ends(place) and _text(place.after) == "{" and place.after is not None:
        notes = (Note(source.span(place.after), "not on a line of its own"),)
    elif not ends(place):
        advice = f"write {place.head} {{ ... }}"
    return Diagnostic(
        "NN121", f"the heading of `{show(place.head)}` has no `{{`", found_span(source, place), "here", notes, advice
    )


def _comma(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    found, before = place.found, place.before
    if found is None or before is None:
        return None
    if found.text == "=" and len(place.statement) > 2 and place.statement[-2].text == ",":
        advice = "settings stand side by side without commas: adam lr=1e-3 eps=1e-8"
        return Diagnostic("NN124", "a comma cannot stand here", source.span(place.statement[-2]), help=advice)
    if before.text == "," and found.text in (",", ")", "]", "}", ";", "|"):
        return Diagnostic("NN124", "after this comma something is missing", source.span(before), help="or delete it")
    if found.text == ",":
        if before.text in "([{;=":
            advice = "delete it, or put what is missing before it"
            return Diagnostic("NN124", f"a comma cannot stand after `{before.text}`", source.span(found), help=advice)
        if place.inside == "(" and _is_list(place):
            return None
        advice = "settings stand side by side without commas; `k=2,3` is a list, statements are parted by `;`"
        if before.kind == "number" and place.after is not None and place.after.kind == "number":
            advice = f"a list goes with the setting's name, as in `k=2,3`; {advice.partition(';')[0]}"
        if place.inside == "{":
            return Diagnostic("NN124", "a comma cannot stand here", source.span(found), help=advice)
    starts = found.kind in VALUES and found.kind != "string"
    if place.inside in ("(", "[") and starts and "COMMA" in accepted and found.kind in ("name", "next"):
        advice = "put `,` between them; a layer with settings needs parentheses of its own: concat((x | embed 8), y)"
        return Diagnostic("NN124", f"a comma is missing before `{show(found.text)}`", source.span(found), help=advice)
    return None


def _is_list(place: Place) -> bool:
    """Whether the innermost bracket is the value of a setting: `k=(2,3)`, `k=[2,3]`."""
    outside = place.declaration[: next(i for i, t in enumerate(place.declaration) if t is place.brackets[-1])]
    return bool(outside) and outside[-1].text in ("=", ",") and len(place.brackets) > 1


def _list_in_brackets(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    found = place.found
    bracket = found.text == "[" if found is not None else False
    if not bracket and not (_text(found) == "," and place.inside == "(" and _is_list(place)):
        return None
    if (
        bracket
        and place.before is not None
        and place.before.text not in ("=", ",", "(")
        and place.before.kind != "name"
    ):
        return None
    at = found if bracket else place.brackets[-1]
    assert at is not None
    return Diagnostic("NN134", "a list stands without brackets", source.span(at), help="write k=2,3")


def _inside_parentheses(source: Source, place: Place, accepted: Accepted) -> Diagnostic | None:
    found = place.found
    if found is None or place.inside != "(" or place.in_heading:
        return None
    if found.kind in ("number", "string"):
        message = f"the setting {show(found.text)} stands inside parentheses"
    elif found.text == "|":
        message = "a pipeline as an operand needs parentheses of its own"
    elif found.text == ")" and _text(place.before) == "(":
        advice = "leave the parentheses out"
        return Diagnostic("NN133", "there is nothing between these parentheses", source.span(found), help=advice)
    else:
        return None
    advice = "settings stand after the parentheses; a layer inside needs its own: concat((x | embed 8), y)"
    return Diagnostic("NN133", message, source.span(found), help=advice)


SLIPS: tuple[Callable[[Source, Place, Accepted], Diagnostic | None], ...] = (
    _after_brace,
    _no_declaration,
    _quotes_missing,
    _colon,
    _entry_with_equals,
    _arrow,
    _list_in_brackets,
    _comma,
    _missing_after,
    _inside_parentheses,
    _brace,
)
