"""Equilibrium propagation spelled out in numpy, and its gradient beside the package's.

A circuit of resistors takes the voltages that make its co-content least, the sum of
``g/2 (v_p - v_q)^2`` over all resistors.  An ideal diode to ground adds nothing to that sum; it
is a bound, ``v >= 0`` or ``v <= 0``.  The cost is ``C = (o - y)^2 / 2``.  A conductance `beta`
between the output and its target adds ``beta C`` to the co-content, and the slope of the least
co-content by one conductance is half its voltage squared, which gives

    dC/dg = [dv(beta)^2 - dv(-beta)^2] / (4 beta) + O(beta^2)

where dv is the voltage across g: each resistor needs to know only its own (Scellier and
Bengio 2017; Laborieux et al. 2021 for the two signs).

The circuit learns exclusive or from inputs of both signs.  Not every start gets there: of the
seeds 0 to 5, two end in a local minimum.
"""

import numpy as np

import resnet_sim as rs
from resnet_sim import training as tr

RNG = np.random.default_rng(4)
BETA = 0.01
#: nodes: six with given voltages, eight hidden ones, the output
FIXED, HIDDEN = 6, 8
OUT = FIXED + HIDDEN
#: resistors: hidden nodes to everything given, to the output, and some to each other
ENDS = [(h, k) for h in range(FIXED, OUT) for k in (*range(FIXED), OUT)]
ENDS += [(h, h + 1) for h in range(FIXED, OUT - 1)]
P, Q = np.array(ENDS).T
#: diodes: every other hidden node stays at or above ground, the rest at or below
LOW, HIGH = np.full(OUT + 1, -np.inf), np.full(OUT + 1, np.inf)
LOW[FIXED:OUT:2] = 0.0
HIGH[FIXED + 1 : OUT : 2] = 0.0

A, B = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], dtype=float).T
X = np.column_stack([A, B, -A, -B, np.ones(4), -np.ones(4)])
Y = np.where(A * B > 0, -0.1, 0.1)


def settle(g, beta=0.0, accuracy=1e-15):
    """Return the voltages of all nodes for each sample, by coordinate descent.

    Each free node in turn moves to where its co-content is least, which is the mean of its
    neighbours weighted by conductances, or else to its bound.
    """
    matrix = np.zeros((OUT + 1, OUT + 1))
    matrix[P, Q] = matrix[Q, P] = g
    nudge = np.zeros(OUT + 1)
    nudge[OUT] = beta
    total = matrix.sum(axis=0) + nudge
    v = np.zeros((len(X), OUT + 1))
    v[:, :FIXED] = X
    for _ in range(10_000):
        before = v.copy()
        for i in range(FIXED, OUT + 1):
            mean = (v @ matrix[i] + nudge[i] * Y) / total[i]
            v[:, i] = mean.clip(LOW[i], HIGH[i])
        if abs(v - before).max() <= accuracy:
            return v
    raise ArithmeticError("no rest")


def contrast(g, accuracy=1e-15):
    """Return dC/dg, the mean over samples, from two nudged states."""
    more, less = (settle(g, sign * BETA, accuracy) for sign in (1, -1))
    squares = [(v[:, P] - v[:, Q]) ** 2 for v in (more, less)]
    return (squares[0] - squares[1]).mean(axis=0) / (4 * BETA)


def train(g, steps, rate=30.0):
    """Descend on the mean cost; conductances stay positive."""
    for _ in range(steps):
        g = np.maximum(g - rate * contrast(g, accuracy=1e-9), 1e-3)
    return g


def cost(g):
    """Return the mean cost of the free states."""
    return 0.5 * ((settle(g)[:, OUT] - Y) ** 2).mean()


def network(g):
    """Return the same circuit as the package knows it."""
    b = rs.CircuitBuilder("exclusive or")
    for k in range(FIXED):
        b.voltage_source(f"v{k}", f"n{k}", "0", 1.0)
    for k, (p, q) in enumerate(ENDS):
        b.resistor(f"r{k}", f"n{p}", f"n{q}", 1.0 / g[k])
    for h in range(FIXED, OUT):
        anode, cathode = ("0", f"n{h}") if LOW[h] == 0 else (f"n{h}", "0")
        b.diode(f"d{h}", anode, cathode)
    return tr.Network(b.build(), [f"v{k}" for k in range(FIXED)], [f"n{OUT}"], "r*")


def apart(found, wanted):
    """Return the relative distance of two vectors."""
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def compare(g):
    """Print and assert how far the contrast is from the package's and from the derivative."""
    net, found = network(g), contrast(g)
    theirs = apart(found, tr.gradient(net, X, Y, tr.EquilibriumPropagation(BETA)))
    exact = apart(found, tr.gradient(net, X, Y, tr.Adjoint()))
    print(f"cost {cost(g):.1e}: {theirs:.0e} from the package, {exact:.0e} from the derivative")
    # the same nudges: what is left is rounding, and where the sweeps stop
    assert theirs < 1e-9
    # beta^2 is 1e-4, in units of conductances of about 1
    assert exact < 1e-4


def main():
    """Learn, comparing gradients on the way."""
    g = RNG.uniform(0.1, 1.0, len(ENDS))
    for _ in range(3):
        compare(g)
        g = train(g, 10)
    g = train(g, 70)
    print(f"cost {cost(g):.1e}, outputs", *settle(g)[:, OUT].round(3))
    assert cost(g) < 1e-6


if __name__ == "__main__":
    main()
