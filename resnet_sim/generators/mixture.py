"""From a graph to a circuit: what stands on its edges and at its nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Bools, Floats, Ints
from ..errors import UsageError
from ..model.builder import CircuitBuilder
from ..model.circuit import Circuit
from ..model.names import real

#: what `numpy.random.default_rng` takes: the same number gives the same circuit
Seed = int | np.random.Generator


def generator(seed: Seed) -> np.random.Generator:
    """Return what draws random numbers from a seed."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        message = f"a seed is a whole number from 0 on or a numpy Generator, not {seed!r}"
        raise UsageError(message) from None


@dataclass(frozen=True)
class Mixture:
    """What stands on the edges and at the nodes of a graph.

    Shares are of the number of nodes, and exact: on 900 nodes ``diodes=0.2`` gives 180 free
    diodes.  Where there are too few edges or nodes, all of them are taken.  Which ones is
    drawn at random, and so is the direction of every diode.

    Attributes
    ----------
    siemens : float
        Conductance of the edges, S: the middle of their range on a logarithmic scale.
    decades : float
        Conductances are log-uniform over so many decades; 0: all are equal.
    diodes : float
        Share of ideal diodes in parallel to edges, between free nodes.
    ground_diodes : float
        Share of ideal diodes between a node and ground.
    grounds : float
        Share of nodes with a resistor to ground; at least one, unless 0.
    ground_siemens : float
        Conductance of these resistors, S.
    sources : float
        Share of nodes that a current source from ground feeds.
    amps : float
        Standard deviation of their normally distributed currents, A.

    Examples
    --------
    >>> plain = rs.generators.Mixture(siemens=1e-3, decades=0, diodes=0, ground_diodes=0)
    >>> circuit = rs.generators.grid(10, mixture=plain)
    >>> len(circuit.diodes), len(circuit.current_sources), float(circuit.resistors.ohms[0])
    (0, 5, 1000.0)
    """

    siemens: float = 1.0
    decades: float = 2.0
    diodes: float = 0.2
    ground_diodes: float = 0.1
    grounds: float = 0.01
    ground_siemens: float = 1.0
    sources: float = 0.05
    amps: float = 1.0

    def __post_init__(self) -> None:
        values = dataclasses.asdict(self)
        for name, value in values.items():
            if not 0 <= value < np.inf:
                raise UsageError(f"{name}={value} is negative or not finite")
        for name in ("siemens", "ground_siemens"):
            if not values[name]:
                raise UsageError(f"{name} must be positive")

    def conductances(self, rng: np.random.Generator, count: int) -> Floats:
        """Return the conductances (S) of so many edges, shape (count,)."""
        exponents = (rng.random(count) - 0.5) * self.decades
        return self.siemens * 10.0**exponents


#: Conductances over two decades, diodes, some ground: the family of the benchmarks.
DIODES = Mixture()
#: Equal resistors and nothing else.
UNIFORM = Mixture(decades=0.0, diodes=0.0, ground_diodes=0.0, grounds=0.0, sources=0.0)


def to_ohms(siemens: Floats, signed: bool = False) -> Floats:
    """Return resistances (ohm): 0 S is open; `UsageError` if some are negative, unless `signed`."""
    if not (np.isfinite(siemens) & (signed | (siemens >= 0))).all():
        raise UsageError("a conductance is negative or not finite")
    ohms = np.full(siemens.shape, np.inf)
    np.divide(1.0, siemens, out=ohms, where=siemens != 0)
    return ohms


def all_pairs(stem: str, before: Ints, here: Ints) -> tuple[list[str], Ints, Ints]:
    """Return names ``<stem><i>_<j>``, and both ends, of what joins each node to each."""
    names = [f"{stem}{i}_{j}" for i in range(len(before)) for j in range(len(here))]
    return names, np.repeat(before, len(here)), np.tile(here, len(before))


def check_diodes(diodes: str | None) -> None:
    """Refuse what `add_diodes` does not know."""
    if diodes not in ("half", "antiparallel", None):
        raise UsageError(f"diodes={diodes!r} is none of 'half', 'antiparallel', None")


def add_diodes(
    b: CircuitBuilder,
    named: Callable[[str], str | list[str]],
    here: Ints,
    up: Bools,
    diodes: str | None,
    threshold: float,
) -> None:
    """Add ideal diodes between hidden nodes and ground.

    Parameters
    ----------
    named : callable
        Returns the names, or what they begin with, of diodes called ``d``, ``dp`` or ``dn``.
    up : ndarray of bool
        Which nodes diodes keep from falling, if half of them; the others may not rise.
    """
    ground = np.zeros_like(here)
    if diodes == "half":
        b.diodes(named("d"), np.where(up, ground, here), np.where(up, here, ground))
    elif diodes == "antiparallel":
        b.diodes(named("dp"), here, ground, v_forward=threshold)
        b.diodes(named("dn"), ground, here, v_forward=threshold)


def dress(
    title: str,
    names: Sequence[str],
    edges: tuple[Ints, Ints],
    mixture: Mixture,
    volts: Mapping[str, float] | None,
    seed: Seed,
) -> Circuit:
    """Return the circuit of a graph.

    Parameters
    ----------
    names : sequence of str, length n
    edges : two arrays of int, shape (edges,)
        Indices into `names`.
    volts : mapping of node name to float
        Nodes that a voltage source holds (V).  Nothing but the edges touches them.

    Returns
    -------
    Circuit
        With resistors ``r0``, ``r1``, ... on the edges and ``rg0``, ... to ground, diodes
        ``d0``, ... on edges and ``dg0``, ... to ground, current sources ``i0``, ... and
        voltage sources ``v0``, ...; the glob ``r[0-9]*`` selects the edges.
    """
    rng = generator(seed)
    b = CircuitBuilder(title)
    node = b.nodes(names)
    volts = volts or {}
    unknown = [name for name in volts if not b.has_node(name)]
    if unknown:
        raise UsageError(f"{title} has no node {', '.join(unknown)}")
    driven = np.array([b.node(name) for name in volts], dtype=np.int64)
    b.voltage_sources("v", driven, np.zeros_like(driven), np.array(list(volts.values()), float))
    p, q = node[edges[0]], node[edges[1]]
    b.resistors("r", p, q, 1.0 / mixture.conductances(rng, len(p)))
    free = node[~np.isin(node, driven)]
    _at_nodes(b, mixture, rng, free, len(names))
    between = np.flatnonzero(~(np.isin(p, driven) | np.isin(q, driven)))
    some = _draw(rng, between, mixture.diodes * len(names))
    b.diodes("d", *_any_direction(rng, p[some], q[some]))
    return b.build()


def _at_nodes(
    b: CircuitBuilder, mixture: Mixture, rng: np.random.Generator, free: Ints, count: int
) -> None:
    """Add what stands between nodes and ground."""
    wanted = mixture.grounds * count
    grounded = _draw(rng, free, max(wanted, 1.0) if wanted else 0.0)
    b.resistors("rg", grounded, 0, 1.0 / mixture.ground_siemens)
    clamped = _draw(rng, free, mixture.ground_diodes * count)
    b.diodes("dg", *_any_direction(rng, clamped, np.zeros_like(clamped)))
    fed = _draw(rng, free, mixture.sources * count)
    amps = mixture.amps * rng.standard_normal(len(fed))
    b.current_sources("i", 0, fed, amps)


def _draw(rng: np.random.Generator, among: Ints, wanted: float) -> Ints:
    count = min(round(wanted), len(among))
    return rng.choice(among, count, replace=False) if count else among[:0]


def _any_direction(rng: np.random.Generator, p: Ints, q: Ints) -> tuple[Ints, Ints]:
    turned = rng.random(len(p)) < 0.5
    return np.where(turned, q, p), np.where(turned, p, q)


def units(sizes: Any) -> list[int]:
    """Return how many units layers have; there are two at least, and none is empty."""
    found = list(sizes) if isinstance(sizes, Sequence | np.ndarray) else []
    if len(found) < 2 or not all(isinstance(n, Integral) and int(n) >= 1 for n in found):
        raise UsageError(
            f"sizes={sizes!r}: two layers at least are needed, each a whole number from 1 on"
        )
    return found


def shaped(name: str, given: npt.ArrayLike | None, default: Floats) -> Floats:
    """Return given values, which need the shape of the default, or the default."""
    if given is None:
        return default
    values = real(given, name)
    if values.shape != default.shape:
        raise UsageError(f"{name} has shape {values.shape} instead of {default.shape}")
    return values
