"""Random specs that the grammar accepts, with comments and odd spacing. The same seed gives the same spec."""

from __future__ import annotations

import random

WORDS = (
    "embed",
    "conv",
    "relu",
    "as_",
    "h",
    "x",
    "memory",
    "模型",
    "state_2",
    "each",
    "per",
    "as",
    "let",
    "dense",
    "é",
)
NUMBERS = ("0", "3", "128", "0.5", "1e-4", "10%", "2.5e+3", "1.5%")
STRINGS = ('"a.tsv"', '"# no { comment"', r'"tab\t \"quoted\" \u4e2d"', '""')
COMMENTS = ("# plain", "#", '# "quotes" { and ( brackets', "#   注释", "## twice # again")


class Generator:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 0

    def spec(self) -> str:
        declarations = [self.declaration() for _ in range(self.random.randrange(5))]
        version = f"nn{self.gap(1)}1{self.newline()}" if self.chance(0.2) else ""
        start = self.newline() if self.chance(0.3) else ""
        text = start + version + self.newline().join(declarations)
        return text + (self.newline() if declarations and self.chance(0.8) else "")

    # Layout

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def gap(self, least: int = 0) -> str:
        return self.random.choice((" " * least, " ", "   ", "\t")) if self.chance(0.3) else " " * least

    def newline(self) -> str:
        out = ""
        for _ in range(1 if self.chance(0.7) else self.random.randrange(1, 5)):
            comment = self.random.choice(COMMENTS) if self.chance(0.15) else ""
            out += f"{self.gap()}{comment}" + ("\r\n" if self.chance(0.05) else "\n") + self.gap()
        return out

    def break_(self) -> str:
        """Where a line may go on."""
        return self.newline() if self.chance(0.08) else self.gap()

    def several(self, most: int, piece: str) -> str:
        comma = f"{self.gap()},{self.break_()}"
        return comma.join(getattr(self, piece)() for _ in range(self.random.randrange(1, most + 1)))

    # Words

    def name(self) -> str:
        return self.random.choice(WORDS)

    def plain(self) -> str:
        """A name that is special nowhere."""
        return self.random.choice(("a", "b1", "模型", "size", "_", "width"))

    # Declarations

    def declaration(self) -> str:
        kind = self.random.choice(("use", "let", "model", "block", "cell", "section", "section"))
        return str(getattr(self, kind)())

    def use(self) -> str:
        return f"use{self.gap()}{self.random.choice(STRINGS)}"

    def let(self) -> str:
        return f"let {self.plain()}{self.gap()}={self.break_()}{self.value()}"

    def model(self) -> str:
        ports = f"({self.break_()}{self.several(3, 'port')}{self.break_()})"
        arrow = f"{self.break_()}->{self.break_()}"
        return f"model {self.plain()}{self.gap()}{ports}{arrow}{self.several(2, 'port')}{self.gap(1)}{self.body()}"

    def block(self) -> str:
        operands = f"({self.break_()}{self.several(3, 'plain')}{self.break_()})" if self.chance(0.5) else ""
        return f"block {self.plain()}{operands}{self.formals()}{self.gap(1)}{self.body()}"

    def cell(self) -> str:
        operands = f"({self.several(3, 'cell_operand')}{self.break_()})"
        states = self.several(2, "state")
        return f"cell {self.plain()}{operands}{self.formals()} state {states}{self.gap()}{self.body()}"

    def section(self) -> str:
        kind = self.random.choice(("data", "train", "predict", "sweep", "other"))
        name = f" {self.plain()}" if self.chance(0.3) else ""
        return f"{kind}{name}{self.gap()}{self.braces('entry', 5)}"

    def formals(self) -> str:
        return "".join(
            f" {self.plain()}" + (f"{self.gap()}={self.gap()}{self.several(2, 'value')}" if self.chance(0.5) else "")
            for _ in range(self.random.randrange(3))
        )

    def cell_operand(self) -> str:
        return self.plain() + (" each" if self.chance(0.3) else "")

    def state(self) -> str:
        return self.plain() + (self.sizes() if self.chance(0.3) else "")

    def port(self) -> str:
        return f"{self.plain()}{self.gap()}:{self.gap()}{self.sort()}"

    def sort(self) -> str:
        sizes = self.sizes() if self.chance(0.3) else ""
        options = f"{self.gap()}({self.several(2, 'option')}{self.break_()})" if self.chance(0.4) else ""
        return f"{self.plain()}{sizes}{options}" + (f" per {self.plain()}" if self.chance(0.3) else "")

    def option(self) -> str:
        return self.plain() + (f"={self.value()}" if self.chance(0.5) else "")

    def entry(self) -> str:
        path = ".".join(self.plain() for _ in range(self.random.choice((1, 1, 1, 3))))
        return path + self.arguments(self.random.randrange(4))

    # Statements

    def braces(self, piece: str, most: int) -> str:
        self.depth += 1
        separator = self.newline if self.chance(0.6) else lambda: f"{self.gap(1)};{self.break_()}"
        many = self.random.randrange(most + 1) if self.depth < 4 else 1
        out = "{" + self.break_()
        for i in range(many):
            out += (separator() if i else "") + str(getattr(self, piece)())
        if many and self.chance(0.4):
            out += separator()
        self.depth -= 1
        return out + self.gap() + "}"

    def body(self) -> str:
        return self.braces("statement", 4)

    def statement(self) -> str:
        name = self.plain() + ("'" if self.chance(0.2) else "")
        return (f"{name}{self.gap()}={self.break_()}" if self.chance(0.4) else "") + self.pipeline()

    def pipeline(self) -> str:
        out = self.layer() if self.chance(0.6) else self.sum()
        for _ in range(self.random.choice((0, 0, 1, 3))):
            fed = self.random.choice((self.layer, self.name_in_pipe, self.call))()
            out += f"{self.break_()}|{self.break_()}{fed}"
        return out

    def name_in_pipe(self) -> str:
        return self.plain()

    def layer(self) -> str:
        callee = self.random.choice((self.plain, self.plain, self.call, self.sized))()
        label = f" as {self.plain()}" if self.chance(0.15) else ""
        with_body = self.depth < 4 and self.chance(0.25)
        many = self.random.randrange(0 if with_body or label else 1, 4)
        return callee + self.arguments(many) + label + (self.gap(1) + self.body() if with_body else "")

    def arguments(self, many: int) -> str:
        return "".join(" " + self.argument() for _ in range(many))

    def argument(self) -> str:
        kind = self.random.randrange(5)
        if kind == 0:
            return self.random.choice(NUMBERS)
        if kind == 1:
            return self.random.choice(STRINGS)
        if kind == 2:
            return self.plain()
        if kind == 3:
            return f"dim({self.plain()})"
        return f"{self.plain()}{self.gap()}={self.gap()}{self.several(3, 'value')}"

    # Values

    def value(self) -> str:
        return self.random.choice(STRINGS) if self.chance(0.2) else self.sum()

    def sum(self) -> str:
        out = self.unary()
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            out += f"{self.gap()}{self.random.choice('+-*/@')}{self.break_()}{self.unary()}"
        return out

    def unary(self) -> str:
        return "-" * self.random.choice((0, 0, 0, 0, 1, 2)) + self.atom()

    def atom(self) -> str:
        kind = self.random.randrange(8)
        self.depth += 1
        try:
            if kind == 0 or self.depth > 6:
                return self.random.choice(NUMBERS)
            if kind == 1:
                return f"({self.break_()}{self.pipeline()}{self.break_()})"
            if kind == 2:
                return self.call()
            if kind == 3:
                return self.sized()
            if kind == 4:
                return f"{self.plain()}.{self.plain()}"
            if kind == 5:
                return self.plain() + "'"
            return self.plain()
        finally:
            self.depth -= 1

    def call(self) -> str:
        return f"{self.plain()}{self.gap()}({self.break_()}{self.several(3, 'operand')}{self.break_()})"

    def operand(self) -> str:
        return (f"{self.plain()}{self.gap()}={self.gap()}" if self.chance(0.2) else "") + self.sum()

    def sized(self) -> str:
        return self.plain() + self.sizes()

    def sizes(self) -> str:
        return f"[{self.break_()}{self.several(2, 'sum')}{self.break_()}]"


def generated(seed: int) -> str:
    return Generator(seed).spec()
