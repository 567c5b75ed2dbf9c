"""What PULSE, SIN, EXP, PWL, SFFM and AM are at t = 0, whatever their delays (ngspice's laws)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

Numbers = Sequence[float]


class Unspecified(Exception):
    """What a source began before t = 0 depends on arguments that are missing."""


class Shift(NamedTuple):
    """Of PWL: the delay, s, and the time that repetitions begin with, or None."""

    delay: float = 0.0
    repeat: float | None = None


def _get(arguments: Numbers, k: int) -> float:
    return arguments[k] if k < len(arguments) else 0.0


def _positive(arguments: Numbers, k: int, name: str) -> float:
    value = _get(arguments, k)
    if not value > 0:
        raise Unspecified(f"it began before t = 0: its {name} must be given, and be above 0")
    return value


def _pulse(a: Numbers, _: Shift) -> float:
    low, high, delay = _get(a, 0), _get(a, 1), _get(a, 2)
    if delay >= 0:
        return low
    rise, fall, period = _get(a, 3), _get(a, 4), _positive(a, 6, "period")
    width, time = _positive(a, 5, "width"), -delay
    if _get(a, 7) > 0 and time > a[7] * period:
        return low
    time = math.fmod(time, period)
    if time < rise:
        return low + (high - low) * time / rise
    if time <= rise + width:
        return high
    if time < rise + width + fall:
        return high + (low - high) * (time - rise - width) / fall
    return low


def _sine(a: Numbers, _: Shift) -> float:
    delay, phase = _get(a, 3), math.radians(_get(a, 5))
    if delay >= 0:
        return _get(a, 0) + _get(a, 1) * math.sin(phase)
    angle = 2 * math.pi * _positive(a, 2, "frequency") * -delay
    if len(a) > 6 and angle > 2 * math.pi * a[6]:
        raise Unspecified("it ended before t = 0")
    return _get(a, 0) + _get(a, 1) * math.sin(angle + phase) * math.exp(_get(a, 4) * delay)


def _exponential(a: Numbers, _: Shift) -> float:
    low, high, delay = _get(a, 0), _get(a, 1), _get(a, 2)
    if delay >= 0:
        return low
    rise = (high - low) * (1 - math.exp(delay / _positive(a, 3, "rise time constant")))
    if len(a) < 5:
        raise Unspecified("it began before t = 0: its fall must be given")
    if a[4] >= 0:
        return low + rise
    return low + rise + (low - high) * (1 - math.exp(a[4] / _positive(a, 5, "fall time constant")))


def _piecewise(a: Numbers, shift: Shift) -> float:
    times, values = a[: len(a) // 2 * 2 : 2], a[1::2]
    if len(values) < 1:
        raise Unspecified("PWL needs pairs of time and value")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise Unspecified("the times of PWL must not decrease")
    now = -shift.delay
    if shift.repeat is not None and now > times[-1]:
        if shift.repeat not in times[:-1]:
            raise Unspecified("the repetition of PWL must begin at one of its times")
        now = shift.repeat + math.fmod(now - times[-1], times[-1] - shift.repeat)
    before = max((k for k, time in enumerate(times) if time < now), default=None)
    if before is None:
        return values[0]
    if before + 1 == len(values):
        return values[before]
    share = (now - times[before]) / (times[before + 1] - times[before])
    return values[before] + share * (values[before + 1] - values[before])


def _frequency_modulated(a: Numbers, _: Shift) -> float:
    carrier, signal = math.radians(_get(a, 5)), math.radians(_get(a, 6))
    return _get(a, 0) + _get(a, 1) * math.sin(carrier + _get(a, 3) * math.sin(signal))


def _amplitude_modulated(a: Numbers, _: Shift) -> float:
    delay = _get(a, 4)
    if delay >= 0:
        return 0.0
    if any(a[5:]):
        raise Unspecified("it began before t = 0, and simulators disagree about phases of AM")
    angle = 2 * math.pi * -delay
    signal = math.sin(angle * _positive(a, 2, "modulating frequency"))
    return a[0] * (a[1] + signal) * math.sin(angle * _positive(a, 3, "carrier frequency"))


def _noise(a: Numbers, _: Shift) -> float:
    return 0.0


def _random(a: Numbers, _: Shift) -> float:
    return _get(a, 4)


#: name -> value at t = 0 of its arguments
WAVEFORMS: dict[str, Callable[[Numbers, Shift], float]] = {
    "pulse": _pulse,
    "sin": _sine,
    "sine": _sine,
    "exp": _exponential,
    "pwl": _piecewise,
    "sffm": _frequency_modulated,
    "am": _amplitude_modulated,
    "trnoise": _noise,
    "trrandom": _random,
}
