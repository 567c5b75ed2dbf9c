"""Resistance of resistors that have a model or temperature coefficients."""

from __future__ import annotations

from collections.abc import Mapping

#: length and width of a resistor that gives none (m), in ngspice
DEFAULT = 1e-5


def temperature_factor(
    model: Mapping[str, float], given: Mapping[str, float], temperature: float, nominal: float
) -> float:
    """Return the factor ``1 + tc1 rise + tc2 rise**2``, or with tce ``1.01**(tce rise)``.

    Parameters
    ----------
    model, given : mapping of str to float
        Parameters of the model and of the card; the latter are stronger.
    temperature, nominal : float
        Of the circuit, Celsius.
    """
    tc1 = given.get("tc1", given.get("tc", model.get("tc1", 0.0)))
    tc2 = given.get("tc2", model.get("tc2", 0.0))
    tce = given.get("tce", model.get("tce"))
    if not tc1 and not tc2 and not tce:
        return 1.0
    nominal = model.get("tnom", model.get("tref", nominal))
    rise = given.get("temp", temperature + given.get("dtemp", 0.0)) - nominal
    if tce is not None:
        return float(1.01 ** (tce * rise))
    return 1.0 + tc1 * rise + tc2 * rise * rise


def latest(model: Mapping[str, float], *aliases: str) -> float | None:
    """Return a parameter of a model by any of its names: the last that is given counts."""
    return next((model[key] for key in reversed(list(model)) if key in aliases), None)


def sheet_resistance(model: Mapping[str, float], given: Mapping[str, float]) -> float | None:
    """Return ngspice's ``rsh (l - 2 short) / (w - 2 narrow)``, None if the model has no rsh."""
    length = given.get("l", model.get("l", DEFAULT))
    width = given.get("w", latest(model, "w", "defw"))
    if width is None:
        width = DEFAULT
    if not model.get("rsh") or length * width <= 0:
        return None
    length -= 2 * (latest(model, "short", "dlr") or 0.0)
    width -= 2 * (latest(model, "narrow", "dw") or 0.0)
    if width <= 0:
        return float("inf") if width == 0 else float("nan")
    return model["rsh"] * length / width
