"""Training: the graph, its session and hooks, and the loop."""
