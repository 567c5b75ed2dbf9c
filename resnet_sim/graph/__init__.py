"""Graphs, and the convex problem on one: problems, but no circuits."""

DOORS = (
    "balance",
    "graphs",
    "law_problem",
    "mixed",
    "problem",
    "topology",
)
