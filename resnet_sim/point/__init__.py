"""One operating point: from devices to branches, stages and problems, and back.

`engine.PointSolver` drives it; it does not judge what it found.
"""

DOORS = (
    "amplifiers", "branches", "certified", "engine", "infeasible", "plan", "recent", "reduction",
    "solved", "sources", "state", "warnings",
)  # fmt: skip
