"""Runs that are killed at random instants and gone on with: `python -m tests.kills --count 1000`."""
