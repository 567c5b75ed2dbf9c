"""Newton steps of many samples at once, for networks with smooth laws between few nodes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..point.plan import Compiled
from .states import Nudge, Terminals

#: Newton steps, and those after voltages have settled, each of which squares what is left.
STEPS, POLISH = 60, 2
#: Change of the voltages across laws, relative to the largest, at which tangents are laws.
SETTLED = 1e-9


class LawNetwork:
    """Conductances and laws between nodes whose coordinates are unknown.

    Attributes
    ----------
    of_node : ndarray, shape (n_nodes, n)
        1 where a node has a coordinate.
    """

    def __init__(self, compiled: Compiled, siemens: Floats) -> None:
        red = compiled.reduction
        self.red, self.siemens = red, siemens
        self.of_node = np.eye(len(red.part))[red.coordinate][:, 1:]
        self.law_p, self.law_q = red.laws.p, red.laws.q

    @cached_property
    def matrix(self) -> Floats:
        """Conductances between nodes, shape (n_nodes, n_nodes)."""
        branch, n = self.red.conductors, len(self.of_node)
        found = np.zeros((n, n))
        for one, other in ((branch.p, branch.q), (branch.q, branch.p)):
            np.add.at(found, (one, one), self.siemens)
            np.add.at(found, (one, other), -self.siemens)
        return found

    def across(self, voltages: Floats) -> Floats:
        """Return the voltages across the laws, shape (P, laws)."""
        return voltages[:, self.law_p] - voltages[:, self.law_q]

    def coordinates(self, voltages: Floats, offset: Floats) -> Floats:
        """Return coordinates, shape (P, n), of node voltages."""
        node = self.of_node.argmax(axis=0)
        return voltages[:, node] - offset[:, node]

    def evaluated(self, volts: Floats) -> tuple[Floats, list[tuple[slice, Floats]]]:
        """Return the currents of laws, shape (P, laws), and slopes by function."""
        current, slopes = np.zeros_like(volts), []
        for rows, shape, function in self._functions(len(volts)):
            i, s = function.evaluate(volts[:, rows].reshape(-1, shape[1]))
            current[:, rows] = i.reshape(len(volts), -1)
            slopes.append((rows, s.reshape(len(volts), *shape, shape[1])))
        return current, slopes

    def limited(self, new: Floats, old: Floats) -> Floats:
        """Return how far tangents may be trusted."""
        found = new.copy()
        for rows, shape, function in self._functions(len(new)):
            part = function.limit(
                new[:, rows].reshape(-1, shape[1]), old[:, rows].reshape(-1, shape[1])
            )
            found[:, rows] = part.reshape(len(new), -1)
        return found

    def _functions(self, points: int) -> list[tuple[slice, tuple[int, int], Any]]:
        """Return the functions for so many points, one after the other."""
        if points not in self._copies:
            self._copies[points] = [
                (rows, shape, function.some(np.tile(np.arange(shape[0]), points)))
                for rows, shape, function in self.red.laws.functions
            ]
        return self._copies[points]

    @cached_property
    def _copies(self) -> dict[int, list[tuple[slice, tuple[int, int], Any]]]:
        return {}

    def law_currents(self, voltages: Floats) -> Floats:
        """Return the currents of the laws at node voltages, shape (P, laws)."""
        return self.evaluated(self.across(voltages))[0]

    @cached_property
    def incidence(self) -> Floats:
        """+1 at the first, -1 at the second node of each law, shape (laws, n_nodes)."""
        found = np.zeros((len(self.law_p), len(self.of_node)))
        rows = np.arange(len(found))
        np.add.at(found, (rows, self.law_p), 1.0)
        np.add.at(found, (rows, self.law_q), -1.0)
        return found

    def law_jacobian(self, slopes: list[tuple[slice, Floats]], incidence: Floats) -> Floats:
        """Return the slopes between what `incidence` joins laws to, shape (P, n, n)."""
        n = incidence.shape[1]
        total: Floats = np.zeros((1, n, n))
        for rows, slope in slopes:
            points, devices, size, _ = slope.shape
            own = incidence[rows].reshape(devices, size, n)
            spread = np.einsum("pdbc,dcm->pdbm", slope, own).reshape(points, devices * size, n)
            total = total + incidence[rows].T @ spread
        return total

    def node_jacobian(self, voltages: Floats) -> Floats:
        """Return the derivatives of the balance of nodes by their voltages, shape (P, n, n)."""
        slopes = self.evaluated(self.across(voltages))[1]
        return self.matrix + self.law_jacobian(slopes, self.incidence)


class LawSamples:
    """Samples of a network: what sources impose on each of them."""

    def __init__(self, net: LawNetwork, outputs: Terminals, offset: Floats, amps: Floats) -> None:
        self.net, self.offset = net, offset
        #: outputs where all coordinates are zero, shape (P, outputs)
        self.at_zero = offset[:, outputs.p] - offset[:, outputs.q]
        feeds = net.red.injections
        drawn = np.zeros_like(offset)
        np.add.at(drawn.T, feeds.p, amps.T)
        np.add.at(drawn.T, feeds.q, -amps.T)
        self.matrix = net.of_node.T @ net.matrix @ net.of_node
        self.load = -(drawn + offset @ net.matrix) @ net.of_node
        self.incidence = net.incidence @ net.of_node
        self.across = net.across(offset)

    def settled(
        self, nudge: Nudge, ends: Floats, near: Floats | None
    ) -> tuple[Floats, Floats, Floats, Bools]:
        """Return voltages across laws, coordinates, what nudges feed in, and where it settled."""
        net, points = self.net, len(self.offset)
        volts = np.tile(net.red.laws.start(), (points, 1)) if near is None else near
        x, feed = np.zeros_like(self.load), np.zeros((points, len(ends)))
        left = np.full(points, STEPS)
        for _ in range(STEPS):
            current, slopes = net.evaluated(volts)
            matrix = self.matrix + net.law_jacobian(slopes, self.incidence)
            rest = current.copy()
            for rows, slope in slopes:
                shift = (self.across - volts)[:, rows].reshape(points, *slope.shape[1:3])
                rest[:, rows] += np.einsum("pdbc,pdc->pdb", slope, shift).reshape(points, -1)
            x, feed = self._solved(matrix, self.load - rest @ self.incidence, nudge, ends)
            new = x @ self.incidence.T + self.across
            trusted = net.limited(new, volts)
            size = np.abs(new).max(axis=1, initial=1e-300)
            still = np.abs(new - volts).max(axis=1) <= SETTLED * size
            volts = np.where(np.isfinite(trusted), trusted, 0.0)
            left = np.where(still, np.minimum(left, POLISH + 1) - 1, left)
            if (left <= 0).all():
                break
        return volts, x, feed, left <= POLISH

    def _solved(
        self, matrix: Floats, load: Floats, nudge: Nudge, ends: Floats
    ) -> tuple[Floats, Floats]:
        """Return coordinates, and what stiff nudges feed into the outputs."""
        count, points = len(ends), len(load)
        if not nudge.stiffness:
            return _solve(matrix, load), np.zeros((points, count))
        assert nudge.target is not None
        # o + feed / stiffness = target, with the feed an unknown
        n = matrix.shape[1]
        whole = np.zeros((points, n + count, n + count))
        whole[:, :n, :n], whole[:, :n, n:], whole[:, n:, :n] = matrix, -ends.T, ends
        whole[:, n:, n:] = np.eye(count) / nudge.stiffness
        aim = nudge.target - self.at_zero
        both = _solve(whole, np.concatenate((load, aim), axis=1))
        return both[:, :n], both[:, n:]


def _solve(matrix: Floats, load: Floats) -> Floats:
    """Return solutions; NaN for all where one matrix is singular, so that none is believed."""
    try:
        return np.asarray(np.linalg.solve(matrix, load[..., None])[..., 0])
    except np.linalg.LinAlgError:
        return np.full_like(load, np.nan)
