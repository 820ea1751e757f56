"""`python -m benchmarks word_vectors --data-root DIR [--only NAME] [--epochs N] [--seed N] [--json]`: beside gensim.

Skip-gram and CBOW, each with negative samples and with a Huffman tree, on the same corpus with the same settings. One
measure for both: Spearman's correlation on WordSim-353 and the share of right analogies, over the pairs and questions
whose words both know. Of a word whose share of the text is f, nnc keeps sqrt(t / f) as in the paper, gensim
sqrt(t / f) + t / f as in word2vec.c: our t is the one by which as many words stay. CBOW's rate is another too: why is
said in docs/vectors.md. Words a second are those of the corpus times epochs over the seconds of training, gensim with
two workers. They run one after the other, so the ratio is of one run each; `--of nnc` or `--of gensim` runs one alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import parser
from nnc.opening import open_model
from nnc.vectors import asked_of, vectors_of
from runtime.data.files import read_text
from runtime.data.tokens import OWN_IDS, Vocabulary
from runtime.word_vectors import AnalogyScores, SimilarityScores, WordVectors

CORPUS = "word2vec/corpus_en.txt.gz"
SIZE, RADIUS, LEAST, SUBSAMPLE, NEGATIVES, LAST_RATE = 100, 5, 5, 1e-4, 5, 1e-4
WORKERS = 2


@dataclass(frozen=True)
class Setting:
    name: str
    spec: str
    head: str
    rate: float
    """gensim's, where its schedule begins: its own defaults; ours stands in the shipped spec"""

    @property
    def skipgram(self) -> bool:
        return self.spec == "skipgram"

    @property
    def hierarchical(self) -> bool:
        return self.head == "dense hierarchical"


SETTINGS = tuple(
    Setting(f"{window}-{short}", window, head, rate)
    for window, rate in (("skipgram", 0.025), ("cbow", 0.05))
    for short, head in (
        ("negatives", f"dense negatives={NEGATIVES} power=0.75"),
        ("hierarchical", "dense hierarchical"),
    )
)


@dataclass(frozen=True)
class Measured:
    similarity: float
    """Spearman's, WordSim-353"""
    analogies: float
    """the share that is right"""
    asked: tuple[int, int]
    """pairs and questions whose words are known"""
    words_per_second: float


def same_share(counts: np.ndarray, t: float) -> float:
    """The t of the paper's formula that keeps as many words as word2vec.c's with this t. counts: of each word."""
    share = counts / counts.sum()
    wanted = share @ np.minimum(1, np.sqrt(t / share) + t / share)
    low, high = t, 4 * t
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if share @ np.minimum(1, np.sqrt(middle / share)) < wanted else (low, middle)
    return low


def ours(setting: Setting, root: Path, epochs: int, seed: int, kernels: str, folder: Path) -> Measured:
    """Raises CalledProcessError where the training fails, which has said why by then."""
    shipped = Path("specs", f"{setting.spec}.nn").read_text(encoding="utf-8")
    lines = [f"  {setting.head}" if line.strip().startswith("dense ") else line for line in shipped.splitlines()]
    spec = folder / "spec.nn"
    spec.write_text("\n".join(lines), encoding="utf-8")
    run = folder / "run"
    command = ["train", str(spec), "--data-root", str(root), "--out", str(run), "--seed", str(seed)]
    counts = np.array([n for n in Counter(read_text(root / CORPUS).text.split()).values() if n >= LEAST])
    changes = ["--set", f"train.epochs={epochs}", "--set", f"data.subsample={same_share(counts, SUBSAMPLE):.3g}"]
    subprocess.run(
        [sys.executable, "-m", "nnc", *command, *changes, "--kernels", kernels], check=True, stdout=sys.stderr
    )
    times = (run / "times.jsonl").read_text(encoding="utf-8").splitlines()
    seconds = sum(json.loads(line)["seconds"] for line in times)
    return _measured(vectors_of(open_model(run), None), root, epochs, seconds)


def gensims(setting: Setting, root: Path, epochs: int, seed: int) -> Measured:
    from gensim.models import Word2Vec

    sentences = [line.split() for line in read_text(root / CORPUS).text.splitlines()]
    model = Word2Vec(
        vector_size=SIZE,
        window=RADIUS,
        min_count=LEAST,
        sample=SUBSAMPLE,
        sg=int(setting.skipgram),
        hs=int(setting.hierarchical),
        negative=0 if setting.hierarchical else NEGATIVES,
        ns_exponent=0.75,
        alpha=setting.rate,
        min_alpha=LAST_RATE,
        workers=WORKERS,
        seed=seed,
    )
    model.build_vocab(sentences)
    start = time.perf_counter()
    model.train(sentences, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.perf_counter() - start
    table = np.concatenate((np.zeros((OWN_IDS, SIZE), np.float32), model.wv.vectors))
    return _measured(WordVectors(Vocabulary(tuple(model.wv.index_to_key)), table), root, epochs, seconds)


def _measured(vectors: WordVectors, root: Path, epochs: int, seconds: float) -> Measured:
    alike = asked_of(vectors, read_text(root / "word2vec/wordsim353.tsv"))
    questions = asked_of(vectors, read_text(root / "word2vec/questions-words.txt.gz"))
    assert isinstance(alike, SimilarityScores)
    assert isinstance(questions, AnalogyScores)
    words = sum(len(line.split()) for line in read_text(root / CORPUS).text.splitlines())
    asked = alike.covered, questions.covered
    return Measured(alike.spearman, questions.accuracy, asked, words * epochs / seconds)


def main() -> None:
    options = parser("word_vectors", __doc__)
    options.add_argument("--data-root", type=Path, required=True, metavar="DIR", help="where word2vec/ lies")
    options.add_argument("--only", default="", metavar="NAME,...", help="these settings")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--kernels", default="fast", choices=("numpy", "fast"))
    options.add_argument("--of", default="both", choices=("both", "gensim", "nnc"))
    given = options.parse_args()
    found: dict[str, dict[str, Any]] = {}
    print("| setting | of | WordSim-353 | analogies | words a second | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for setting in SETTINGS:
        if given.only and setting.name not in given.only.split(","):
            continue
        theirs = None
        if given.of != "nnc":
            theirs = gensims(setting, given.data_root, given.epochs, given.seed)
            found[setting.name] = {"gensim": asdict(theirs)}
            print(_row(setting, "gensim", theirs, None), flush=True)
        if given.of != "gensim":
            with tempfile.TemporaryDirectory() as folder:
                own = ours(setting, given.data_root, given.epochs, given.seed, given.kernels, Path(folder))
            found.setdefault(setting.name, {})["nnc"] = asdict(own)
            print(_row(setting, "nnc", own, theirs), flush=True)
    if given.json:
        print(json.dumps(found))


def _row(setting: Setting, of: str, m: Measured, beside: Measured | None) -> str:
    pairs, questions = m.asked
    ratio = "" if beside is None else f"{m.words_per_second / beside.words_per_second:.2f}"
    scores = f"{m.similarity:.3f} ({pairs} pairs) | {100 * m.analogies:.1f} % ({questions})"
    return f"| {setting.name} | {of} | {scores} | {m.words_per_second:,.0f} | {ratio} |"


if __name__ == "__main__":
    main()
