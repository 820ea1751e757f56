"""From rows as they were read to a dataset, a module for each kind of data: how it is split, fitted and encoded."""
