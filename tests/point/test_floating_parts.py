"""Parts without current: nothing but the diodes around them says where they may be."""

import numpy as np
import pytest

import resnet_sim as rs

#: node 1 hangs at -5 V or below, and what hangs below it goes along
BELOW = """parts that hang below a supply
r1 2 1 47
r2 3 0 1
r3 5 0 .15
r4 6 5 .1
v5 6 0 -2.5
v6 7 0 -5
.model ideal d(ron=0)
.model silicon d(ron=0 vfwd=.7)
d7 4 6 ideal
d8 2 6 silicon
d9 4 1 ideal
d10 1 7 ideal
d11 7 3 ideal
.end
"""


def test_a_part_that_hangs_below_two_supplies_is_placed_below_both():
    op = rs.solve(BELOW)
    assert op.certificate.ok
    assert np.isnan([op["1"], op["2"], op["4"]]).all()
    assert op["6"] == -2.5
    assert op["5"] == pytest.approx(-1.5, rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_chains_of_idle_diodes_between_supplies_are_certified(seed):
    """Any anode may be as low as it likes: all of these have solutions without current."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 10))
    lines = ["chains", ".model d d(ron=0)"]
    for k, volts in enumerate(rng.integers(-5, 6, 3)):
        lines += [f"v{k} s{k} 0 {volts}", f"rs{k} s{k} 0 1"]
    for k in range(count):
        for other in rng.choice(k + 3, min(2, k + 3), replace=False):
            cathode = f"s{other}" if other < 3 else f"n{other - 3}"
            lines.append(f"d{k}_{other} n{k} {cathode} d")
        if k and rng.random() < 0.4:
            lines.append(f"r{k} n{k} n{rng.integers(k)} {10 ** rng.uniform(0, 3):.3g}")
    op = rs.solve("\n".join([*lines, ".end"]))
    assert op.certificate.ok
    assert max(abs(op.current(name)) for name in op.circuit.diodes.names) == 0.0


#: the diode neither conducts nor blocks where the part hangs by it
HUNG = """a part with a current of its own behind a diode, beside a transistor
v0 s0 0 0.5
r16 n0 0 232.5
r0 n0 s0 1k
m0 s0 n0 ms 0 mm w=20u l=2u
r17 ms 0 6401
r18 fa fb 64k
r19 fb fc 1k
d1 n0 fa mf
if1 fa fc 1m
.model mf d(vfwd=0.3)
.model mm nmos(vto=0.6 kp=50u)
.end
"""


def test_a_part_that_hangs_by_a_diode_beside_a_transistor_stays_beyond_it():
    op = rs.solve(HUNG)
    assert op.certificate.ok, op.certificate.failures
    assert op["n0"] == pytest.approx(0.5 * 232.5 / 1232.5, rel=1e-6)
    assert op.current("d1") == 0.0
    assert np.isnan([op["fa"], op["fb"], op["fc"]]).all()


def test_what_leans_on_nodes_at_rest_stays_beside_them():
    """Node 4 rests at 0 V, whatever rounding left there; d10 lets node 6 be no higher."""
    deck = """leaning
r3 4 0 22
r4 6 5 0.022
r5 7 6 0.047
r6 8 7 0.0068
r2 3 1 0.0068
v7 3 8 2
v8 5 6 -2.5
d9 8 5 dmod1
d10 6 4 dmod2
d11 5 6 dmod2
.model dmod1 D(Ron=0 Roff=inf Vfwd=0.7)
.model dmod2 D(Ron=0 Roff=inf Vfwd=0)
.end
"""
    for method in ("auto", "newton"):
        op = rs.solve(rs.parse_netlist(deck), method=method)
        assert op.certificate.ok, op.certificate.failures
        assert op["4"] == 0.0
        assert set(op.floating) == {"1", "3", "5", "6", "7", "8"}


def test_a_node_that_is_read_and_that_nothing_connects_to_is_named():
    deck = "t\nV1 a 0 5\nR1 a 0 1k\n{}\nR2 b 0 1k\n"
    for card in ("B1 b 0 V=2*v(aa)", "E1 b 0 aa 0 2", "G1 b 0 aa a 1m"):
        op = rs.solve(deck.format(card))
        (found,) = [d for d in op.diagnostics if d.code == "W204"]
        assert found.message == f"nothing connects to node aa, which {card[:2].lower()} reads"
        assert found.span.text == card
    op = rs.solve(deck.format("B1 b 0 V=2*v(c)\nV2 c 0 1"))
    assert "W204" not in [d.code for d in op.diagnostics]
