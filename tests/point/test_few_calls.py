"""What a small circuit costs is how many functions are called for it."""

import sys
from types import FrameType

import resnet_sim as rs
from resnet_sim.model.circuit import Circuit

DECKS = {
    "a divider": "divider\nV1 in 0 5\nR1 in out 1k\nR2 out 0 2k",
    "a clamp": "clamp\nV1 a 0 5\nR1 a b 1k\nD1 b 0 d\n.model d d(vfwd=0.6)",
}


def calls(circuit: Circuit) -> int:
    """Return how many functions written in Python, numpy's among them, a second solve calls."""
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call"

    rs.solve(circuit)  # imports
    sys.setprofile(note)
    try:
        rs.solve(circuit)
    finally:
        sys.setprofile(None)
    return count


def test_small_circuits_are_solved_in_few_calls() -> None:
    """Arrays of what a circuit has none of, wrappers of numpy: each call is half a microsecond."""
    found = {name: calls(rs.parse_netlist(deck)) for name, deck in DECKS.items()}
    assert found["a divider"] < 800 and found["a clamp"] < 1050, found
