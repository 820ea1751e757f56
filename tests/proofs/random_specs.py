"""Random specs with small data that fit them: about half are right. The same seed gives the same ones."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.random_files import FORMATS, Row, titles
from tests.proofs.random_sections import Ports, Sections

ROWS = 40
VOCABULARY = ("a", "film", "good", "bad", "the", "plot", "of", "it", "was", "not")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "softmax", "abs")
ATTENDED = "block attended(x) n { scores = x | dense 3 tanh | dense n\n  weighted(x, scores) }\n"
MIXED = "block mixed(x) { y = x | dense dim(x)\n  mix(x, y, tanh(y)) }\n"


@dataclass(frozen=True)
class Sample:
    """seed: it comes again from it; write: puts the data into a folder; examples: rows to predict.

    prompt: what a language model goes on from; past: the columns that a forecast begins behind
    texts: pairs of a text and the one that is told from it
    """

    seed: int
    spec: str
    write: Callable[[Path], None]
    examples: list[tuple[object, ...]]
    prompt: str | None = None
    past: dict[str, list[object]] | None = None
    texts: Sequence[tuple[str, str]] = ()


def sample(seed: int) -> Sample:
    return Writer(seed).sample()


class Writer(Sections):
    """lists: its texts are lists of tokens; pairs: the outputs of two labels"""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.lists = False
        self.pairs: set[str] = set()

    def sample(self) -> Sample:
        if self.chance(0.12):
            return self.pictures()
        self.ports()
        body = self.body()
        rows = [self.row() for _ in range(ROWS)]
        format_ = "jsonl" if self.lists else self.random.choice(("tsv", "csv", "jsonl"))
        ports = [*self.outputs, *self.inputs]
        made = "".join(f", {name}: {sort}" for name, sort in self.made.items())
        signature = f"({self.typed(self.inputs)}) -> {self.typed(self.outputs)}{made}"
        header = format_ == "csv" and self.chance(0.5)
        columns = f" columns={','.join(ports)}" if format_ != "jsonl" and not header and self.chance(0.5) else ""
        data = f'train "train.{format_}"{" header" * header}{columns}'
        if header:
            named = [f"{port}={','.join(titles(port, rows[0]))}" for port in ports if isinstance(rows[0][port], list)]
            data += "".join(f"\n  columns {each}" for each in named)
        blocks = ATTENDED * ("attended" in body) + MIXED * ("mixed" in body)
        spec = f"{blocks}model m{signature} {{\n{body}\n}}\n{self.data(data)}{self.train()}"
        write = FORMATS[format_]
        examples = [tuple(row[name] for name in self.inputs) for row in rows[:2]]
        if self.lists or any(isinstance(part, list) for row in examples for part in row):
            examples = []
        if "dense sigmoid" in body and self.chance(0.3):
            spec += "predict { threshold 0.4 }\n"
        return Sample(self.seed, self.broken(spec), lambda folder: write(folder, ports, rows, header), examples)

    def typed(self, ports: Ports) -> str:
        return ", ".join(f"{name}: {sort}" for name, (sort, _) in ports.items())

    # Ports and rows

    def ports(self) -> None:
        for i in range(self.random.choice((1, 1, 1, 2, 3))):
            name = f"x{i}"
            match self.random.randrange(8):
                case 0 | 1 | 2:
                    options = self.options("lower", "punctuation", "min=2", "max=5", "keep=6", "reverse", "marks")
                    self.inputs[name] = (f"words{options}", self.text)
                    if self.chance(0.2):
                        self.inputs[name] = ("words", lambda row: self.text(row).split())
                        self.inputs[f"{name}_tags"] = (f"category per {name}", self.tags(name))
                        self.lists = True
                case 3 if self.chance(0.4):
                    of_pair = self.options("lower", "punctuation", "min=2", "max=7", "keep=6")
                    self.inputs[name] = (f"sentence_pair{of_pair}", self.text)
                case 3 if self.chance(0.5):
                    self.inputs[name] = (
                        f"sentences{self.options('lower', 'punctuation', 'max=2', 'min=2')}",
                        self.document,
                    )
                case 3:
                    unit = self.pick("chars", "subwords[9]")
                    self.inputs[name] = (f"{unit}{self.options('lower', 'max=9', 'marks')}", self.text)
                case 4 | 5:
                    sort = f"category{self.options('min=2', 'keep=2')}"
                    self.inputs[name] = (sort, lambda row: self.pick("red", "green", "blue"))
                case _:
                    self.inputs[name] = self.numbers()
        for i in range(self.random.choice((1, 1, 1, 2))):
            if self.chance(0.65):
                labels = ("no", "yes", "maybe")[: self.random.choice((2, 3))]
                if len(labels) == 2:
                    self.pairs.add(f"y{i}")
                self.outputs[f"y{i}"] = ("class", lambda row, of=labels: self.pick(*of))
            else:
                self.outputs[f"y{i}"] = self.numbers()
        for name in (name for name, (sort, _) in self.inputs.items() if self.chance(0.15 if "real" in sort else 0.01)):
            self.made[f"again_{name}"] = f"copy({name})"
        if self.chance(0.1):
            self.made["small"] = "penalty"

    def numbers(self) -> tuple[str, Callable[[Row], object]]:
        width = self.random.choice((0, 0, 1, 3))
        size = f"[{width}]" if width else ""
        draw: Callable[[Row], object] = lambda row: round(self.random.gauss(0, 1), 3)  # noqa: E731
        several: Callable[[Row], object] = lambda row: [draw(row) for _ in range(width)]  # noqa: E731
        return f"real{size}{self.options('standard')}", several if width > 1 else draw

    def text(self, row: Row) -> str:
        return " ".join(self.pick(*VOCABULARY) for _ in range(self.random.randrange(1, 9)))

    def document(self, row: Row) -> str:
        return " ".join(self.text(row) + self.pick(".", "!", " ?") for _ in range(self.random.randrange(1, 4)))

    def tags(self, of: str) -> Callable[[Row], object]:
        def draw(row: Row) -> object:
            words = row[of]
            assert isinstance(words, list)
            return [self.pick("N", "V", "D") for _ in words]

        return draw

    def row(self) -> Row:
        row: Row = {}
        for name, (_, draw) in (*self.inputs.items(), *self.outputs.items()):
            row[name] = draw(row)
        return row

    def pictures(self) -> Sample:
        height, width = self.random.choice(((2, 3), (4, 4)))
        each = self.chance(0.4)
        ending = ["dense softmax"] if each else ["flatten", *self.vector_layers(), "dense softmax"]
        files = 'train x="x.idx3-ubyte" y="y.idx1-ubyte"'
        sort = "class per x" if each else "class"
        body = "\n".join(f"  {layer}" for layer in [*self.picture_layers(same=each and self.chance(0.8)), *ending])
        spec = f"model m(x: image[{height},{width}]) -> y: {sort} {{\n{body}\n}}\n{self.data(files)}{self.train()}"
        pixels = self.random.randbytes(ROWS * height * width)
        labels = bytes(self.random.randrange(3) for _ in range(ROWS * (height * width if each else 1)))

        def write(folder: Path) -> None:
            shape = struct.pack(">3I", ROWS, height, width)
            (folder / "x.idx3-ubyte").write_bytes(b"\0\0\x08\x03" + shape + pixels)
            head = b"\0\0\x08\x03" + shape if each else b"\0\0\x08\x01" + struct.pack(">I", ROWS)
            (folder / "y.idx1-ubyte").write_bytes(head + labels)

        return Sample(self.seed, self.broken(spec), write, [])

    # Layers

    def body(self) -> str:
        lines: list[str] = []
        last: list[str] = []
        for name, (sort, _) in self.inputs.items():
            value = f"v_{name}"
            if sort.startswith("real"):
                layers = [f"dense {self.size()}"] if self.chance(0.5) else []
            elif sort.startswith("category") and "per" not in sort:
                layers = [self.pick(f"embed {self.size()}", "onehot")]
            elif sort.startswith("sentences"):
                inner, layers = self.sequence(), self.sequence()
                layers = (
                    [f"each {{ {' ; '.join(inner)} }}", *layers[1:]] if layers != ["bag"] else ["each { bag }", "mean"]
                )
            else:
                layers = self.sequence()
            lines.append(f"  {value} = " + " | ".join([name, *layers]))
            last.append(value)
        joined = f"concat({', '.join(last)})" if len(last) > 1 else last[0]
        lines.append(f"  h = {joined} | dense {self.size()}")
        layers = self.vector_layers()
        if len(self.outputs) == 1 and not self.made:
            name, (sort, _) = next(iter(self.outputs.items()))
            return "\n".join([*lines, *(f"  {layer}" for layer in layers), f"  {self.head(name, sort)}"])
        lines.append("  z = " + " | ".join(["h", *layers, f"dense {self.size()} {self.pick(*ACTIVATIONS)}"]))
        for name, (sort, _) in self.outputs.items():
            lines.append(f"  {name} = z | {self.head(name, sort)}")
        for name, sort in self.made.items():
            small = self.pick("abs(z)", "z * z", *last)
            lines.append(
                f"  {name} = {small}" if sort == "penalty" else f"  {name} = z | {self.pick('dense', 'dense tanh')}"
            )
        return "\n".join(lines)

    def size(self) -> int:
        return self.random.choice((1, 2, 3, 5, 8))

    def head(self, name: str, sort: str) -> str:
        if sort.startswith("class"):
            few = ["dense sigmoid"] * 4 if name in self.pairs else []
            return self.pick(*["dense softmax"] * 9, *few, "dense sign", "dense")
        return self.pick(*["dense"] * 12, "dense tanh", "dense 3")

    def sequence(self) -> list[str]:
        if self.chance(0.1):
            return ["bag"]
        width = self.size()
        options = ["scaled", "frozen", "init=uniform scale=0.1", "init=normal"]
        table = f"embed {width}" + "".join(f" {o}" for o in options if self.chance(0.1))
        near = f"{table} n={self.pick('2', '3')} min={self.pick('1', '2')}{self.pick('', ' before')}"
        layers = [self.pick(table, table, table, "onehot", near, self.spelling())]
        for _ in range(self.random.randrange(3)):
            layers.append(self.sequence_layer(width))
        layers += self.random.choice(
            (["maxpool"], ["mean"], ["sum"], ["last"], ["first"], ["avgpool"], ["maxpool k=2", "flatten"],
             [f"attended {self.pick('1', '1', '2', '3')}", "flatten"])
        )  # fmt: skip
        return layers

    def spelling(self) -> str:
        width, how = self.size(), "".join(f" {o}" for o in ("max=3", "min=2", "marks") if self.chance(0.2))
        inner = [f"embed {width}", *(self.sequence_layer(width) for _ in range(self.random.randrange(2)))]
        return f"spelling{how} {{ {' ; '.join([*inner, self.pick('maxpool', 'last', 'mean')])} }}"

    def sequence_layer(self, width: int) -> str:
        match self.random.randrange(10):
            case 0 | 1:
                kernels = self.pick("2", "3", "k=2,3", "k=1,3,4")
                filters = f" filters={self.size()}" if self.chance(0.95) else ""
                more = [option for option in (" stride=2", " dilation=2") if self.chance(0.25)]
                more.append(self.pick("", " narrow", " wide", " same", " causal"))
                return f"conv {kernels}{filters}{''.join(more)} {self.pick(*ACTIVATIONS)}"
            case 2:
                return f"dense {self.size()} {self.pick(*ACTIVATIONS)}"
            case 3:
                return self.pick("layernorm", "layernorm rms", "batchnorm")
            case 4:
                return self.pick("corrupt 0.3", "dropout 0.5", "dropout 0.3 words", "dropout 0.2 variational")
            case 5:
                return self.pick("maxpool window=2", "avgpool window=3 stride=1", "maxpool window=3 stride=2")
            case 6:
                return f"residual {{ conv 3 filters={width} same tanh }}"
            case 7:
                return f"repeat {self.pick('2', '3 shared')} {{ conv 3 filters={width} same relu }}"
            case 8:
                return self.attention(width)
            case _:
                return f"parallel {{ conv 3 filters=2 same ; dense {self.size()} }}"

    def attention(self, width: int) -> str:
        heads = self.pick(*(str(n) for n in range(1, width + 1) if width % n == 0 or self.chance(0.1)))
        more = "".join(f" {o}" for o in ("causal", "dropout=0.2", "init=xavier", "relative=8") if self.chance(0.2))
        return self.pick(
            f"attention heads={heads}{more}", f"residual {{ attention heads={heads}{more} }}", "positions sinusoid",
            f"positions learned{self.pick('', ' max=7')}", f"encoder_layer heads={heads} ff=4",
            f"causal_layer heads={heads} ff=3 p=0",
        )  # fmt: skip

    def picture_layers(self, same: bool = False) -> list[str]:
        """Some of whose windows are larger than what is left of a picture; same: the size stays."""
        layers: list[str] = []
        for _ in range(self.random.randrange(3)):
            kernel, padding = self.pick("1", "2", "3", "k=2,3"), self.pick("", " same", " same", " wide")
            stride = self.pick("", "", " stride=2", " dilation=2")
            if same:
                padding, stride = " same", ""
            conv = f"conv2d {kernel} filters={self.size()}{stride}{padding} {self.pick(*ACTIVATIONS)}"
            pool = self.pick("maxpool2d 2", "maxpool2d 2 stride=1", "avgpool2d 2", "avgpool2d window=1,2 stride=1")
            width = self.size()
            block = f"conv2d 1 filters={width} | residual {{ conv2d 3 filters={width} same relu }}"
            if same:
                layers.append(self.pick(conv, conv, "maxpool2d 2 | upsample2d 2", "batchnorm", block, "corrupt 0.3"))
                continue
            layers.append(self.pick(conv, conv, pool, "upsample2d 2", "batchnorm", "avgpool2d", block, "dropout 0.3"))
        return layers

    def vector_layers(self) -> list[str]:
        layers: list[str] = []
        for _ in range(self.random.randrange(4)):
            size = self.size()
            layers.append(
                self.pick(
                    f"dense {size} {self.pick(*ACTIVATIONS)}", "layernorm", "batchnorm", "dropout 0.4",
                    "corrupt 0.2", f"dense {size} | mixed", "relu", "tanh",
                    f"dense {size} | residual {{ dense {size} tanh }}", f"repeat 2 {{ dense {size} relu }}",
                    f"parallel {{ dense {size} ; dense 2 }}", f"dense {size} init={self.pick('zeros', 'he', 'xavier')}",
                )
            )  # fmt: skip
        return layers
