"""The laws of the devices, stated once more by code that found no solution.

`certificate` judges our own answers, `points` many at a time, `foreign` those of other
simulators, `strangers` what these take the devices for, `rounding` what no simulator can tell.
"""

DOORS = (
    "certificate", "foreign", "influence", "nodal", "points", "registry", "rounding", "stability",
    "strangers",
)  # fmt: skip
