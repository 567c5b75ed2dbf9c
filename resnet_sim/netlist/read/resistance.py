"""Resistance of resistors that have a model or temperature coefficients."""

from __future__ import annotations

from collections.abc import Mapping


def temperature_factor(
    model: Mapping[str, float], given: Mapping[str, float], temperature: float, nominal: float
) -> float:
    """Return the factor ``1 + tc1 rise + tc2 rise**2``.

    Parameters
    ----------
    model, given : mapping of str to float
        Parameters of the model and of the card; the latter are stronger.
    temperature, nominal : float
        Of the circuit, Celsius.
    """
    tc1 = given.get("tc1", given.get("tc", model.get("tc1", 0.0)))
    tc2 = given.get("tc2", model.get("tc2", 0.0))
    if not tc1 and not tc2:
        return 1.0
    nominal = model.get("tnom", model.get("tref", nominal))
    rise = given.get("temp", temperature + given.get("dtemp", 0.0)) - nominal
    return 1.0 + tc1 * rise + tc2 * rise * rise


def sheet_resistance(model: Mapping[str, float], given: Mapping[str, float]) -> float | None:
    """Return the resistance of a semiconductor resistor, None if the model has no sheet value."""
    length = given.get("l", model.get("l", model.get("defl", 0.0)))
    width = given.get("w", model.get("w", model.get("defw", 1e-5)))
    narrow = model.get("narrow", 0.0)
    if model.get("rsh") and length and width - narrow > 0:
        return model["rsh"] * (length - model.get("short", narrow)) / (width - narrow)
    return model.get("r")
