"""A model's signature: the sorts of its inputs and outputs, each by itself, then together."""
