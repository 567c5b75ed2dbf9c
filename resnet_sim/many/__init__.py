"""One structure, many points."""

DOORS = (
    "correlation", "backend", "jobs", "layered.backend", "layered.engine", "layered.structure",
    "linearised", "nodal", "nudges", "one_by_one", "spreads", "states", "structure", "trainable",
    "variants",
)  # fmt: skip
