"""What an analysis returns, and the files it is written to."""

DOORS = (
    "formats.json", "formats.registry", "formats.table", "operating_point", "outputs",
    "predictions", "proof", "rawfile", "tabulated",
)  # fmt: skip
