"""Conductances as they are once they are built: in steps, spread, stuck, drifted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..arrays import Floats
from ..errors import UsageError
from ..model.names import real
from ..model.potentiometers import Potentiometer, nearest, potentiometer
from .mixture import Seed, generator


def as_built(
    conductances: npt.ArrayLike,
    part: str | Potentiometer | None = None,
    *,
    spread: float = 0.0,
    stuck_on: float = 0.0,
    stuck_off: float = 0.0,
    on: float | None = None,
    off: float = 0.0,
    drift: float = 0.0,
    seconds: float = 1.0,
    seed: Seed = 0,
) -> Floats:
    """Return what conductances are once they are built, for crossbars, networks and circuits alike.

    Effects come in the order of the parameters; by default there is none.

    Parameters
    ----------
    conductances : array_like
        S, of any shape.
    part : str or Potentiometer, optional
        Each is the nearest that a digital potentiometer can have: its name, such as
        ``"ad5206-10k"``, of 256 positions.
    spread : float
        Standard deviation of the logarithm of each.
    stuck_on, stuck_off : float
        Shares of the devices that are stuck at `on` and at `off`.
    on, off : float
        S; by default the largest conductance, and none.
    drift : float
        Exponent nu of what is left of a conductance, ``g t^-nu``, as of phase-change cells.
    seconds : float
        Time t since writing, in units of the time of the first reading.
    seed : int or numpy.random.Generator

    Examples
    --------
    >>> g = np.array([[1e-4, 2e-4], [5e-4, 1e-3]])
    >>> 1 / rs.generators.as_built(g, "ad5206-10k")  # steps of 39.06 ohm above 45 ohm
    array([[10005.9375,  5005.9375],
           [ 1998.125 ,   982.5   ]])
    >>> rs.crossbar_currents([0.1, 0.1], 1 / rs.generators.as_built(g, spread=0.1, seed=1)).round(7)
    array([6.200e-05, 1.095e-04])
    """
    g = real(conductances, "conductances")
    shares = (stuck_on, stuck_off, stuck_on + stuck_off)
    if not (g >= 0).all() or min(spread, off, *shares) < 0 or max(shares) > 1 or not seconds > 0:
        raise UsageError(
            "conductances, spread, off and shares can't be negative, shares are at most 1 "
            "together, seconds are positive"
        )
    rng = generator(seed)
    largest = float(g.max(initial=0.0)) if on is None else on
    if part is not None:
        g = nearest(potentiometer(part).levels, g)
    g = g * np.exp(spread * rng.normal(size=g.shape))
    draw = rng.random(g.shape)
    g = np.where(draw < stuck_on, largest, np.where(draw < stuck_on + stuck_off, off, g))
    return np.asarray(g * seconds**-drift)
