"""Runs that are killed, or whose writes fail, and are gone on with.

python -m tests.kills --count 1000
python -m tests.kills --faults
"""
