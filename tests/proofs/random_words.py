"""Random models of single words: read one by one and in sets, predicted from each other, out of windows or columns."""

from __future__ import annotations

from tests.proofs.random_recurrent import written
from tests.proofs.random_specs import ROWS, VOCABULARY, Sample, Writer

LONGEST = 9
"""Words of a line."""


def word_sample(seed: int) -> Sample:
    writer = WordWriter(seed)
    return writer.of_windows() if writer.chance(0.5) else writer.of_columns()


class WordWriter(Writer):
    """What predicts a word ends in a head of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        # No balanced classes and no perceptron: `train` asks what the ports are.
        self.outputs = {"y": ("word", lambda row: None)}

    def of_windows(self) -> Sample:
        """Skip-gram and CBOW over a running text; sometimes the windows are not the model's."""
        bag = self.chance(0.5)
        kind = "cbow" if bag == self.chance(0.9) else "skipgram"
        sort = f"bag(word{self.more()})" if bag else f"word{self.options('lower', 'punctuation', 'min=2', 'keep=6')}"
        shares = self.pick(*["(vocabulary=x)"] * 9, "")
        settings = "".join(f" {o}" for o in ("radius=2", "shrink") if self.chance(0.4))
        data = self.data(f'train "train.txt" windows={kind}{settings}')
        if self.chance(0.3):
            data = data.replace("}", f"  subsample {self.pick('0.5', '0.2', '2')}\n}}")
        body = self.body_of("mean" if bag else "", "y")
        spec = f"model m(x: {sort}) -> y: word{shares} {{\n{body}}}\n{data}{self.train()}"
        lines = [" ".join(self.pick(*VOCABULARY) for _ in range(self.random.randint(1, LONGEST))) for _ in range(ROWS)]
        examples: list[tuple[object, ...]] = [("film good",), ("unheard",)] if bag else [("film",), ("unheard",)]
        return Sample(
            self.seed, self.broken(spec), written("train.txt", "".join(f"{row}\n" for row in lines)), examples
        )

    def of_columns(self) -> Sample:
        """A word and a set of words in columns, with a class or a word to tell."""
        output = self.pick("class", "class", "word", "word(vocabulary=a)")
        if output == "class":
            self.outputs = {"y": ("class", lambda row: None)}
        lines = [
            f"  u = a | embed {self.size()}\n",
            f"  v = b | {self.pick(f'embed {self.size()} | mean', 'bag', f'embed {self.size()} | maxpool')}\n",
            "  concat(u, v)\n",
        ]
        body = "".join(lines) + self.body_of("", "y" if output != "class" else None, first=False)
        vocabulary = ", vocabulary=a" if self.chance(0.3) else ""
        inputs = f"a: word{self.options('lower', 'min=2', 'keep=5')}, b: bag(word{vocabulary})"
        data = self.data('train "train.tsv" columns=y,a,b')
        spec = f"model m({inputs}) -> y: {output} {{\n{body}}}\n{data}{self.train()}"
        rows: list[str] = []
        for _ in range(ROWS):
            target = self.pick("no", "yes") if output == "class" else self.pick(*VOCABULARY)
            bag = " ".join(self.pick(*VOCABULARY) for _ in range(self.random.randint(1, 4)))
            rows.append(f"{target}\t{self.pick(*VOCABULARY)}\t{bag}\n")
        examples: list[tuple[object, ...]] = [("film", "a good"), ("unheard", "plot")]
        return Sample(self.seed, self.broken(spec), written("train.tsv", "".join(rows)), examples)

    def more(self) -> str:
        return "".join(f", {option}" for option in ("lower", "min=2", "keep=6") if self.chance(0.2))

    def body_of(self, pooled: str, word: str | None, *, first: bool = True) -> str:
        """word: the output that is a word, None for a class"""
        lines = [f"embed {self.size()}{self.pick('', '', ' init=normal')}", pooled] if first else []
        if self.chance(0.4):
            lines.append(f"dense {self.size()} tanh")
        heads = ("dense negatives=2", "dense negatives=3 power=0.5", "dense hierarchical", "dense softmax", "dense")
        lines.append(self.pick(*heads) if word is not None else "dense softmax")
        return "".join(f"  {line}\n" for line in lines if line)
