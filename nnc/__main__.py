"""The program, as `nnc` and as `python -m nnc`: what happens before anything of it is loaded."""

import signal


def main() -> None:
    """Ctrl-C while the program is still being loaded ends it at once and without a word."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from nnc import cli

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()


if __name__ == "__main__":
    main()
