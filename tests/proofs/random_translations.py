"""Random models that write a text from a text: decoders of cells and of attention, pointers, pieces of words, beams."""

from __future__ import annotations

from tests.compiler.random_cells import random_cell
from tests.proofs.random_recurrent import written
from tests.proofs.random_specs import ROWS, VOCABULARY, Sample, Writer

LETTERS = "abcdef"
SHARED = "(vocabulary=x)"


def translation_sample(seed: int) -> Sample:
    return TranslationWriter(seed).translator()


class TranslationWriter(Writer):
    """width: of what is looked at; read, told: the sorts of both texts"""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        # No balanced classes and no perceptron: `train` asks what the ports are.
        self.outputs = {"y": ("text", lambda row: None)}
        self.width = self.random.choice((2, 4))
        self.read = self.told = ""

    def translator(self) -> Sample:
        kind = self.pick("looks", "looks", "layers", "cell", "plain", "mixed", "pointer")
        unit = self.pick("words", "words", "chars", "subwords[12]")
        self.read = f"{unit}{self.options('lower', 'min=2', 'max=7')}"
        self.told = f"{unit}{self.options('lower', 'max=6', 'reverse')}"
        if kind in ("mixed", "pointer"):
            self.read, self.told = f"{unit}{'(marks)' * (kind == 'pointer' or self.chance(0.3))}", f"{unit}{SHARED}"
        elif self.chance(0.2):
            self.told = f"{unit}{SHARED}"
        body = f"  memory = {self.memory()}\n  decode {{\n{self.decoder(kind)}  }}\n"
        cell = random_cell(self.seed, attends=True) if kind == "cell" else ""
        data = self.data('train "train.tsv" columns=x,y')
        train = self.train()
        if self.chance(0.3):
            share = self.pick("from=0.5", "to=0", "from=1 to=0.2 epochs=1", "to=0.5 epochs=3")
            train = train.replace("}", f"  teacher {share}\n}}", 1)
        how = self.pick("", "", "greedy max=4", "beam 2", "beam 3 max=5 length=1", "sample temperature=0.7 top=3")
        predict = f"predict {{ {how} }}\n" if how else ""
        spec = f"{cell}model m(x: {self.read}) -> y: {self.told} {{\n{body}}}\n{data}{train}{predict}"
        rows = [self.pair(unit, kind == "pointer") for _ in range(ROWS)]
        content = "".join(f"{source}\t{target}\n" for source, target in rows)
        drawn = "sample" in how
        return Sample(self.seed, self.broken(spec), written("train.tsv", content), [], texts=[] if drawn else rows[:3])

    def memory(self) -> str:
        """A vector for each position of what is read."""
        width = self.width
        layers = (
            f"{self.pick('gru', 'lstm', 'elman')} {width // 2} bidir",
            f"gru {width}",
            f"conv 3 filters={width} same tanh",
            f"positions sinusoid | encoder_layer heads={self.pick('1', '2')} ff=3",
            f"attention heads=2{self.pick('', ' relative=8')} | dense {width}",
            "dropout 0.3",
        )
        return f"x | embed {width}" + "".join(f" | {self.pick(*layers)}" for _ in range(self.random.randrange(1, 3)))

    def decoder(self, kind: str) -> str:
        size, width = self.size(), self.width
        look = "h | attend(memory) as look" if self.chance(0.5) else f"h | dense {width} | attend(memory) dot as look"
        fed = f"h = embed {size} | {self.pick('gru', 'lstm', 'leaky')} {self.size()}"
        match kind:
            case "plain":
                lines = [f"embed {size}", f"gru {self.size()}", "attend(memory)"]
            case "cell":
                lines = [f"embed {size}", f"c(memory) {width}"]
            case "layers":
                again = self.pick("", "", " relative=8")
                lines = [f"embed {width}", self.pick("positions sinusoid", "positions learned max=30")]
                lines += [
                    self.pick(
                        f"decoder_layer(memory) heads=2 ff=3 p={self.pick('0', '0.2')}",
                        f"attention causal heads=2{again} | attention(memory) heads=1",
                    )
                ]
            case "looks":
                lines = [fed, f"a = {look}", "concat(h, a)", f"dense {size} tanh"]
            case _:
                lines = [fed, f"a = {look}"]
        match kind:
            case "pointer":
                lines += ["look.weights | pointer(x)"]
            case "mixed":
                lines += ["p = concat(h, a) | dense 1 sigmoid", "made = h | dense softmax"]
                lines += ["p * made + (1 - p) * (look.weights | pointer(x))"]
            case _:
                lines += ["dense softmax"]
        return "".join(f"    {line}\n" for line in lines)

    def pair(self, unit: str, copies: bool) -> tuple[str, str]:
        """A text, and one that may be told from it; copies: with its words alone."""
        tokens = list(LETTERS) if unit == "chars" else list(VOCABULARY)
        between = "" if unit == "chars" else " "
        source = [self.pick(*tokens) for _ in range(self.random.randrange(1, 7))]
        chosen = source if copies else tokens
        target = [self.pick(*chosen) for _ in range(self.random.randrange(1, 6))]
        return between.join(source), between.join(target)
