"""`python watched.py REPORT ARGUMENT...`: the program nnc under an audit hook.

What it did goes to REPORT, a line of JSON each: what concerns code, processes, network and files. `plant` as the first
argument does one thing of each kind, to show that it would be seen.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

KINDS = (
    "open",
    "exec",
    "compile",
    "marshal.",
    "pickle.",
    "subprocess.",
    "socket.",
    "os.",
    "shutil.",
    "urllib.",
    "ctypes.",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(report: str, arguments: list[str]) -> int:
    seen: list[dict[str, Any]] = []
    sys.addaudithook(lambda event, args: note(seen, event, args))
    try:
        if arguments == ["plant"]:
            return plant()
        from nnc.cli import run
        from nnc.failure import guarded

        return guarded(arguments, run)
    finally:
        lines = [json.dumps(entry) for entry in seen]
        with open(report, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))


def note(seen: list[dict[str, Any]], event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith(KINDS):
        return
    by = sys._getframe(2).f_code.co_filename  # 0 is this, 1 the lambda
    entry: dict[str, Any] = {"event": event, "by": by}
    if event == "open":
        path, _, flags = args
        entry |= {"path": path if isinstance(path, int) else os.path.abspath(os.fsdecode(path))}
        entry |= {"writes": bool(flags & WRITING)}
    elif event in ("exec", "compile"):
        code = args[0] if event == "exec" else args[1]
        entry |= {"of": getattr(code, "co_filename", None) or (os.fsdecode(code) if code else "")}
    elif args:
        entry |= {"what": str(args[0])[:200]}
    seen.append(entry)


def plant() -> int:
    import marshal
    import pickle
    import socket
    import subprocess

    marshal.loads(marshal.dumps(1))
    pickle.loads(pickle.dumps(os.getcwd))
    socket.socket().close()
    subprocess.run([sys.executable, "-c", ""], check=True)
    exec("planted = 1")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
