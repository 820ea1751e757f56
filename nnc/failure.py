"""The border: every way in which a command can end becomes a text for people and an exit code."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TextIO

from dsl.errors import Diagnostic, NncError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def guarded(arguments: Sequence[str], run: Callable[[Sequence[str]], int]) -> int:
    """Run a command; no exception leaves. NNC_DEBUG=1 shows the traceback of those that are ours."""
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except NncError as error:
        return _told(tell, error.diagnostics, "--json" in arguments)
    except BrokenPipeError:
        return _silenced()
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError as error:
        return _told(_of_the_gpu, error) if _is_of_cupy(error) else _told(_out_of_memory)
    except Exception as error:
        if _is_of_cupy(error):
            return _told(_of_the_gpu, error)
        if _is_of_output(error):
            return _told(_unwritten, error)
        if type(error).__module__.partition(".")[0] == "click":
            return _usage(error)
        return _told(_ours, error)


def tell(diagnostics: Iterable[Diagnostic], as_json: bool = False) -> None:
    """Errors to standard error as text, or to standard output as data."""
    from dsl.render import to_json  # not needed by --help, which shall be quick

    several = tuple(diagnostics)
    if as_json:
        print(json.dumps({"errors": [to_json(d) for d in several]}, ensure_ascii=False))
    else:
        print_diagnostics(several, sys.stderr)


def print_diagnostics(diagnostics: Iterable[Diagnostic], file: TextIO) -> None:
    from dsl.render import render

    several = tuple(diagnostics)
    text = render(several, width=width(file), color=colored(file))
    errors = sum(d.severity == "error" for d in several)
    if errors > 1:
        text += f"\n{errors} errors\n"
    print(text, end="", file=file)


def width(file: TextIO) -> int:
    """Columns of the terminal; 100 where it is none. COLUMNS says otherwise."""
    if (columns := os.environ.get("COLUMNS", "")).isascii() and columns.isdigit() and int(columns) > 0:
        return max(int(columns), 20)
    try:
        return max(os.get_terminal_size(file.fileno()).columns, 20)
    except (OSError, ValueError):
        return 100


def colored(file: TextIO) -> bool:
    return file.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _told(say: Callable[..., None], *what: object) -> int:
    try:
        say(*what)
        sys.stdout.flush()
    except OSError:
        pass
    return _silenced()


def _silenced() -> int:
    """Whoever read our output went away, or its disk is full: keep Python from complaining about it at exit."""
    from nnc.streams import silence

    silence()
    return FAILED


def _is_of_output(error: Exception) -> bool:
    """Whether a standard stream could not be written. Files have a name, and who writes one says what failed."""
    unwritable = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
    return isinstance(error, OSError) and error.filename is None and error.errno in unwritable


def _is_of_cupy(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("cupy", "cupy_backends")


def _of_the_gpu(error: Exception) -> None:
    """An operation on arrays of a GPU outside of a step."""
    from runtime.cuda_backend import in_our_words

    print_diagnostics(in_our_words(error).diagnostics, sys.stderr)


def _out_of_memory() -> None:
    message = "there was no more memory to be had: other programs took it, or a limit such as `ulimit -v` ends it"
    hint = "give it more, or make the network or `batch` smaller"
    print_diagnostics([Diagnostic("NN852", message, help=hint)], sys.stderr)


def _unwritten(error: OSError) -> None:
    message = f"the output cannot be written: {error.strerror}"
    print_diagnostics([Diagnostic("NN805", message, help="send it elsewhere, or make room on the disk")], sys.stderr)


def _usage(error: Exception) -> int:
    """What click says about the command line itself, in our form."""
    import click

    from dsl.render import show

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        return INTERRUPTED
    if not isinstance(error, click.ClickException):
        return _told(_ours, error)
    context = getattr(error, "ctx", None)
    program = context.command_path if context is not None else "nnc"
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return USAGE
    print(f"nnc: {show(error.format_message())}{_suggestion(error)}", file=sys.stderr)
    print(f"     {program} --help says what there is", file=sys.stderr)
    return USAGE


def _suggestion(error: Exception) -> str:
    """Did you mean, where click has no suggestion of its own: for a command."""
    import click

    from compiler.sections.train_entries import TRAIN
    from dsl.nearest import nearest

    context = getattr(error, "ctx", None)
    message = error.format_message() if isinstance(error, click.ClickException) else ""
    word = message.split("'")[1].lstrip("-") if "'" in message else ""
    if "No such option" in message and word in TRAIN:
        return f" It stands in the spec; for this run: --set train.{word}=..."
    if "No such command" not in message or "Did you mean" in message or context is None:
        return ""
    found = nearest(word, context.command.list_commands(context))
    return f" Did you mean '{found}'?" if found else ""


def _ours(error: Exception) -> None:
    """An exception that nobody foresaw: short here, in full in a file that can be sent along."""
    import traceback

    text = "".join(traceback.format_exception(error))
    if os.environ.get("NNC_DEBUG") == "1":
        print(text, file=sys.stderr)
        return
    place = _written_down(text)
    kept = f"the details are in {place}: please send them along" if place else "NNC_DEBUG=1 shows the details"
    message = f"this is an error of nnc itself ({type(error).__name__}), not yours: please report it"
    print_diagnostics([Diagnostic("NN901", message, help=kept)], sys.stderr)


def _written_down(text: str) -> str | None:
    import tempfile

    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="nnc-", suffix=".txt", delete=False) as file:
            file.write(text)
            return file.name
    except OSError:
        return None
