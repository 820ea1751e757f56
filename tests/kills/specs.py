"""Small runs that have all that a checkpoint must hold: phases, folds, chance, schedules, states."""

from __future__ import annotations

from pathlib import Path

DATA = 'data { train "train.tsv" ; valid "valid.tsv" ; test "valid.tsv" }'
MODEL = """model m(text: words) -> label: class {
  embed 5 as emb
  dropout 0.3
  maxpool
  dense softmax
}
"""
SPECS = {
    "phases": f"""{MODEL}{DATA}
train first {{ adam lr=0.05 ; batch 8 ; epochs 3 ; schedule plateau patience=0 }}
train second {{ sgd lr=0.05 momentum=0.9 ; batch tokens=25 ; epochs 6 ; stop patience=2 ; freeze emb }}
""",
    "folds": f"""{MODEL}data {{ train "train.tsv" ; folds 2 ; valid 20% }}
train {{ adagrad lr=0.05 ; batch 8 ; steps 14 ; schedule cosine warmup=3 }}
""",
    "faults": f"""{MODEL}{DATA}
train {{ adam lr=0.05 ; batch 20 ; epochs 2 }}
""",
    "stream": """model m(text: words) -> next: next(text) {
  embed 5
  lstm 4 dropout=0.3 variational stateful
  dense softmax
}
data { train "train.tsv" ; valid "valid.tsv" ; format text }
train { adam lr=0.05 ; batch 4 ; unroll 5 ; epochs 3 }
""",
    "plain": f"""{MODEL}{DATA}
train {{ adamw lr=0.05 ; batch 8 ; epochs 5 }}
""",
}
ROWS = [("good", "a fine thing"), ("bad", "a poor thing"), ("good", "fine fine work"), ("bad", "poor work indeed")]
DIFFERS = "times.jsonl"
"""The one file of a run that is not the same each time."""


def write_all(folder: Path) -> None:
    for name, times in (("train", 10), ("valid", 2)):
        (folder / f"{name}.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in ROWS) * times)
    for name, text in SPECS.items():
        (folder / f"{name}.nn").write_text(text)


def contents(run: Path) -> dict[str, bytes]:
    """The bytes of every file of a run, strays of killed processes too."""
    files = (path for path in run.rglob("*") if path.is_file() and path.name != DIFFERS)
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(files)}
