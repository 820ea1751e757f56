"""The sections of a spec, resolved: checked values only; nothing is optional here that a run needs."""
