"""What an analysis returns, and the files it is written to."""

DOORS = (
    "formats.output",
    "formats.table",
    "operating_point",
    "rawfile",
)
