"""One structure, many points."""

DOORS = (
    "ensemble",
    "jobs",
    "layered.backend",
    "layered.engine",
    "layered.structure",
    "linearised",
    "nudges",
    "states",
    "structure",
    "trainable",
    "variants",
)
