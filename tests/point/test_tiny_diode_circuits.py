"""Sources, ideal diodes and resistors, anything across anything, against all states by exhaustion.

Sources stand across sources and diodes, and control themselves and each other: what flows through
a hard diode between nodes that sources fix is open until something that it controls says it.
"""

from random import Random

import enumeration
import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.compiled import policy

VALUES = {"v": (0, 0, 1, -1, 0.5, 2), "r": (1, 2, 0.5, 4), "i": (0, 1, -1, 2)}
GAINS = (1, -1, 2, 0.5, -2)
KINDS = (
    "vdrfh",
    "vdrfhi",
    "vvddfh",
    "rvdfi",
    "rvdhi",
    "dvh",
    "vdf",
    "rrvvdfhi",
    "rvdegf",
    "ddvegh",
)
MODELS = ".model d0 d(vfwd=0)\n.model d1 d(vfwd=1)\n.model d2 d(vfwd=0.5 ron=2)\n"


def tiny(seed: int) -> str:
    """Return a deck of a few elements between a few nodes."""
    rng = Random(seed)
    nodes = ["0", *(f"n{k}" for k in range(1, rng.randint(2, 4)))]
    letters = ["v", "d", *rng.choices(rng.choice(KINDS), k=rng.randint(2, 5))]
    sensed = [f"{letter}{k}" for k, letter in enumerate(letters) if letter in "veh"]
    cards = []
    for k, letter in enumerate(letters):
        card = f"{letter}{k} {' '.join(rng.sample(nodes, 2))}"
        if letter == "d":
            card += f" {rng.choice(['d0', 'd0', 'd1', 'd2'])}"
        elif letter in "fh":
            card += f" {rng.choice(sensed)} {rng.choice(GAINS)}"
        elif letter in "eg":
            card += f" {' '.join(rng.sample(nodes, 2))} {rng.choice(GAINS)}"
        else:
            card += f" {rng.choice(VALUES[letter])}"
        cards.append(card)
    return "\n".join(["tiny", *cards, MODELS])


def check(text: str) -> bool:
    """Compare a circuit with its witness; tell whether it has a solution."""
    circuit = rs.parse_netlist(text)
    exact = enumeration.apart(enumeration.all_outcomes(circuit))
    try:
        op = rs.solve(circuit)
    except rs.TopologyError as error:
        assert not exact, f"{text}{error}"
        return False
    assert exact, text
    assert op.certificate.ok, text
    assert any(_fits(op, outcome) for outcome in exact), f"{text}{op.node_voltages} {exact}"
    return True


def _fits(op, outcome) -> bool:
    """Tell whether a solution has what an outcome defines.

    What touches a node that floats may be called undefined although its current is not.
    """
    loose = np.isnan(op.node_voltages)
    p, q = op.circuit.terminals
    open_ = np.isnan(op.element_currents) & (loose[p] | loose[q])
    pairs = [
        *zip(op.node_voltages, outcome.voltages, strict=True),
        *(
            (x, true)
            for x, true, o in zip(op.element_currents, outcome.currents, open_, strict=True)
            if not o
        ),
    ]
    return all(t is None or abs(x - float(t)) <= 1e-9 * (1 + abs(t)) for x, t in pairs)


def test_tiny_circuits_with_diodes_are_solved_as_exhaustion_does():
    assert sum(check(tiny(seed)) for seed in range(300)) > 100


@pytest.mark.long
@pytest.mark.parametrize("block", range(5))
def test_many_tiny_circuits_with_diodes_are_solved_as_exhaustion_does(block):
    assert sum(check(tiny(seed)) for seed in range(1000 * (block + 1), 1000 * (block + 2))) > 300


#: i(v2) = 1 A - i(d1) must be 0 for H1 and V1 to agree: d1 carries 1 A
BESIDE = "beside\nV2 b 0 0\nD1 b 0 di\nH1 a 0 V2 1\nI1 0 b 1\nV1 0 a 0\n.model di d(vfwd=0)\n"


def test_what_a_diode_beside_a_source_carries_may_follow_from_what_it_controls():
    op = rs.solve(BESIDE)
    assert op.certificate.ok
    assert op.current("d1") == pytest.approx(1.0)
    assert op.current("v2") == pytest.approx(0.0, abs=1e-12)


def test_what_a_diode_carries_between_sources_lasts_through_later_stages():
    """H1 is 1 ohm from b to ground, drawn to -1 V through the diode; F1 comes after both."""
    op = rs.solve(
        "later\nV1 0 a 1\nD1 b a di\nH1 b 0 H1 1\nF1 0 c V1 2\nR1 c 0 1\n.model di d(vfwd=0)\n"
    )
    assert op.certificate.ok
    assert (op.current("d1"), op.current("v1"), op.voltage("c")) == pytest.approx((1.0, -1.0, -2.0))


def test_no_circuit_is_called_impossible_where_only_one_of_many_currents_was_tried():
    with policy.using(joint=0), pytest.raises(rs.ConvergenceError, match="one of several"):
        rs.solve(BESIDE)


def test_what_a_source_feeds_into_a_floating_node_is_defined():
    """The diode blocks; what it would carry controls F4, so that both are a stage, without G5."""
    op = rs.solve(
        "into\nV1 a 0 2\nV2 a b 2\nD1 b c di\nF2 0 b V2 1\nF4 0 c V2 1\nG5 0 c b 0 -2\n"
        ".model di d(vfwd=1)\n"
    )
    assert op.floating == ("c",)
    assert (op.current("g5"), op.current("f4"), op.current("d1")) == (0.0, 0.0, 0.0)
