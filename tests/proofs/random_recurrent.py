"""Random taggers and language models with small data that fits them: cells, CRFs, spelling, n-grams, streams."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.compiler.random_cells import random_cell
from tests.proofs.random_specs import ROWS, VOCABULARY, Sample, Writer

CELLS = ("elman", "srn", "leaky", "leaky_deep", "gru", "gru_after", "lstm", "lstm_1997", "lstm_peephole", "c", "c")
TAGS = {
    "class": ("N", "V", "D"),
    "spans": ("O", "B-P", "I-P", "B-L", "I-L"),
}


def recurrent_sample(seed: int) -> Sample:
    writer = RecurrentWriter(seed)
    return writer.language_model() if writer.chance(0.4) else writer.tagger()


class RecurrentWriter(Writer):
    """stateful: the model runs along one stream; sort: of the text; ways: in which its cells go.

    attends: the spec's own cell looks at all of the text, too
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.stateful = self.attends = False
        self.sort = "words"
        self.ways: tuple[str, ...] = ("", " bidir", " bidir", " reverse")
        # No balanced classes, no perceptron, no batches of tokens: `train` asks what the ports are.
        self.outputs = {"y": ("tags", lambda row: None)}

    # Taggers

    def tagger(self) -> Sample:
        kind = self.pick("class", "class", "spans", "segments")
        self.sort = "chars" if kind == "segments" else self.pick("words", "words", "words", "chars")
        options = self.options("lower", "min=2", "max=5", "reverse", "marks") if self.chance(0.4) else ""
        self.attends = self.chance(0.3)
        first = f"{'e = ' * self.attends}{self.views()}"
        lines = [first, *self.layers(), "dropout 0.3" if self.chance(0.3) else ""]
        head = "dense softmax" if self.chance(0.5) else "dense crf"
        text = f"model m(x: {self.sort}{options}) -> y: {kind} per x {{\n{self.lines([*lines, head])}}}\n"
        file = "train.txt" if kind == "segments" else "train.tsv"
        columns = "" if kind == "segments" else " columns=x,y"
        rows = [self.segmented() if kind == "segments" else self.tagged(TAGS[kind]) for _ in range(ROWS)]
        cell = random_cell(self.seed, attends=self.attends)
        spec = cell + text + self.data(f'train "{file}"{columns}') + self.train()
        # A line end between the tokens of a text, and an empty line between two texts.
        content = "".join(f"{row}\n" for row in rows)
        examples = [("a film good",), ("b",), (" ".join(VOCABULARY),)]
        return Sample(self.seed, self.broken(spec), written(file, content), examples)

    def tagged(self, tags: tuple[str, ...]) -> str:
        tokens = VOCABULARY if self.sort == "words" else "abcde"
        return "".join(f"{self.pick(*tokens)}\t{self.pick(*tags)}\n" for _ in range(self.random.randrange(1, 8)))

    def segmented(self) -> str:
        return " ".join(self.pick(*VOCABULARY) for _ in range(self.random.randrange(1, 6)))

    # Language models

    def language_model(self) -> Sample:
        self.sort = self.pick("words", "chars", "subwords[12]")
        way = self.pick("next", "next", "next", "previous")
        self.ways = ("",) if way == "next" else (" reverse",)
        self.stateful = way == "next" and self.chance(0.6)
        options = self.options("lower", "min=2", "max=9") if self.chance(0.3) else ""
        size = self.size()
        lines = [f"embed {size}", *self.layers(), "dense softmax"]
        text = f"model m(x: {self.sort}{options}) -> y: {way}(x) {{\n{self.lines(lines)}}}\n"
        entries = "\n  ".join(['train "train.txt"', *(["valid 10% last"] if self.chance(0.4) else [])])
        train = self.train()
        if self.stateful and self.chance(0.8):
            train = train.replace("}", f"  unroll {self.pick('1', '3', '7', '500')}\n}}", 1)
        spec = random_cell(self.seed) + text + f"data {{\n  {entries}\n  format text\n}}\n" + train
        content = "".join(self.segmented() + "\n" for _ in range(ROWS))
        prompt = "a film" if way == "next" else None
        return Sample(self.seed, self.broken(spec), written("train.txt", content), [], prompt)

    # Layers

    def views(self) -> str:
        """What the text becomes first: one look at it, or several side by side."""
        views = [f"embed {self.size()}"]
        for _ in range(self.random.randrange(3)):
            near = f"embed {self.size()} n={self.pick('2', '3')}{self.pick('', ' before')}{self.pick('', ' min=2')}"
            views.append(self.pick(near, near, "onehot") if self.sort == "chars" else self.pick(near, self.spelling()))
        joined = ", ".join(f"(x | {view})" for view in views)
        return f"concat({joined})" if len(views) > 1 else views[0]

    def layers(self) -> list[str]:
        return [self.layer() for _ in range(self.random.randrange(1, 4))]

    def layer(self) -> str:
        size = self.size()
        if self.chance(0.15):
            conv = f"conv 3 filters={size} {'same' if len(self.ways) > 1 else 'causal'} tanh"
            look = f"attention{'' if len(self.ways) > 1 else ' causal'}"
            return self.pick(f"dense {size} tanh", "layernorm", "dropout 0.3", conv, look)
        cell = self.pick(*CELLS)
        use = f"{cell}{'(e)' * (self.attends and cell == 'c')} {size}"
        if self.stateful and self.chance(0.9):
            return f"{use}{self.pick('', ' layers=2 dropout=0.2')} stateful"
        use += self.pick("", "", "", " layers=2", " layers=2 dropout=0.3", " dropout=0.3 variational")
        use += self.pick(*self.ways)
        return f"residual {{ dense {size} ; {use} ; dense {size} }}" if self.chance(0.05) else use

    def lines(self, lines: list[str]) -> str:
        return "".join(f"  {line}\n" for line in lines if line)


def written(file: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / file).write_text(content, "utf-8")

    return write
