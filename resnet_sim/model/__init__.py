"""What everything is about: circuits and their devices, nodes by name and number.

Nothing in here knows how a circuit was read or will be solved.
"""

DOORS = (
    "affine", "builder", "circuit", "clamps", "derivatives", "devices", "devices.cards",
    "devices.characteristic", "devices.crossbar", "devices.device", "devices.mosfet",
    "devices.multipole", "devices.pieces", "display", "formula", "lines", "names", "numbers",
    "outputs", "potentiometers", "patterns", "requests", "softened", "spelling",
)  # fmt: skip
