"""MOSFETs of levels 2 and 3 in circuits, from cold; as ngspice solves them."""

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from transistor_decks import as_written

import resnet_sim as rs
from resnet_sim.model.devices import mosfet

#: what ngspice settles to: its derivatives of these laws are not quite theirs
OPTIONS = ".options reltol=1e-7 vntol=1e-11 abstol=1e-16 itl1=500\n.op\n.end\n"
SIZES = "tox=20n xj=.2u ld=.05u nfs=3e11 rsh=20"
MODELS = {
    2: f""".model n nmos(level=2 {SIZES} nsub=3e16 vto=.7 uo=550 ucrit=6e4 uexp=.12 vmax=8e4 neff=3)
.model p pmos(level=2 {SIZES} nsub=2e16 vto=-.8 uo=200 ucrit=5e4 uexp=.15 lambda=.03 delta=.3)
.model power nmos(level=2 vto=2.8 kp=20u rs=2m rd=1m w=.3 l=2u)""",
    3: f""".model n nmos(level=3 {SIZES} nsub=3e16 vto=.7 uo=550 theta=.08 vmax=1e5 eta=.1 delta=1)
.model p pmos(level=3 {SIZES} nsub=2e16 vto=-.8 uo=200 theta=.1 eta=.1 kappa=6 wd=.05u)
.model power nmos(level=3 vto=2.831 kp=20.53u rs=1.624m rd=1.031m w=.3 l=2u is=194e-18)""",
}
INVERTERS = "".join(
    f"ma{k} n{k + 1} n{k} 0 0 n w=4u l=1u\nmb{k} n{k + 1} n{k} d d p w=10u l=1u\n" for k in range(9)
)
STAGES = {
    "inverters": "vdd d 0 5\nvi n0 0 {}\n" + INVERTERS,
    "pass gate": "vdd d 0 5\nvi i 0 {}\nr1 i a 1k\nm1 a d b 0 n w=4u l=1u\nm2 a 0 b d p w=4u l=1u\n"
    "r2 b 0 10k",
    "switch": "vdd d 0 48\nrg i g 10\nvi i 0 {}\nrl d o 4\nm1 o g 0 0 power",
    "follower": "vdd d 0 48\nvi g 0 {}\nrl o 0 4\nm1 d g o o power",
    "amplifier": "vdd d 0 5\nvss s 0 -5\nvi i 0 {}\nr1 i a 99k\nr2 a 0 1k\n"
    "m1 x a t s n w=20u l=1u\nm2 o 0 t s n w=20u l=1u\nm3 x x d d p w=40u l=2u\n"
    "m4 o x d d p w=40u l=2u\nm5 t b s s n w=20u l=2u\nm6 b b s s n w=20u l=2u\nr3 0 b 40k",
}


@requires_ngspice
@pytest.mark.parametrize("level", MODELS)
@pytest.mark.parametrize("stage", STAGES)
def test_stages_have_the_voltages_of_ngspice(level, stage):
    for volts in (0, 1.5, 2.4, 5):
        deck = f"{stage}\n{STAGES[stage].format(volts)}\n{MODELS[level]}"
        op, theirs = rs.solve(rs.parse_netlist(deck)), as_written(deck, OPTIONS)
        assert op.certificate.ok
        for node, ours in op.voltages.items():
            if node != "0":
                assert ours == pytest.approx(theirs[f"v({node})"], rel=1e-5, abs=1e-6)


def test_levels_beside_each_other_are_what_they_are_alone():
    decks = {level: INVERTERS + models for level, models in MODELS.items()}
    decks[1] = INVERTERS + ".model n nmos(vto=.7 kp=60u)\n.model p pmos(vto=-.8 kp=30u)"
    deck = "vdd d 0 5\nvi n0 0 2.3\n{}"
    alone = {k: rs.solve(rs.parse_netlist(f"t\n{deck.format(text)}")) for k, text in decks.items()}
    lines = [f".subckt s{k} d n0\n{text}\n.ends\nx{k} d n0 s{k}" for k, text in decks.items()]
    op = rs.solve(rs.parse_netlist(f"t\n{deck.format(chr(10).join(lines))}"))
    for k, one in alone.items():
        for node in ("n1", "n2", "n9"):
            assert op.voltage(f"x{k}.{node}") == pytest.approx(one.voltage(node), rel=1e-8)


@pytest.mark.parametrize("level", MODELS)
def test_slopes_are_differences_of_currents(level):
    deck = f"t\nv1 d 0 1\nm1 d d 0 0 n w=5u l=1u\n{MODELS[level]}"
    table = rs.parse_netlist(deck).mosfets
    law = mosfet.channel_of(level)(mosfet.effective(table))
    rng, step = np.random.default_rng(1), 1e-6
    for _ in range(200):
        v = rng.uniform([-2, -1, -4], [5, 5, -2])[None]
        slopes = law.evaluate(v)[1][0]
        for k, unit in enumerate(step * np.eye(3)):
            above, below = law.evaluate(v + unit)[0], law.evaluate(v - unit)[0]
            rise = (above - below)[0] / (2 * step)
            assert slopes[:, k] == pytest.approx(rise, rel=1e-4, abs=1e-9)


def test_level_2_is_off_below_its_threshold_though_ngspice_is_not():
    deck = "t\nv1 d 0 1\nv2 g 0 0.7\nm1 d g 0 0 n\n"
    deck += ".model n nmos(level=2 vto=1 gamma=.6 phi=.65 vmax=5e4 kp=50u tox=50n)"
    assert rs.solve(rs.parse_netlist(deck)).current("m1") == pytest.approx(1e-12, rel=0.02)
