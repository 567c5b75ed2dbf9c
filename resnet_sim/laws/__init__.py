"""The laws of the devices, stated once more by code that found no solution.

`certificate` judges our own answers, `foreign` those of other simulators, `strangers` what
these take the devices for.
"""

DOORS = (
    "certificate",
    "foreign",
    "influence",
    "nodal",
    "registry",
    "strangers",
)
