"""Folders of PNG and JPEG files: of pictures, with a folder for each class, or of labels of pixels. The one file that
uses Pillow."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from hashlib import file_digest
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Class, Image, Pixels, Port
from dsl.errors import DataError, Diagnostic
from dsl.render import show
from dsl.source import Span, shown
from runtime.data.files import BinaryFile, opened, read_all, too_large
from runtime.data.part import Columns, Part, Request, Size
from runtime.data.problems import Problems
from runtime.memory import available_bytes

T = TypeVar("T")
ENDINGS = (".png", ".jpg", ".jpeg")
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels of the sort -> what Pillow calls a picture that has them."""
BYTES_OF_A_LABEL = 4
BYTES_A_BYTE = 3
"""Memory that a byte of the pictures costs at most: as it is read, and joined with other files'."""


def read(path: Path, request: Request, limit: int | None = None) -> Part:
    """The rows of a folder, in the order of their names, class by class. limit: bytes that the pictures may take

    Raises DataError: NN743 for a model that a folder cannot feed, NN748 for a folder without pictures, NN747 for files
    that are no pictures or damaged, NN746 without Pillow, NN703 for a class whose name is not UTF-8, NN702 for what
    cannot be read, NN706 too large.
    """
    picture, label = _ports(path, request)
    found = list(_files(path, request, label))
    if not found:
        raise DataError(_empty(path, request, label))
    rows, sizes = _pixels([file for _, file in found], picture, request, limit)
    columns = Columns()
    (columns.maps if isinstance(picture.sort, Pixels) else columns.pictures)[picture.name] = rows
    if label is not None:
        columns.texts[label.name] = [name for name, _ in found]
    digests = b"".join(os.fsencode(f"{name}/{file.name}\n") + _digest(file, request) for name, file in found)

    def place(port: str, row: int, position: int | None) -> Span:
        return place_of(found[row][1])

    stems = tuple(f"{name}/{file.stem}".removeprefix("/") for name, file in found)
    return Part(len(found), columns, place, (BinaryFile(shown(path), digests),), stems=stems, sizes=sizes)


def of_folder(path: Path, request: Request) -> list[Path]:
    """The files that `read` makes its rows of where no class is asked for, in their order."""
    return [file for _, file in _files(path, request, None)]


def _digest(file: Path, request: Request) -> bytes:
    with opened(file, request.entry.place) as bytes_:
        return file_digest(bytes_, "sha256").digest()  # pyright: ignore[reportArgumentType]


def place_of(file: Path) -> Span:
    """A picture as if it were a file of one line that holds its name."""
    text = show(file.name)
    return Span(shown(file), 1, 1, 1, len(text) + 1, text)


def read_one(path: Path, sort: Image, entry: Span | None) -> NDArray[np.uint8]:
    """The picture of a file, u8[h, w, c] as the sort has it: scaled until it covers that size, and cropped in the
    middle.

    Raises DataError: NN746 without Pillow, NN747 for what is no picture or damaged, NN702 for what cannot be read.
    """
    return _sized(path, sort, entry)[0]


def _sized(path: Path, sort: Image, entry: Span | None) -> tuple[NDArray[np.uint8], Size]:
    """The same, and the size of the whole."""

    def fitted(pillow: Any, ops: Any, picture: Any) -> tuple[NDArray[np.uint8], Size]:
        found = ops.exif_transpose(_of_bytes(pillow, picture)).convert(MODES[sort.channels])
        fitted = ops.fit(found, (sort.width, sort.height), pillow.Resampling.BILINEAR)
        return np.array(fitted, np.uint8).reshape(sort.height, sort.width, sort.channels), found.size

    return _opened(path, ("PNG", "JPEG"), entry, fitted)


def _sized_map(path: Path, sort: Pixels, entry: Span | None) -> tuple[NDArray[Any], Size]:
    """The labels of pixels of a file, whole numbers [h, w]: its greys, or the places in its palette; fitted as its
    picture is, without a number that is not there. And the size of the whole.

    Raises DataError NN760 for JPEG, which changes numbers, and for colours; and what `read_one` raises.
    """

    def fitted(pillow: Any, ops: Any, picture: Any) -> tuple[NDArray[Any], Size]:
        if picture.mode not in ("1", "L", "P") and not picture.mode.startswith("I"):
            raise DataError(_no_map(path, f"is {picture.mode}: labels of pixels are greys, or colours of a palette"))
        turned = ops.exif_transpose(picture)
        found = np.array(ops.fit(turned, (sort.width, sort.height), pillow.Resampling.NEAREST))
        return found.astype(np.uint8) if found.dtype.kind == "b" else found, turned.size

    if path.suffix.lower() != ".png":
        raise DataError(_no_map(path, "is JPEG, which keeps numbers nearly, and labels must be kept"))
    return _opened(path, ("PNG",), entry, fitted)


def _no_map(path: Path, reason: str) -> Diagnostic:
    message = f"{show(path.name)} {reason}"
    help = "write the labels as a PNG in which the grey of a pixel is its label"
    return Diagnostic("NN760", message, place_of(path), help=help)


def _opened(path: Path, formats: tuple[str, ...], entry: Span | None, read: Callable[[Any, Any, Any], T]) -> T:
    """What `read` makes of a picture, given Pillow and its operations."""
    try:
        from PIL import Image as pillow
        from PIL import ImageOps
    except ImportError:
        message = "PNG and JPEG files need Pillow, which is not installed"
        raise DataError(Diagnostic("NN746", message, entry, help='pip install "nnc[images]"')) from None
    with opened(path, entry) as file:
        data = read_all(file, shown(path), entry, available_bytes() // BYTES_A_BYTE)
    try:
        with warnings.catch_warnings():
            # Of a camera's notes that are damaged nothing is wanted but how it was held.
            warnings.simplefilter("ignore")
            # A small file may claim to be a huge picture, of which Pillow only warns.
            warnings.simplefilter("error", pillow.DecompressionBombWarning)
            with pillow.open(io.BytesIO(data), formats=formats) as opened_:
                return read(pillow, ImageOps, opened_)
    except (MemoryError, DataError):
        raise
    # Whatever a library finds wrong with a file that a stranger wrote, the file is what is wrong.
    except Exception as error:
        reason = "it is neither" if isinstance(error, pillow.UnidentifiedImageError) else show(str(error))
        message = f"{show(path.name)} is no PNG or JPEG file that can be read: {reason}"
        raise DataError(
            Diagnostic("NN747", message, place_of(path), help="look at it, save it again, or take it out of the data")
        ) from error


def of_paths(
    port: Port, sort: Image, paths: Sequence[str], place: Callable[[int], Span | None], problems: Problems
) -> NDArray[np.uint8]:
    """The pictures of these files, u8[paths, h, w, c]; NN728 goes to the problems for a path that is no file's."""
    rows = np.zeros((len(paths), sort.height, sort.width, sort.channels), np.uint8)
    for row, path in enumerate(paths):
        if not os.path.isfile(path):
            message = f"`{port.name}` is a picture, and there is no file {show(path) or 'without a name'}"
            help = "give the path of a PNG or JPEG file, or --file with pictures, idx, npz or a folder"
            if os.path.isdir(path):
                message = f"`{port.name}` is a picture, and {show(path)} is a folder"
                help = f"--file {show(path)} asks about each picture in it"
            problems.add(Diagnostic("NN728", message, place(row), help=help))
            continue
        try:
            rows[row] = read_one(Path(path), sort, place(row))
        except DataError as error:
            for diagnostic in error.diagnostics:
                problems.add(diagnostic)
    return rows


def _of_bytes(pillow: Any, picture: Any) -> Any:
    """Grey of two bytes a pixel as grey of one, which Pillow would cut off at 255; palettes with what shows through."""
    if picture.mode.startswith("I"):
        return pillow.fromarray((np.asarray(picture).astype(np.int64) >> 8).astype(np.uint8))
    return picture.convert("RGBA") if picture.mode == "P" else picture


def _ports(path: Path, request: Request) -> tuple[Port, Port | None]:
    """The picture, and the class that the folders name; None where that is not asked for. Labels of pixels alone stand
    where the picture does."""
    if len(request.ports) == 1 and isinstance(request.ports[0].sort, Pixels):
        return request.ports[0], None
    pictures = [p for p in request.ports if isinstance(p.sort, Image)]
    others = [p for p in request.ports if p not in pictures and request.reads(p)]
    labels = [p for p in others if isinstance(p.sort, Class) and p.per is None]
    if len(pictures) == 1 and len(others) == len(labels) <= 1 and pictures[0].sort in _readable(pictures):
        return pictures[0], labels[0] if labels else None
    names = ", ".join(p.name for p in request.ports)
    message = f"{show(shown(path))} is a folder: it gives pictures, and a class by the folder they are in, not {names}"
    help = "a model with one image[h,w] or image[h,w,3], and one class, reads a folder with a folder for each class"
    raise DataError(Diagnostic("NN743", message, request.entry.place, help=help))


def _readable(pictures: Sequence[Port]) -> list[Image]:
    return [p.sort for p in pictures if isinstance(p.sort, Image) and p.sort.channels in MODES]


def _files(path: Path, request: Request, label: Port | None) -> Iterator[tuple[str, Path]]:
    """Each picture with its class, `""` where none is asked for."""
    inside = _listed(path, request)
    folders = [(f.name, f) for f in inside if f.is_dir()]
    if label is None and not folders:
        yield from (("", f) for f in _pictures_of(path, inside, request))
        return
    _left_out(path, [f for f in inside if not f.is_dir()], "beside folders, not in one", request)
    for name, folder in folders:
        if label is not None and not _is_text(name):
            message = f"the name of the folder {show(shown(folder))} is not UTF-8, and names a class"
            raise DataError(Diagnostic("NN703", message, request.entry.place, help="give it another name"))
        pictures = _pictures_of(folder, _listed(folder, request), request)
        if label is not None and not pictures:
            message = f"{show(shown(folder))} has no picture: {show(name)} is no class of these rows"
            request.problems.warn(Diagnostic("NN748", message, request.entry.place, severity="warning"))
        yield from ((name, f) for f in pictures)


def _is_text(name: str) -> bool:
    """Python stands lone surrogates for bytes of a name that are not UTF-8."""
    return not any("\ud800" <= c <= "\udfff" for c in name)


def _pictures_of(folder: Path, inside: Sequence[Path], request: Request) -> list[Path]:
    """Of what is in a folder. A link that leads to nothing is one too, which cannot be read."""
    found: list[Path] = []
    others: list[Path] = []
    for each in inside:
        is_file = each.is_file() or (each.is_symlink() and not each.exists())
        (found if is_file and each.suffix.lower() in ENDINGS else others).append(each)
    _left_out(folder, others, "no PNG and no JPEG by the name", request)
    return found


def _left_out(folder: Path, others: Sequence[Path], why: str, request: Request) -> None:
    if others:
        count = f"{len(others):,} files are" if len(others) > 1 else "a file is"
        message = f"{count} left out of {show(shown(folder))}: {why}"
        request.problems.warn(Diagnostic("NN748", message, place_of(others[0]), "the first one", severity="warning"))


def _listed(folder: Path, request: Request) -> list[Path]:
    """What is in a folder, by name, without what is hidden. A link may not lead out of it."""
    try:
        inside = os.path.realpath(folder)
        found = sorted(f for f in folder.iterdir() if not f.name.startswith("."))
    except OSError as error:
        message = f"{show(shown(folder))} cannot be read: {show(error.strerror or str(error))}"
        raise DataError(Diagnostic("NN702", message, request.entry.place)) from None
    for file in found:
        if file.is_symlink() and os.path.commonpath([inside, os.path.realpath(file)]) != inside:
            message = f"{show(shown(file))} is a link that leaves its folder"
            raise DataError(Diagnostic("NN701", message, request.entry.place, help="put the pictures themselves there"))
    return found


def _empty(path: Path, request: Request, label: Port | None) -> Diagnostic:
    wants = "no folder with pictures: it wants one for each class" if label is not None else "no PNG or JPEG file"
    message = f"{show(shown(path))} has {wants}"
    return Diagnostic("NN748", message, request.entry.place, help="photos/cat/1.jpg is a picture of the class cat")


def _pixels(
    files: Sequence[Path], port: Port, request: Request, limit: int | None
) -> tuple[NDArray[Any], tuple[Size, ...]]:
    """u8[files, h, w, c], of labels of pixels i32[files, h, w], and the size of each; what is wrong with one goes to
    the problems, so that several are told at once."""
    sort = port.sort
    assert isinstance(sort, Image | Pixels)
    shape = (sort.height, sort.width, sort.channels) if isinstance(sort, Image) else (sort.height, sort.width)
    size = len(files) * prod(shape) * (1 if isinstance(sort, Image) else BYTES_OF_A_LABEL)
    limit = available_bytes() // BYTES_A_BYTE if limit is None else limit
    if size > limit:
        raise DataError(too_large(shown(files[0].parent), request.entry.place, limit))
    rows = np.zeros((len(files), *shape), np.uint8 if isinstance(sort, Image) else np.int32)
    sizes: list[Size] = []
    for row, file in enumerate(files):
        try:
            if isinstance(sort, Image):
                rows[row], size = _sized(file, sort, request.entry.place)
            else:
                rows[row], size = _sized_map(file, sort, request.entry.place)
            sizes.append(size)
        except DataError as error:
            if any(d.code == "NN746" for d in error.diagnostics):
                raise
            for diagnostic in error.diagnostics:
                request.problems.add(diagnostic)
    return rows, tuple(sizes)
