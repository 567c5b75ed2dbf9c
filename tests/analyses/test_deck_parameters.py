"""Derivatives by parameters of a deck, and their spread: they stand within formulas, too."""

import dataclasses

import numpy as np
import pytest

import resnet_sim as rs

FORMULAS = """constants within formulas
.param k=2 r0=1k w={r0*2} unused=3 v1=3 none=0
.func bend(x) {k*x+0.5*tanh(x/k)}
Vin a 0 {v1}
V1 z 0 1
Rz z 0 1k
R1 a b {r0}
R2 b 0 R='w*(1+0.1*abs(v(b)))'
B1 c 0 V=bend(v(b))+none*v(b)
R3 c d 1k
E2 e 0 value={max(k*v(b),0.3)}
G2 0 d cur='k*1u*v(b)*v(b)'
E3 g 0 b 0 {k/4}
R4 e d {w}
R5 d g 1k
D1 d 0 dm
Q1 d f 0 qm
R6 f b 1meg
.model dm d(is={1e-14*k} n=1.5 rs={r0/100})
.model qm npn(bf={50*k})
"""


def output(**parameters):
    return rs.solve(rs.parse_netlist(FORMULAS).with_parameters(parameters)).voltage("d")


@pytest.mark.parametrize(("name", "value"), [("k", 2.0), ("r0", 1e3), ("v1", 3.0), ("none", 0.0)])
def test_parameters_move_an_output_as_decks_with_other_values_say(name, value):
    (found,) = rs.sensitivities(FORMULAS, "v(d)")
    h = 1e-3 * (abs(value) or 1.0)
    moved = [output(**{name: value + k * h}) for k in (-2, -1, 1, 2)]
    expected = (moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * h)
    named = "param:v1" if name == "v1" else name  # a source has that name
    assert found.derivatives[named] == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert found.values[named] == value


def test_what_nothing_depends_on_moves_nothing():
    (found,) = rs.sensitivities(FORMULAS, "v(d)")
    assert found.derivatives["unused"] == 0
    assert "w" not in found.derivatives  # that is said by another one


def test_what_cancels_has_the_derivative_zero():
    text = "t\n.param r=1k\nV1 a 0 3\nR1 a b {r}\nR2 b 0 R='r*(1+0.1*abs(v(b)))'\n"
    (found,) = rs.sensitivities(text, "v(b)")
    assert abs(found.derivatives["r"]) < 1e-14


def test_what_is_added_to_a_formula_moves_an_output():
    (found,) = rs.sensitivities(FORMULAS, "v(d)")
    for name, card in (("b1", "B1 c 0 V="), ("g2", "cur='"), ("e2", "value={")):
        moved = [
            rs.solve(FORMULAS.replace(card, f"{card}{h}+")).voltage("d") for h in (-1e-7, 1e-7)
        ]
        assert found.derivatives[f"{name}:formula"] == pytest.approx(
            (moved[1] - moved[0]) / 2e-7, rel=1e-6
        )
    op = rs.solve(FORMULAS)
    assert found.values["b1:formula"] == pytest.approx(op.voltage("c"), rel=1e-12)


def test_a_parameter_that_chooses_has_no_derivative():
    text = "t\n.param mode=2 k=2\nV1 a 0 {mode>=2 ? k : 1}\nR1 a b 1k\n.if (mode>=2)\nR2 b 0 1k\n"
    (found,) = rs.sensitivities(f"{text}.else\nR3 b 0 1k\n.endif\n", "v(b)")
    assert found.derivatives["k"] == pytest.approx(0.5, rel=1e-12)
    assert "mode" not in found.derivatives
    (found,) = rs.sensitivities("t\n.param m=2\nV1 a 0 {m>=2 ? 2 : 1}\nR1 a 0 1k\n", "v(a)")
    assert "m" not in found.derivatives


#: a and b share a ratio, which moves of equal shares would leave as it is; c shares nothing
SHARED = """t
.param {singles} a=2 b=2 c=3 n=1
V1 in 0 1
R1 in x {{1k*a/b}}
R2 x 0 {{1k*c}}
{loads}
.if (n==1)
R3 x 0 1k
.endif
"""


def shared(count):
    return rs.parse_netlist(
        SHARED.format(
            singles=" ".join(f"p{k}={k + 1}" for k in range(count)),
            loads="\n".join(f"RP{k} x 0 {{1k*p{k}}}" for k in range(count)),
        )
    )


def test_parameters_that_share_decks_move_an_output_as_alone():
    circuit = shared(5)
    (found,) = rs.sensitivities(circuit, "v(x)")
    conductance = 1e-3 * (1 + 1 / 3 + 1 + sum(1 / (k + 1) for k in range(5)))
    v = 1e-3 / conductance
    by = {"a": -(1 - v) / 2, "b": (1 - v) / 2, "c": v / 9}  # dI/dp, mA
    by |= {f"p{k}": v / (k + 1) ** 2 for k in range(5)}
    for name, milliamps in by.items():
        assert found.derivatives[name] == pytest.approx(1e-3 * milliamps / conductance, rel=1e-10)
    assert "n" not in found.derivatives
    assert list(found.derivatives)[-8:] == list(circuit.parameters)[:-1]


def test_decks_for_parameters_are_few():
    circuit, read = shared(60), []

    def rebuild(values, draw=None):
        read.append(values)
        return circuit.rebuild(values, draw=draw)

    rs.sensitivities(dataclasses.replace(circuit, rebuild=rebuild), ["v(x)", "i(v1)"])
    assert len(read) <= 60


def test_parameters_have_a_spread():
    op = rs.monte_carlo(FORMULAS, {"k": 0.1, "r0": "5%", "r4": 0.01}, 12, seed=3)
    assert set(op.sampled) == {"k", "r0", "r4"}
    k, r0, r4 = (op.sampled[name] for name in ("k", "r0", "r4"))
    assert (abs(k / 2 - 1) <= 0.1).all()
    assert np.ptp(k) > 0.1
    for sample in range(3):
        circuit = rs.parse_netlist(FORMULAS).with_parameters({"k": k[sample], "r0": r0[sample]})
        alone = rs.solve(circuit.with_values({"r4": r4[sample]}))
        assert op.voltage("d")[sample] == pytest.approx(alone.voltage("d"), rel=1e-9)


def test_what_says_itself_by_others_has_no_spread():
    with pytest.raises(rs.UsageError, match="no element"):
        rs.monte_carlo(FORMULAS, {"w": 0.1}, 3)
