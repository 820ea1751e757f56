"""Kernels of emitted programs as machine code: compiled by Numba, kept in the user's cache folder."""
