"""The laws of the devices, stated once more by code that found no solution.

`certificate` judges our own answers, `points` many at a time, `foreign` those of other
simulators and what no simulator can tell, `strangers` what these take the devices for.
"""

DOORS = ("certificate", "foreign", "influence", "points", "registry", "stability", "strangers")
