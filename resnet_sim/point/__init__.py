"""One operating point: from devices to branches, stages and problems, and back.

`engine.PointSolver` drives it; it does not judge what it found.
"""

DOORS = (
    "absorbed", "amplifiers", "branches", "certified", "curve_law", "engine", "equations",
    "feedback", "infeasible", "plan", "recent", "reduction", "solved", "sources", "state",
    "warnings",
)  # fmt: skip
