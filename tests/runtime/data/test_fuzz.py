"""Files of any bytes: every reader fails only with our error, and inside the file."""

from __future__ import annotations

import io
import os
import random
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compiler.sorts import Category, Class, Image, Port, Tokens
from dsl.errors import DataError
from tests.fresh import fresh
from tests.runtime.data.build import LABEL, POINT, TEXT, VALUE, files, port
from tests.runtime.data.rows import raw
from tests.runtime.data.test_arrays import BYTES, DIGITS, idx_bytes, npz_bytes

WORDS = port("words", Tokens("words"))
TAGS = replace(port("tags", Class(), output=True), per="words")
KIND = replace(port("kind", Category()), per="words")
PICTURE = port("picture", Image(2, 3))
DIGIT = port("digit", Class(), output=True)

JSON = re.findall(
    r"\S+",
    r"""{ } [ ] [ ] , : " \ \u00 \ud83d \\ null true NaN -Infinity 0 1 -2.5e3 1e999 "a" "label" "text" "words" "tags"
    "point" "value" 'a' 🙂 {"label":1,"text":"a"} {"words":["a","b"],"tags":["X",1]} {"point":[1,2],"value":0}""",
)
PIECES = [*(p.encode() for p in JSON), b"\n", b"\n", b"\n", b" ", b"\t", b"\r\n", b"\xff", b"\0", b"\xe2\x80\xa8"]
TOKENS = [
    b"a",
    b"New York",
    b"X",
    b"\t",
    b"\t",
    b"\t",
    b"\n",
    b"\n",
    b"\n\n",
    b" ",
    b'"',
    b"\r\n",
    b"\xff",
    b"\xc3\xa9",
]


def seeded() -> random.Random:
    seed = int(os.environ.get("NNC_SEED", random.SystemRandom().randrange(2**32)))
    print(f"NNC_SEED={seed}")
    return random.Random(seed)


def rounds(few: int) -> range:
    return range(int(os.environ["NNC_FUZZ"]) if "NNC_FUZZ" in os.environ else few)


def check(folder: Path, name: str, content: bytes, ports: tuple[Port, ...], **how) -> None:
    """Reads the bytes; what is wrong in them has a place in them, or in the spec."""
    fresh(folder / name, content)
    try:
        found, _ = raw(folder, ports, files(name, **how))
    except DataError as error:
        lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
        for diagnostic in error.diagnostics:
            for span in (diagnostic.span, *(note.span for note in diagnostic.notes)):
                if span.file == "spec.nn" or name.endswith(("idx", "npz")):
                    continue
                assert 1 <= span.line <= len(lines), content
                assert 1 <= span.column <= len(lines[span.line - 1]) + 1, content
                assert (span.end_line, span.end_column) >= (span.line, span.column), content
        return
    for port_name in found.columns.ports():
        for row in range(found.count):
            assert found.span(port_name, row).line >= 1


@pytest.mark.parametrize("ports", [(TEXT, LABEL), (WORDS, TAGS), (POINT, VALUE)], ids=lambda p: p[0].name)
def test_jsonl_of_any_bytes(tmp_path, ports):
    chance = seeded()
    for _ in rounds(1000):
        check(tmp_path, "a.jsonl", b"".join(chance.choices(PIECES, k=chance.randrange(20))), ports)


def test_lines_of_tokens_of_any_bytes(tmp_path):
    chance = seeded()
    for _ in rounds(1000):
        content = b"".join(chance.choices(TOKENS, [9] * (len(TOKENS) - 2) + [1, 9], k=chance.randrange(30)))
        check(tmp_path, "a.tsv", content, (WORDS, KIND, TAGS), columns=("words", "kind", "tags"))


def mutated(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                changed[at] ^= 1 << chance.randrange(8)
            case 2:
                del changed[at : at + chance.randrange(1, 9)]
            case _:
                changed[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        if not changed:
            break
    return bytes(changed)


def test_idx_of_any_bytes(tmp_path):
    chance = seeded()
    for _ in rounds(1000):
        check(tmp_path, "a.idx", mutated(chance, idx_bytes(BYTES)), (PICTURE,))


def test_npz_of_any_bytes(tmp_path):
    chance = seeded()
    whole = npz_bytes(picture=BYTES, digit=DIGITS)
    buffer = io.BytesIO()
    np.save(buffer, BYTES)
    for i in rounds(1000):
        if i % 2:
            check(tmp_path, "a.npz", mutated(chance, whole), (PICTURE, DIGIT))
            continue
        # A checksum of zip hides what is wrong in the array itself, so that one is made to fit.
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("picture.npy", mutated(chance, buffer.getvalue()))
        check(tmp_path, "a.npz", packed.getvalue(), (PICTURE,))
