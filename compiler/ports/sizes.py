"""The numbers in brackets behind a sort: `real[13]`, `subwords[8000]`, `image[28,28]`."""

from __future__ import annotations

from compiler.signature import Evaluate, Report
from compiler.sorts import SUBWORDS, Image
from dsl import ast
from dsl.errors import Diagnostic

MOST_COLUMNS = 1_000_000
MOST_PIECES = 1_000_000
LONGEST_SIDE = 100_000


def number(sort: ast.Sort, evaluate: Evaluate, report: Report) -> int | None:
    """Of `real` and `subwords` the number in brackets, else 1."""
    pieces = sort.name.id == SUBWORDS
    if len(sort.sizes) == 0 and not pieces:
        return 1
    if len(sort.sizes) == 0:
        report(Diagnostic("NN211", "subwords does not say how many pieces there are", sort.span, help="subwords[8000]"))
        return None
    if sort.name.id not in ("real", SUBWORDS) or len(sort.sizes) > 1:
        help = "real[13], subwords[8000] and image[28,28] have sizes"
        report(Diagnostic("NN211", f"{sort.name.id} has no such size", sort.span, help=help))
        return None
    width = evaluate(sort.sizes[0])
    most = MOST_PIECES if pieces else MOST_COLUMNS
    if isinstance(width, int) and not isinstance(width, bool) and 1 <= width <= most:
        return width
    if width is not None:
        kind, help = ("pieces", "subwords[8000] has 8,000") if pieces else ("columns", "real[13] is 13 columns")
        message = f"{sort.name.id}[{width}] is no number of {kind}"
        report(Diagnostic("NN211", message, sort.sizes[0].span, help=help))
    return None


def image(sort: ast.Sort, evaluate: Evaluate, report: Report) -> Image | None:
    if len(sort.sizes) not in (2, 3):
        message = "image needs its height and width, and channels where it has colours"
        report(Diagnostic("NN211", message, sort.span, help="image[28,28] is grey, image[32,32,3] has three channels"))
        return None
    sizes: list[int] = []
    for expression in sort.sizes:
        size = evaluate(expression)
        if isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= LONGEST_SIDE:
            sizes.append(size)
        elif size is not None:
            message = f"a picture's size is a whole number from 1 to {LONGEST_SIDE:,}, not {size}"
            report(Diagnostic("NN211", message, expression.span, help="image[28,28]"))
    return Image(*sizes) if len(sizes) == len(sort.sizes) else None
