"""Graphs, and the convex problem on one: problems, but no circuits."""

DOORS = (
    "balance", "curve_rows", "forests", "graphs", "law_problem", "mixed", "problem", "steps",
    "topology",
)  # fmt: skip
