"""Random forecasters with a small series that fits them: lags, sequences, other columns, several rows ahead, gaps."""

from __future__ import annotations

from pathlib import Path

from tests.proofs.random_specs import Sample, Writer

ROWS = 60
DAYS = ("mo", "tu", "we")


def series_sample(seed: int) -> Sample:
    return SeriesWriter(seed).forecaster()


class SeriesWriter(Writer):
    """columns: of each series that is read; gaps: some of their numbers are missing"""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.columns: dict[str, int] = {}
        # No balanced classes, no perceptron, no batches of tokens: `train` asks what the ports are.
        self.outputs = {"y": ("real", lambda row: None)}
        self.gaps = self.chance(0.3)

    def forecaster(self) -> Sample:
        values = [self.series(name) for name in ("a", "b")[: self.random.choice((1, 1, 2))]]
        now, day = self.chance(0.3), self.chance(0.3)
        inputs = [f"{name}: {sort}" for name, sort, _ in values]
        inputs += ["now: real(standard)"] * now + ["day: category"] * day
        steps = self.pick("", "", "[1]", "[3]")
        told = [f"y: next{steps}({values[0][0]})"] + ["z: next(a)"] * self.chance(0.2) + ["w: real"] * self.chance(0.1)
        parts = [value for _, _, value in values] + ["now"] * now + ["(day | embed 2)"] * day
        lines = [f"concat({', '.join(parts)})" if len(parts) > 1 else parts[0]]
        lines += [self.pick("dense 4 tanh", "dense 3 relu", "dropout 0.2") for _ in range(self.random.randrange(3))]
        lines.append("h = dense 3")
        lines += [f"{port.partition(':')[0]} = h | dense" for port in told]
        body = "".join(f"  {line}\n" for line in lines)
        text = f"model m({', '.join(inputs)}) -> {', '.join(told)} {{\n{body}}}\n"
        # The sum over a batch of numbers that are not scaled may grow without end.
        train = self.train().replace("  loss sum\n", "").replace("  loss y0=0.5\n", "")
        spec = text + self.entries() + train
        table = self.table(ROWS)
        past = {**table, "now": table["w"]} if not self.gaps else None
        return Sample(self.seed, self.broken(spec), lambda folder: self.write(folder, table), [], past=past)

    def series(self, name: str) -> tuple[str, str, str]:
        """Its name, its sort, and how it comes to be a vector."""
        steps, options = self.random.randrange(1, 7), self.options("standard")
        if self.chance(0.5):
            self.columns[name] = 1
            return name, f"series[{steps}]{options}", name
        width = self.random.randrange(1, 4)
        self.columns[name] = width
        look = self.pick(
            "flatten", "last", "gru 3 | last", "conv 2 filters=3 causal tanh | last", "lstm 2 bidir | mean"
        )
        return name, f"series[{steps},{width}]{options}", f"({name} | {look})"

    def entries(self) -> str:
        named = [f"{name}={','.join(self.headings(name))}" for name, width in self.columns.items() if width > 1]
        entries = ['train "train.csv" header', *(f"columns {each}" for each in named)]
        entries += [entry for entry in ("valid 20% last", "test 20% last") if self.chance(0.5)]
        entries += [self.pick("missing skip", "missing last")] if self.gaps or self.chance(0.2) else []
        self.valid = "valid 20% last" in entries
        return "data {\n" + "".join(f"  {entry}\n" for entry in entries) + "}\n"

    def headings(self, name: str) -> list[str]:
        return [name] if self.columns[name] == 1 else [f"{name}{i}" for i in range(self.columns[name])]

    def table(self, rows: int) -> dict[str, list[object]]:
        """The columns by heading: of the file, and for a program by the names of the inputs."""
        numbers = {
            h: [round(self.random.gauss(0, 2), 2) for _ in range(rows)] for n in self.columns for h in self.headings(n)
        }
        found: dict[str, list[object]] = {**numbers, "w": [self.random.randrange(5) for _ in range(rows)]}
        found["day"] = [self.pick(*DAYS) for _ in range(rows)]
        for name, width in self.columns.items():
            found[name] = [
                [numbers[h][i] for h in self.headings(name)] if width > 1 else numbers[name][i] for i in range(rows)
            ]
        return found

    def write(self, folder: Path, table: dict[str, list[object]]) -> None:
        headings = [h for name in self.columns for h in self.headings(name)]
        lines = [",".join([*headings, "now", "day", "w"])]
        for i in range(ROWS):
            fields = ["NA" if self.gaps and self.random.random() < 0.02 else str(table[h][i]) for h in headings]
            lines.append(",".join([*fields, str(table["w"][i]), str(table["day"][i]), str(table["w"][i])]))
        (folder / "train.csv").write_text("\n".join(lines) + "\n", "utf-8")
