"""What a syntax error says: a usual slip by its name; for the rest, what stands there and what may."""

from __future__ import annotations

from dsl.errors import Diagnostic
from dsl.lexical import Source
from dsl.outline import Place
from dsl.render import show
from dsl.slips import SLIPS, VALUES, Accepted, ends, found_span
from dsl.structure import GOES_ON_AFTER

_SIGNS = {
    "_ARROW": "`->`", "_PIPE": "`|`", "COLON": "`:`", "EQUAL": "`=`", "COMMA": "`,`", "LBRACE": "`{`", "RBRACE": "`}`",
    "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "_PER": "`per`", "STATE": "`state`",
}  # fmt: skip


def explain(source: Source, place: Place, accepted: Accepted) -> Diagnostic:
    """The error for a token that does not fit where it stands; accepted: Lark's names of those that would."""
    for slip in SLIPS:
        diagnostic = slip(source, place, accepted)
        if diagnostic is not None:
            return diagnostic
    return _unexpected(source, place, accepted)


def _unexpected(source: Source, place: Place, accepted: Accepted) -> Diagnostic:
    found, before = place.found, place.before
    after = f" after `{show(_short(before.text))}`" if before is not None else ""
    if found is None:
        message = f"the file cannot end{after}"
    elif found.kind == "newline":
        message = f"the line cannot end{after}"
    else:
        what = "" if found.kind == "symbol" else {"number": "the number ", "string": "the string "}.get(found.kind, "")
        here = " here" if before is None or before.line != found.line else after
        message = f"{what}`{show(_short(found.text))}` cannot stand{here}"
    wanted = _wanted(place, accepted)
    advice = f"here may stand {wanted}" if wanted else ""
    if place.in_section and found is not None and found.text in ("{", "|", "+", "*", "(", "@"):
        advice = "a section holds entries, such as `adam lr=1e-3`, one a line; layers stand in a model"
    elif place.head == "model" and place.in_heading:
        advice += "; a model reads: model name(text: words) -> label: class {"
    elif place.inside == "{" and found is not None and found.kind in VALUES and "_PIPE" in accepted:
        if before is not None and before.text == ")":
            advice = "a layer with settings needs parentheses of its own in a formula: a + (linear(b) 50)"
        else:
            advice = "a value is fed to a layer with `|`"
        advice += "; a new statement starts after `;` or on a new line"
    return Diagnostic("NN120", message, found_span(source, place), help=advice)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _wanted(place: Place, accepted: Accepted) -> str:
    """What may stand there, in words, the likeliest first."""
    kinds: list[str] = []
    if {"NAME", "NUMBER", "LPAR"} <= accepted:
        kinds.append("a layer, name or value" if place.inside == "{" and not place.statement else "a name or value")
    elif "NAME" in accepted:
        kinds.append("a name")
    elif "NUMBER" in accepted:
        kinds.append("a number")
    if "STRING" in accepted and "NUMBER" not in accepted:
        kinds.append('a "string"')
    kinds += [
        sign for terminal, sign in _SIGNS.items() if terminal in accepted and (terminal != "LPAR" or len(kinds) == 0)
    ]
    if "PLUS" in accepted:
        kinds.append("an operator")
    if "_NL" in accepted and not ends(place) and (place.before is None or place.before.text not in GOES_ON_AFTER):
        kinds.append("the end of the line")
    if len(kinds) < 2:
        return "".join(kinds)
    return ", ".join(kinds[:-1]) + f" or {kinds[-1]}"
