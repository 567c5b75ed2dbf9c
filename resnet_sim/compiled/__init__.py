"""What runs compiled: kernels with an interpreted twin, vectors of registers, barriers."""

DOORS = (
    "barrier",
    "entries",
    "kernels",
    "packs",
    "policy",
    "registers",
    "vectors",
)
