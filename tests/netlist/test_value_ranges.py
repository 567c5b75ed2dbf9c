"""Values of elements are 0, or from 1e-300 to 1e100 in size: others are refused at their lines."""

import pytest

import resnet_sim as rs
from resnet_sim.errors import NetlistError, UsageError

REST = "R9 a b 1k\nR8 b 0 1k"


@pytest.mark.parametrize(
    "card",
    [
        "V1 a 0 1e300", "V1 a 0 {1e200*1e99}", "I1 0 a 1e101", "R1 a b 1e-310", "R1 a b 5e-324",
        "R1 a b 1e101", "E1 c 0 a b 1e308", "G1 b 0 a 0 1e200", "Y1 a b 1e308",
        "R1 a b {1e-155*1e-155}", "D1 a b dm\n.model dm d(n=1e-310)",
        "R1 a b 1k m=1e-200", "D1 a b dm\n.model dm d(ron=1e-310)",
        "D1 a b dm\n.model dm d(vfwd=1e200)", "X1 a b s\n.subckt s p q\nR1 p q 1e-305\n.ends",
    ],
)  # fmt: skip
@pytest.mark.parametrize("block", [0, 40])
def test_a_value_out_of_range_is_refused_at_its_line(card, block):
    # many plain cards are read as a block
    cards = "\n".join(f"Rx{k} a b 1k" for k in range(block))
    with pytest.raises(NetlistError, match=r"is too (large|small)") as caught:
        rs.parse_netlist(f"t\nV9 a 0 1\n{REST}\n{cards}\n{card}\n")
    (found,) = (d for d in caught.value.diagnostics if d.severity == "error")
    assert found.code in ("E123", "E132")
    assert found.span.line > 4 + block


@pytest.mark.parametrize("value", ["1e-300", "1e100", "1e-200", "1e99"])
@pytest.mark.parametrize("letter", "ri")
def test_values_at_the_limits_are_solved(value, letter):
    cards = f"R1 a b {value}\nR2 b 0 {value}" if letter == "r" else f"I1 0 b {value}\nR1 b 0 1k"
    op = rs.solve(f"t\nV1 a 0 1\n{cards}\n")
    assert op.certificate.ok
    assert op.voltage("b") == pytest.approx(0.5 if letter == "r" else 1e3 * float(value), rel=1e-12)


def test_python_refuses_them_as_well():
    builder = rs.CircuitBuilder()
    with pytest.raises(UsageError, match="r1 is too small: the limit is 1e-300"):
        builder.resistor("r1", "a", "0", 1e-301)
    node = builder.node("a")
    with pytest.raises(UsageError, match="v1 is too large: the limit is 1e"):
        builder.voltage_sources(["v0", "v1"], [node] * 2, [0] * 2, [1.0, -1e101])
    builder.voltage_sources(["v0", "v1"], [node] * 2, [0] * 2, [1.0, 0.0])
