"""From the syntax tree to the graph: names, settings, shapes, and the nodes of every layer."""
