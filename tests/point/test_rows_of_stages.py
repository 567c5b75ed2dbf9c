"""Long rows of linear stages are solved as one, right to the last digits of the smallest value."""

import numpy as np
import pytest
from enumeration import all_outcomes

import resnet_sim as rs

#: what follows a divider, with its gain
AMPLIFIERS = (
    "E{k} a{next} 0 m{k} 0 {g}",
    "E{k} a{next} 0 m{k} a{next} {g}",
    "G{k} 0 a{next} m{k} 0 {g}\nR{k}c a{next} 0 {r}",
    "VS{k} m{k} q{k} 0\nR{k}d q{k} 0 {r}\nH{k} a{next} 0 VS{k} {g}",
    "VS{k} m{k} q{k} 0\nR{k}d q{k} 0 {r}\nF{k} 0 a{next} VS{k} {g}\nR{k}c a{next} 0 1k",
    "R{k}c a{next} 0 {r}\nE{k} b{k} 0 a{next} m{k} {g}\nR{k}e b{k} a{next} 1k",
)


def row(seed: int, count: int, extra: str = "") -> rs.Circuit:
    """Dividers of very different resistors and amplifiers, each fed by one shortly before."""
    rng = np.random.default_rng(seed)

    def ohms() -> str:
        return f"{10.0 ** rng.uniform(-3, 9):.4g}"

    cards = ["a row", "V1 a0 0 1"]
    for k in range(count):
        before, gain = rng.integers(max(0, k - 2), k + 1), 10.0 ** rng.uniform(-6, 6)
        cards += [f"R{k}a a{before} m{k} {ohms()}", f"R{k}b m{k} 0 {ohms()}"]
        cards.append(rng.choice(AMPLIFIERS).format(k=k, next=k + 1, g=f"{gain:.4g}", r=ohms()))
    return rs.parse_netlist("\n".join([*cards, extra, ".end"]))


# stage by stage a current of the last of these is lost as rounding, and all that it drives is 0
@pytest.mark.parametrize(("seed", "count"), [*((seed, 14) for seed in range(20)), (55, 24)])
def test_every_voltage_of_a_row_has_its_digits(seed, count):
    circuit = row(seed, count)
    (truth,) = all_outcomes(circuit)
    point = rs.solve(circuit)
    assert point.certificate.ok
    for got, true in zip(point.node_voltages, truth.voltages, strict=True):
        assert got == pytest.approx(float(true), rel=1e-9, abs=0.0)


def test_a_row_is_one_stage():
    # its stages one by one would each have been a step
    assert rs.solve(row(0, 14)).solver.iterations <= 2


@pytest.mark.parametrize(
    ("extra", "undefined"),
    [("E99 z 0 z 0 1\nR99 z 0 1k", {"z"}), ("R99 a3 y 1k\nE99 x y a2 0 1\nR98 x w 1", set())],
)
def test_what_is_open_is_open_there_alone(extra, undefined):
    point, alone = rs.solve(row(1, 14, extra)), rs.solve(row(1, 14))
    names = {n for n, v in zip(point.circuit.nodes, point.node_voltages, strict=True) if v != v}
    assert names == undefined
    for name in alone.circuit.nodes:
        assert point.voltage(name) == pytest.approx(alone.voltage(name), rel=1e-9, abs=0.0)


def test_a_contradiction_in_a_row_is_told_of_its_stage():
    with pytest.raises(rs.TopologyError, match="b99") as error:
        rs.solve(row(1, 14, "B99 z 0 v=v(z)+1\nR99 z 0 1k"))
    assert "e3" not in str(error.value)
