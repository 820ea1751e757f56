"""What a word takes: one table row for each layer, sort and entry, from which the checks, the errors, `nnc explain` and
the reference page are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from compiler.ir.types import Extent
from dsl import ast
from dsl.errors import Diagnostic
from dsl.nearest import nearest
from dsl.source import Span

Kind: TypeAlias = Literal["count", "width", "number", "text", "name", "flag", "choice", "constant"]
"""count: a whole number; width: a count, or the width of a value, which data may decide; number: any; text: a string;
name: a bare name (a label); flag: a word that is true where it stands; choice: one of some words; constant: what a
block's formal may stand for."""

LARGEST_NUMBER = 3.4e38
"""What float32 still holds."""
LARGEST_COUNT = 10_000_000
"""Of a setting that says nothing else: wider than any layer, longer than any training."""

Value: TypeAlias = int | float | str | bool | Extent | None
Resolved: TypeAlias = Value | tuple[Value, ...]


@dataclass(frozen=True)
class Setting:
    """One setting.

    default: None where it is needed or where being absent has a meaning of its own (then required is False)
    many: a list may be given (`k=2,3`); the value is then a tuple
    low, high: bounds, with low itself excluded where above is true, and high where below is
    """

    name: str
    kind: Kind
    sentence: str
    default: Resolved = None
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value lies inside the bounds."""
        low, high = limits(self)
        if low is not None and (value <= low if self.above else value < low):
            return False
        return high is None or (value < high if self.below else value <= high)


@dataclass(frozen=True)
class Signature:
    """A word with what it takes.

    positional: the settings that may stand without their key, in order
    """

    word: str
    sentence: str
    settings: tuple[Setting, ...] = ()
    positional: tuple[str, ...] = ()

    def setting(self, name: str) -> Setting | None:
        return next((s for s in self.settings if s.name == name), None)


Evaluate: TypeAlias = Callable[[ast.Expression], Value]
"""The number or text that an expression among the settings stands for; reports and returns None where it has none."""
Report: TypeAlias = Callable[[Diagnostic], None]


@dataclass
class _Filling:
    signature: Signature
    evaluate: Evaluate
    constant: Callable[[str], Value]
    report: Report
    place: Span
    values: dict[str, Resolved] = field(default_factory=dict[str, Resolved])
    failed: bool = False

    def error(self, code: str, message: str, span: Span, label: str = "", help: str = "") -> None:
        self.failed = True
        self.report(Diagnostic(code, message, span, label, help=help))

    def put(self, setting: Setting, value: Resolved, span: Span) -> None:
        if setting.name in self.values:
            self.error(
                "NN406", f"{setting.name} is given twice", span, "here for the second time", "leave one of them out"
            )
            return
        parts = value if isinstance(value, tuple) else (value,)
        if len(parts) > 1 and not setting.many:
            self.error("NN403", f"{setting.name} takes one value, but gets {len(parts)}", span)
            return
        if all(self.fits(setting, part, span) for part in parts):
            self.values[setting.name] = parts if setting.many else next(iter(parts))

    def fits(self, setting: Setting, value: Value, span: Span) -> bool:
        if value is None:
            self.failed = True
            return False
        wanted = WANTED[setting.kind]
        whole = isinstance(value, int) and not isinstance(value, bool)
        good = {
            "count": whole,
            "width": whole or isinstance(value, Extent),
            "number": isinstance(value, (int, float)) and not isinstance(value, bool),
            "text": isinstance(value, str),
            "name": isinstance(value, str),
            "flag": isinstance(value, bool),
            "choice": isinstance(value, str) and value in setting.choices,
            "constant": True,
        }[setting.kind]
        if not good:
            if setting.kind == "choice":
                near = nearest(str(value), setting.choices)
                help = f"did you mean {near}?" if near else f"{setting.name} is one of {', '.join(setting.choices)}"
                self.error("NN403", f"{setting.name} cannot be {value}", span, help=help)
            else:
                help = "this width follows from the data; write a number" if isinstance(value, Extent) else ""
                self.error("NN403", f"{self.called(setting)} wants {wanted}, but gets {_shown(value)}", span, help=help)
            return False
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not setting.holds(value):
            message = f"{self.called(setting)} {bounds(setting)}, but is {_shown(value)}"
            self.error("NN404", message, span, help=self.way_out(setting, value))
            return False
        if setting.kind == "number" and isinstance(value, (int, float)) and abs(value) > LARGEST_NUMBER:
            message = (
                f"{self.called(setting)} is too large: numbers go up to {LARGEST_NUMBER:g}, but it is {_shown(value)}"
            )
            self.error("NN404", message, span, help=self.way_out(setting, value))
            return False
        return True

    def way_out(self, setting: Setting, value: float) -> str:
        """What to write for a number that is out of its bounds."""
        if setting.kind == "number" and setting.high == 1 and 1 < value <= 100:
            return f"{value:g}% is {value / 100:g}"
        if isinstance(setting.default, (int, float)):
            return f"left out, it is {setting.default:g}"
        return f"nnc explain {self.signature.word} says what it is for"

    def called(self, setting: Setting) -> str:
        """`dense size`; the letter of an only number says less than its word: `dropout`, `epochs`."""
        word = self.signature.word
        letter = len(setting.name) == 1 and self.signature.positional[:1] == (setting.name,)
        return word if letter else f"{word} {setting.name}"

    def word(self, argument: ast.Word) -> None:
        constant = self.constant(argument.id)
        chosen = [
            s
            for s in self.signature.settings
            if argument.id in s.choices or (s.kind == "flag" and s.name == argument.id)
        ]
        if constant is not None and chosen:
            self.both(chosen[0], argument.id, argument.span)
        elif isinstance(constant, str):
            meant = [s for s in self.signature.settings if constant in s.choices]
            if meant:
                self.put(meant[0], constant, argument.span)
            else:
                self.place_value(constant, argument.span)
        elif constant is not None:
            self.place_value(constant, argument.span)
        elif chosen:
            setting = chosen[0]
            self.put(setting, True if setting.kind == "flag" else argument.id, argument.span)
        else:
            waiting = next((s for s in self.positional() if s.kind == "name"), None)
            if waiting is not None:
                if waiting.many:
                    old = self.values.get(waiting.name, ())
                    self.values[waiting.name] = (*(old if isinstance(old, tuple) else (old,)), argument.id)
                else:
                    self.put(waiting, argument.id, argument.span)
                return
            self.unknown_word(argument)

    def unknown_word(self, argument: ast.Word) -> None:
        words = [c for s in self.signature.settings for c in (s.choices or ((s.name,) if s.kind == "flag" else ()))]
        keys = [s.name for s in self.signature.settings if s.kind != "flag"]
        waiting = [s for s in self.positional() if s.kind in ("count", "number")]
        if waiting and not words:
            message = f"{self.signature.word} wants {WANTED[waiting[0].kind]}, but gets {argument.id}"
            self.error("NN403", message, argument.span, "neither a number nor a constant")
            return
        near = nearest(argument.id, words)
        if near is None and argument.id in keys:
            help = f"it wants a value: {argument.id}=..."
        elif near:
            help = f"did you mean {near}?"
        else:
            help = takes(self.signature)
        label = f"neither a word of {self.signature.word} nor a constant"
        self.error("NN402", f"{self.signature.word} has no word {argument.id}", argument.span, label, help)

    def positional(self) -> list[Setting]:
        settings = [self.signature.setting(name) for name in self.signature.positional]
        return [
            s
            for s in settings
            if s is not None and (s.name not in self.values or (s.many and s.kind in ("name", "text")))
        ]

    def place_value(self, value: Value, span: Span) -> None:
        free = self.positional()
        if not free:
            known = ", ".join(s.name for s in self.signature.settings if s.kind != "flag")
            self.error(
                "NN407",
                f"{self.signature.word} does not know what {_shown(value)} is for",
                span,
                help=f"give it by its name; {self.signature.word} has {known}" if known else takes(self.signature),
            )
            return
        setting = next((s for s in free if isinstance(value, str) == (s.kind in ("text", "name"))), free[0])
        if setting.many and setting.kind in ("text", "name") and setting.name in self.values:
            old = self.values[setting.name]
            if self.fits(setting, value, span):
                self.values[setting.name] = (*(old if isinstance(old, tuple) else (old,)), value)
        else:
            self.put(setting, value, span)

    def key(self, argument: ast.Setting) -> None:
        setting = self.signature.setting(argument.key)
        if setting is None:
            near = nearest(argument.key, [s.name for s in self.signature.settings])
            help = f"did you mean {near}=?" if near else takes(self.signature)
            self.error(
                "NN401", f"{self.signature.word} has no setting {argument.key}", argument.span, "not known here", help
            )
            return
        values: list[Value] = []
        for expression in argument.values:
            values.append(self.value(setting, expression))
        self.put(setting, tuple(values), argument.span)

    def value(self, setting: Setting, expression: ast.Expression) -> Value:
        """What stands after a key: a word of the setting, or an expression."""
        match expression:
            case ast.Name(id=word) if setting.kind == "flag" and word in ("true", "false"):
                return word == "true"
            case ast.Name(id=word) if setting.kind == "choice":
                constant = self.constant(word)
                if constant is not None and word in setting.choices:
                    self.both(setting, word, expression.span)
                    return None
                return word if constant is None else constant
            case ast.Name(id=word) if setting.kind == "name" or (setting.kind == "flag" and not self.constant(word)):
                return word
            case ast.Member(of=ast.Name(id=word), name=ast.Name(id=part)) if setting.kind == "name":
                return f"{word}.{part}"
            case _:
                return self.evaluate(expression)

    def both(self, setting: Setting, word: str, span: Span) -> None:
        message = f"{word} is a constant here and a word of {self.signature.word} too"
        self.error("NN304", message, span, help=f"rename the constant; {setting.name} would take {word} as its word")


WANTED = {
    "count": "a whole number",
    "width": "a whole number or a width such as dim(x)",
    "number": "a number",
    "text": "a string in double quotes",
    "name": "a name",
    "flag": "true or false",
    "choice": "a word",
    "constant": "a number or a name",
}


def _shown(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def bounds(setting: Setting) -> str:
    """`must be at least 1`, `must be from 0 to below 1`, `must be above 0 and at most 1`."""
    low, high = limits(setting)
    if low is None:
        return f"must be {'below' if setting.below else 'at most'} {high:,}"
    if high is None:
        return f"must be {'above' if setting.above else 'at least'} {low:,}"
    if setting.above:
        return f"must be above {low:,} and {'below' if setting.below else 'at most'} {high:,}"
    return f"must be from {low:,} to {'below ' if setting.below else ''}{high:,}"


def limits(setting: Setting) -> tuple[float | None, float | None]:
    """The bounds of a setting; counts have an upper one even where the table says nothing."""
    counted = setting.kind in ("count", "width") and setting.high is None
    return setting.low, LARGEST_COUNT if counted else setting.high


def takes(signature: Signature) -> str:
    """One line of what a word takes, for help."""
    if not signature.settings:
        return f"{signature.word} takes no settings"
    parts = [
        " | ".join(s.choices) if s.choices else s.name if s.kind == "flag" else f"{s.name}=" for s in signature.settings
    ]
    return f"{signature.word} takes: {', '.join(parts)}"


def resolve(
    signature: Signature,
    arguments: Sequence[ast.Argument],
    place: Span,
    evaluate: Evaluate,
    constant: Callable[[str], Value],
    report: Report,
) -> dict[str, Resolved] | None:
    """Every setting's value, defaults filled in; None where something was wrong, which has been reported.

    constant(name) is the value of a constant of that name, or None.
    """
    filling = _Filling(signature, evaluate, constant, report, place)
    for argument in arguments:
        match argument:
            case ast.Positional():
                value = evaluate(argument.value)
                if value is None:
                    filling.failed = True
                else:
                    filling.place_value(value, argument.span)
            case ast.Word():
                filling.word(argument)
            case ast.Setting():
                filling.key(argument)
    for setting in signature.settings:
        if setting.name not in filling.values:
            if setting.required and not filling.failed:
                bare = signature.positional[:1] == (setting.name,)
                help = f"write {signature.word} " if bare else f"add {setting.name}="
                message = f"{signature.word} needs {setting.name}: {setting.sentence}"
                filling.error("NN405", message, place, help=help + _example(setting))
            filling.values[setting.name] = setting.default
    return None if filling.failed else filling.values


def _example(setting: Setting) -> str:
    if setting.kind == "count" and setting.high is not None and setting.high <= 10_000:
        return "3"
    return {"count": "100", "width": "100", "number": "0.5", "text": '"..."', "name": "NAME", "flag": "true"}.get(
        setting.kind, setting.choices[0] if setting.choices else "..."
    )
