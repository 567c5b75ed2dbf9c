"""The laws of the devices, stated once more by code that found no solution.

`certificate` judges our own answers, `foreign` those of other simulators.
"""

DOORS = (
    "certificate",
    "foreign",
    "influence",
    "registry",
)
