"""`python -m nnc`, the same as `nnc`."""

from nnc.cli import main

if __name__ == "__main__":
    main()
