"""`python -m nnc.compiling`: compiles the kernels of programs into the user's cache."""

from __future__ import annotations

import json
import sys

from compiler.ir.parse import parse
from compiler.pipeline import compile_native
from runtime.native.backend import Functions
from runtime.native.cache import MARK, user_cache
from runtime.native.texts import kernel_texts


def main() -> None:
    """Standard input, as JSON: programs, each a graph's text and its sizes; threads; the name of the word that says
    that all is there."""
    given = json.load(sys.stdin)
    cache = user_cache()
    functions = Functions(cache, given["threads"])
    functions.prepare()
    for graph, sizes in given["programs"]:
        source, _ = compile_native(parse(graph), sizes, given["threads"])
        for text in kernel_texts(source).values():
            functions.function(text)
    cache.write(given["name"], MARK)


if __name__ == "__main__":
    main()
