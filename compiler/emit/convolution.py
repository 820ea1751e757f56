"""Convolutions of pictures as kernels, channels last as everywhere: sums of several places at a time stay in registers.

A window is a few segments: numbers that lie side by side in the picture. A vector has filters or, where windows are
added to a picture, numbers of a segment; what it is multiplied with is one number, spread over a vector.
"""

from __future__ import annotations

from functools import cache
from math import prod
from textwrap import indent

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.whole import kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture
from compiler.plan.plan import Call, Place

SUMS_AT_A_TIME = (14, 12, 10, 8)
"""In registers, of which there are 16 at least: with a vector and a number that is spread beside them."""
REGISTER_BYTES = 64
"""At most."""
NARROW = 8
"""Numbers of a narrow vector at most."""
AT_ONCE = (4, 5, 3, 6, 7)
"""Numbers of a sum before its loop goes on: the first of these that leaves none over, if one does."""

ROWS = """
for i in range(height):
    padded_row = F(planes + ((i + top) * wide + left) * channels * SIZE, width * channels)
    row = F(PICTURE + i * width * channels * SIZE, width * channels)
    for j in range(width * channels):
        TO[j] = FROM[j]
"""

LAY_OUT = """
here = x + b * height * width * channels * SIZE
if padded != 0:
    [pad]
    here = planes
"""

CLEAR = """
if padded != 0:
    zeros = F(planes, plane)
    for j in range(plane):
        zeros[j] = REAL(0)
"""

CONV = """
lanes = lanes_W()
packed = table + reserved
starts = i64(table, count)
for i in range(down):
    for j in range(across):
        starts[i * across + j] = (i * next_down + j * next_across) * SIZE
shown = every * segment
groups = (filters + lanes - 1) // lanes
together = min(groups, room // (shown * lanes))
[clear]
for first in range(0, groups, together):
    several = min(together, groups - first)
    for g in range(several):
        for k in range(shown):
            row = F(packed + (g * shown + k) * lanes * SIZE, lanes)
            for j in range(lanes):
                f = (first + g) * lanes + j
                row[j] = F(kernel + (k * next_row + f * next_filter) * SIZE, 1)[0] if f < filters else REAL(0)
    for b in range(batch):
        [lay_out]
        for g in range(several):
            f = (first + g) * lanes
            for q in range(0, count, SUMS):
                weight = packed + g * shown * lanes * SIZE
                sums = zeros_W(SUMS)
                places = starts_W(here, table, q, count, SUMS)
                for s in range(every):
                    at = (s // beside * segment_down + s % beside * segment_across) * SIZE
                    [sum]
                y = out + ((b * count + q) * filters + f) * SIZE
                write_sums_W(sums, y, filters * SIZE, count - q, filters - f)
"""

TO_PICTURE = """
lanes = lanes_W()
packed = table + reserved
reads, writes = i64(table, count), i64(table + count * 8, count)
for i in range(down):
    for j in range(across):
        # Column by column: what neighbours in a row add to overlaps.
        reads[j * down + i] = (i * across + j) * filters * SIZE
        writes[j * down + i] = (i * next_down + j * next_across) * SIZE
pieces = (segment + lanes - 1) // lanes
groups = every * pieces
together = min(groups, room // (filters * lanes))
for first in range(0, groups, together):
    several = min(together, groups - first)
    for g in range(several):
        for f in range(filters):
            row = F(packed + (g * filters + f) * lanes * SIZE, lanes)
            for j in range(lanes):
                l = (first + g) % pieces * lanes + j
                k = (first + g) // pieces * segment + l
                row[j] = F(kernel + (k * next_row + f * next_filter) * SIZE, 1)[0] if l < segment else REAL(0)
    for b in range(batch):
        there = out + b * height * width * channels * SIZE
        to = planes if padded != 0 else there
        if first == 0:
            zeros = F(to, plane)
            for j in range(plane):
                zeros[j] = REAL(0)
        elif padded != 0:
            [pad]
        for g in range(several):
            s, begin = (first + g) // pieces, (first + g) % pieces * lanes
            start = to + (s // beside * segment_down + s % beside * segment_across + begin) * SIZE
            for q in range(0, count, SUMS):
                weight = packed + g * filters * lanes * SIZE
                sums = zeros_W(SUMS)
                places = starts_W(y + b * count * filters * SIZE, table, q, count, SUMS)
                at = 0
                [sum]
                add_sums_W(sums, start, table + count * 8, q, count, segment - begin)
        if padded != 0:
            [cut]
"""

SUM = """
l = 0
while l + AT_ONCE <= LENGTH:
    sums = add_weights_W(sums, places, at, weight, AT_ONCE)
    at += AT_ONCE * SIZE
    weight += AT_ONCE * lanes * SIZE
    l += AT_ONCE
while l < LENGTH:
    sums = add_weights_W(sums, places, at, weight, 1)
    at += SIZE
    weight += lanes * SIZE
    l += 1
"""
"""To each sum is added, for each number on from its place, the number times its vector of weights."""

TO_KERNEL = """
lanes = lanes_W()
packed = table + reserved
next_sum = i64(table, SUMS)
for r in range(SUMS):
    next_sum[r] = r * lanes * SIZE
parts, blocks = (every + SEGMENTS - 1) // SEGMENTS, (segment + WIDTH - 1) // WIDTH
[clear]
for f in range(0, filters, lanes):
    n = filters - f
    zeros = F(packed, parts * blocks * SUMS * lanes)
    for j in range(parts * blocks * SUMS * lanes):
        zeros[j] = REAL(0)
    for b in range(batch):
        [lay_out]
        for part in range(parts):
            for block in range(blocks):
                l = min(block * WIDTH, segment - WIDTH)
                [places]
                sums = zeros_W(SUMS)
                w = y + (b * count * filters + f) * SIZE
                for i in range(down):
                    at = i * next_down * SIZE
                    for j in range(across):
                        sums = add_numbers_W(sums, places, at, load_W(w, n))
                        at += next_across * SIZE
                        w += filters * SIZE
                add_sums_W(sums, packed + (part * blocks + block) * SUMS * lanes * SIZE, table, 0, SUMS, lanes)
    for part in range(parts):
        for block in range(blocks):
            for r in range(SUMS):
                s, l = part * SEGMENTS + r // WIDTH, min(block * WIDTH, segment - WIDTH) + r % WIDTH
                if s < every:
                    total = packed + ((part * blocks + block) * SUMS + r) * lanes * SIZE
                    store_W(out + ((s * segment + l) * filters + f) * SIZE, load_W(total, lanes), n)
"""


def convolution_kernel(call: Call) -> Kernel | None:
    """None where the work space is too small."""
    op, out = call.op, call.out
    assert isinstance(op, (Conv2d, Conv2dToKernel, Conv2dToPicture))
    first, second = call.inputs
    if not isinstance(out, Place) or not isinstance(first, Place) or not isinstance(second, Place):
        return None
    if not lies_whole(first, out) or 0 in second.shape:
        return None
    picture, there = {
        Conv2d: (first, out), Conv2dToKernel: (first, second), Conv2dToPicture: (out, first),
    }[type(op)]  # fmt: skip
    batch, height, width, channels = picture.shape
    _, down, across, filters = there.shape
    planes, packed = call.scratch[:2]
    _, tall, wide, _ = planes.shape
    # Where its pixels are neighbours, a row of a window is one segment.
    beside = 1 if op.dilation[1] == 1 else op.size[1]
    segment = op.size[1] // beside * channels
    count, every, size = down * across, op.size[0] * beside, DTYPES[out.dtype]
    reserved = -(-16 * max(count, *SUMS_AT_A_TIME) // REGISTER_BYTES) * REGISTER_BYTES
    room, lanes = prod(packed.shape) - reserved // size, REGISTER_BYTES // size
    given: dict[str, Argument] = {
        "out": out, "planes": planes, "table": packed, "reserved": reserved, "room": room, "batch": batch,
        "height": height,
        "width": width, "channels": channels, "down": down, "across": across, "count": count, "filters": filters,
        "padded": int((tall, wide) != (height, width)), "wide": wide, "plane": tall * wide * channels,
        "top": op.before[0], "left": op.before[1], "next_down": op.stride[0] * wide * channels,
        "next_across": op.stride[1] * channels, "every": every, "beside": beside, "segment": segment,
        "segment_down": op.dilation[0] * wide * channels, "segment_across": op.dilation[1] * channels,
    }  # fmt: skip
    narrow = (segment if isinstance(op, Conv2dToPicture) else filters) <= NARROW
    if isinstance(op, Conv2dToKernel):
        side = _least_over(segment, segment)
        together = min(every, max(SUMS_AT_A_TIME) // side)
        needed = -(-every // together) * -(-segment // side) * side * together * lanes
        if room < needed or not lies_whole(second):
            return None
        return kernel_of(_to_kernel(side, together, narrow), out.dtype, x=first, y=second, **given)
    given |= {"kernel": second, "next_row": second.strides[0], "next_filter": second.strides[1]}
    if room < lanes * (filters if isinstance(op, Conv2dToPicture) else every * segment):
        return None
    if isinstance(op, Conv2d):
        return kernel_of(_conv(_least_over(count), _at_once(segment), narrow), out.dtype, x=first, **given)
    return kernel_of(_to_picture(_least_over(count), _at_once(filters), narrow), out.dtype, y=first, **given)


def _least_over(count: int, most: int = max(SUMS_AT_A_TIME)) -> int:
    """How many sums at a time need the fewest in all, and are no more than most."""
    return min((n for n in SUMS_AT_A_TIME if n <= most), key=lambda sums: -(-count // sums) * sums, default=most)


def _at_once(length: int) -> int:
    return next((n for n in AT_ONCE if length % n == 0), AT_ONCE[0])


@cache
def _conv(sums: int, at_once: int, narrow: bool) -> str:
    texts = {"sum": _sum("segment", at_once), "lay_out": LAY_OUT, "pad": _padded("here"), "clear": CLEAR}
    return _filled(CONV, narrow, texts, SUMS=sums)


@cache
def _to_picture(sums: int, at_once: int, narrow: bool) -> str:
    texts = {"sum": _sum("filters", at_once), "pad": _padded("there"), "cut": _cut("there")}
    return _filled(TO_PICTURE, narrow, texts, SUMS=sums)


@cache
def _to_kernel(width: int, segments: int, narrow: bool) -> str:
    s = [f"min(part * SEGMENTS + {i}, every - 1)" for i in range(segments)]
    starts = [f"here + ({x} // beside * segment_down + {x} % beside * segment_across + l) * SIZE," for x in s]
    places = "\n".join(["places = (", *(f"    {start}" for start in starts), ")"])
    texts = {"places": places, "lay_out": LAY_OUT, "pad": _padded("here"), "clear": CLEAR}
    return _filled(TO_KERNEL, narrow, texts, SUMS=width * segments, SEGMENTS=segments, WIDTH=width)


def _sum(length: str, at_once: int) -> str:
    return SUM.replace("AT_ONCE", str(at_once)).replace("LENGTH", length)


def _padded(picture: str) -> str:
    """The picture into the middle of its padding."""
    return ROWS.replace("PICTURE", picture).replace("TO", "padded_row").replace("FROM", "row")


def _cut(picture: str) -> str:
    """And out of it."""
    return ROWS.replace("PICTURE", picture).replace("TO", "row").replace("FROM", "padded_row")


def _filled(text: str, narrow: bool, texts: dict[str, str], **numbers: int) -> str:
    """Names in capitals are numbers.

    narrow: which of the vectors those of W are
    """
    found = _with_texts(text, texts)
    for name, number in numbers.items():
        found = found.replace(name, str(number))
    return found.replace("_W(", "_narrow_F(" if narrow else "_wide_F(") + "\n"


def _with_texts(text: str, texts: dict[str, str]) -> str:
    """A line that is a name in brackets is a text, as far in as it is, in which there may be such lines too."""
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        word = line.strip()
        there = texts.get(word[1:-1]) if word.startswith("[") else None
        lines.append(line if there is None else indent(_with_texts(there, texts), line[: line.index("[")]))
    return "\n".join(lines)
