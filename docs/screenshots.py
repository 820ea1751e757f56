"""Makes the pictures of the README from real runs: `python docs/screenshots.py`.

docs/running.svg: training, halfway; docs/console.svg: a finished run, and a question to the model; docs/error.svg: a
wrong spec. Everything is computed in a temporary folder, so that no path of this machine is in them.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.text import Text

from dsl.errors import NncError
from dsl.render import render
from nnc import load
from nnc.commands import predict, train
from nnc.console import Terminal
from runtime.events import BatchDone

DOCS = Path(__file__).resolve().parent
SPECS = DOCS.parent / "specs"
WIDTH = 100
HALFWAY = (7, 41)
"""The epoch and the batch at which running.svg is taken."""
EXAMPLE = "it was not good, it was quite bad."
WRONG = """\
# Kim (2014): convolutional neural networks for sentence classification
model textcnn(text: words) -> label: class {
  embed 128
  conv k=2,3 filters=100 relu
  maxpool
  conv k=3 filters=50
  dropout 0.5
  dense softmax
}
"""


class Picture(Terminal):
    """A terminal whose last line does not move, so that it can be drawn; `halfway` gets a copy of it at HALFWAY."""

    def __init__(self, console: Console, halfway: Console) -> None:
        super().__init__(console)
        self.halfway = halfway

    def _show(self, line: Text) -> None:
        pass

    def _batch(self, done: BatchDone) -> None:
        super()._batch(done)
        if (done.epoch, done.batch) == HALFWAY:
            self.halfway.print(Text.from_ansi(self.console.export_text(clear=False, styles=True)), end="")
            self.halfway.print(self._moving_line(done, perf_counter()))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SPECS, Path(folder) / "specs")
        os.chdir(folder)
        console, halfway = recorder(), recorder()
        console.print("$ nnc train", style="bold")
        screen = Picture(console, halfway)
        train.screen_for = lambda as_json: screen  # the same command, on a screen that is recorded
        if train.run(Path("specs/sentiment.nn"), train.Options()) != 0:
            raise SystemExit("training failed")
        console.print()
        console.print(f'$ nnc predict runs/sentiment "{EXAMPLE}" --proba', style="bold")
        model = load("runs/sentiment")
        console.print(predict.text_line(model.answers(model.encode([[EXAMPLE]]))[0], True), highlight=False)
        save(console, "console.svg", "nnc train")
        save(halfway, "running.svg", "nnc train")
        save(error(), "error.svg", "nnc check")


def error() -> Console:
    from compiler import pipeline

    console = recorder()
    console.print("$ nnc check textcnn.nn", style="bold")
    try:
        pipeline.check(WRONG, "textcnn.nn")
    except NncError as found:
        console.print(Text.from_ansi(render(found.diagnostics, width=WIDTH, color=True)), end="")
        return console
    raise SystemExit("the wrong spec was accepted")


def recorder() -> Console:
    return Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )


def save(console: Console, name: str, title: str) -> None:
    """As SVG with the reader's own monospace font: pictures load nothing from elsewhere."""
    picture = console.export_svg(title=title, unique_id=name.removesuffix(".svg"))
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace")
    (DOCS / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
