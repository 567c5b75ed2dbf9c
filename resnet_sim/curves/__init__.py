"""Monotone curves: a current that only grows with the voltage, as mathematics without circuits.

A curve is asked for points alone, see `curve.Curve`; a device says which curve it is.
"""

from __future__ import annotations

from .curve import OPEN, Curve, Points, Steps, joined

DOORS = ("chords", "compound", "function", "junction", "straight")

__all__ = ["OPEN", "Curve", "Points", "Steps", "joined"]
