"""Transistors: their laws against ngspice, and circuits of them against ngspice and by hand."""

import math
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from ngspice_tools import requires_ngspice
from textbook import DECKS
from transistor_decks import as_written, assert_as_written, bias_points, random_circuit

import resnet_sim as rs
from resnet_sim import NetlistError, parse_netlist
from resnet_sim.laws.registry import laws
from resnet_sim.model.devices import bipolar, jfet, mosfet

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"


def series(circuit, name):
    """The conductance of the smallest resistance within a device, S; rounding passes it."""
    number = circuit.element(name)
    table, row = circuit.locate(number)
    device = circuit.tables[table]
    one = {bipolar.Bipolars: bipolar, mosfet.Mosfets: mosfet, jfet.Jfets: jfet}[type(device)]
    values = one.effective(device)
    ohms = [
        values[key][row // device.width] for key in ("rb", "rc", "re", "rd", "rs") if key in values
    ]
    return 1.0 / min([r for r in ohms if r > 0], default=math.inf)


@requires_ngspice
@pytest.mark.parametrize("kind", "qmj23")
@pytest.mark.parametrize("seed", range(3))
def test_currents_at_given_voltages_are_those_of_ngspice(kind, seed):
    deck = bias_points(np.random.default_rng(seed), kind, 25)
    circuit, theirs = parse_netlist(deck), as_written(deck)
    op = rs.solve(circuit)
    assert op.certificate.ok
    for source in circuit.voltage_sources.names:
        device = ("m" if kind.isdigit() else kind) + source[2:]
        ours, other = op.current(source), theirs[f"i({source})"]
        # what ngspice computes from the difference of two node voltages
        noise = 2e-14 * series(circuit, device)
        assert ours == pytest.approx(other, rel=1e-6, abs=1e-18 + noise)


@pytest.mark.parametrize("kind", "qmj23")
def test_derivatives_are_those_of_the_law_stated_independently(kind):
    """By an imaginary step through `laws`, at the voltages behind the resistances."""
    rng = np.random.default_rng(7)
    circuit = parse_netlist(bias_points(rng, kind, 40))
    (law,) = [law for law in laws(circuit) if law.table.smooth]
    device = law.table
    module = {"q": bipolar, "j": jfet}.get(kind, mosfet)
    make = {"q": lambda v: bipolar.GummelPoon(v, 3), "j": jfet.Junction}
    channel = mosfet.channel_of(float(kind) if kind.isdigit() else 1.0)
    function = make.get(kind, channel)(module.effective(device))
    v = rng.uniform(-2, 0.6, (40, device.width))
    if isinstance(device, mosfet.Mosfets):  # most of them on, half of them forward
        v[:, 1] *= -3.0
        v[::2, 0] *= -3.0
        v *= device.parameter("polarity")[:, None]
    current, slopes = function.evaluate(v)
    behind = np.concatenate([v, np.zeros((40, 1))], axis=1)
    expected = law.currents(behind, law.p)[:, :-1]
    assert current == pytest.approx(expected, rel=1e-9, abs=1e-22)
    assert slopes == pytest.approx(law.slopes(behind, law.p)[:, :-1, :-1], rel=1e-9, abs=1e-22)


@requires_ngspice
@pytest.mark.parametrize("name", DECKS)
def test_textbook_circuits_have_the_voltages_of_ngspice(name):
    assert not assert_as_written(f"{name}\n{DECKS[name]}\n").diagnostics


@requires_ngspice
# in the last ones some equations are of next to nothing
@pytest.mark.parametrize("seed", [*range(4), 136, 355])
def test_random_circuits_have_an_operating_point_that_ngspice_keeps(seed):
    judge_random(seed)


@pytest.mark.long
@requires_ngspice
def test_three_hundred_random_circuits():
    solved = sum(judge_random(seed) for seed in range(100, 400))
    assert solved >= 297


def judge_random(seed):
    rng = np.random.default_rng(seed)
    deck = random_circuit(rng, int(rng.integers(5, 51)))
    circuit = parse_netlist(deck)
    try:
        op = rs.solve(circuit)
    except rs.ConvergenceError:
        return False
    except rs.TopologyError as error:  # of 300 circuits one has junctions straight across sources
        assert "its junctions short what sources put across them" in str(error)
        return False
    if op.status != "solved":  # which is said
        return False
    starts = "\n".join(f".nodeset v({node})={volts!r}" for node, volts in op.voltages.items())
    size, off = np.abs(op.node_voltages).max(), []
    for more in ("", starts):
        with suppress(rs.SimulatorError):  # ngspice finds nothing from where it starts itself
            theirs = as_written(f"{deck}\n{more}")
            volts = np.array([0.0] + [theirs[f"v({n})"] for n in circuit.nodes[1:]])
            off.append(np.abs(volts - op.node_voltages).max() / size)
            if off[-1] <= 1e-5:
                return True
    raise AssertionError(f"ngspice leaves the operating point of circuit {seed}: {off}")


# ---- what is known by hand ----


def test_a_mosfet_in_saturation_and_in_its_triode_region():
    deck = "m\nvd d 0 {}\nvg g 0 2\nm1 d g 0 0 m w=20u l=2u\n.model m nmos(vto=0.5 kp=40u is=0)"
    deck += "\n.options gmin=0"
    for volts, amps in ((4.0, 40e-6 * 10 / 2 * 1.5**2), (0.5, 40e-6 * 10 * (1.5 - 0.25) * 0.5)):
        op = rs.solve(parse_netlist(deck.format(volts)))
        assert op.current("m1") == pytest.approx(amps, rel=1e-12)
        assert op.current("m1:g") == op.current("m1:b") == 0.0


def test_a_bipolar_transistor_without_second_order_effects():
    deck = "q\nvc c 0 5\nvb b 0 0.6\nq1 c b 0 m 3\n.model m npn(is=1e-15 bf=50)\n.options gmin=0"
    op = rs.solve(parse_netlist(deck))
    vt = 1.38064852e-23 * 300.15 / 1.6021766208e-19
    forward = 3e-15 * math.expm1(0.6 / vt)
    assert op.current("q1:b") == pytest.approx(forward / 50, rel=1e-12)
    assert op.current("q1") == pytest.approx(forward, rel=1e-12)


def test_the_terminals_of_a_device_balance_with_the_rest():
    circuit = rs.read_netlist(EXAMPLES / "common-emitter.net")
    op = rs.solve(circuit)
    flows = [op.current(name) for name in ("q1", "q1:b", "q1:s")]
    assert op.current("re") == pytest.approx(sum(flows), rel=1e-12)
    assert op.current("rc") == pytest.approx(flows[0], rel=1e-12)


def test_leakage_behind_a_small_resistance_keeps_its_digits():
    deck = """leak
vd d 0 5
m1 d 0 0 0 m
j1 d g 0 k
vg g 0 -4
.model m nmos(vto=1 rd=1m rs=1m)
.model k njf(vto=-1 rd=1m rs=1m)"""
    op = rs.solve(parse_netlist(deck))
    assert op.certificate.ok
    assert op.current("vd") == pytest.approx(-op.current("m1") - op.current("j1"), rel=1e-9)
    assert op.current("m1") == pytest.approx(1e-14 + 5e-12, rel=1e-6)


# ---- hard diodes, sources and switches beside them ----


def test_an_ideal_diode_clamps_a_collector():
    deck = """clamp
vcc vcc 0 5
vb in 0 2
rb in b 10k
rc vcc c 10k
q1 c b 0 m
d1 x c ideal
vx x 0 1
.model m npn(is=1e-15 bf=100)
.model ideal d(vfwd=0)"""
    op = rs.solve(parse_netlist(deck))
    assert op.certificate.ok
    assert op.voltage("c") == pytest.approx(1.0, abs=1e-12)
    without = op.current("q1") - op.current("rc")
    assert op.current("d1") == pytest.approx(without, rel=1e-9)
    assert op.current("d1") > 1e-3


def test_an_ideal_amplifier_sets_the_current_of_a_transistor():
    deck = """regulated source
vcc vcc 0 10
vr r 0 1
e1 g 0 r s 1e6
m1 d g s 0 m
rs s 0 1k
rd vcc d 2k
.model m nmos(vto=1 kp=10m)"""
    op = rs.solve(parse_netlist(deck))
    assert op.voltage("s") == pytest.approx(1.0, abs=1e-5)
    assert op.voltage("d") == pytest.approx(8.0, abs=1e-4)


def test_a_switch_follows_a_transistor():
    deck = """switched
vcc vcc 0 5
vin b 0 {}
rb b bb 10k
rc vcc c 1k
q1 c bb 0 m
s1 out 0 c 0 sw
ro vcc out 1k
.model m npn(bf=100)
.model sw sw(vt=2.5 ron=1)"""
    for volts, closed in ((0.0, True), (3.0, False)):
        op = rs.solve(parse_netlist(deck.format(volts)))
        assert (op.voltage("out") < 1) == closed


# ---- several operating points ----

LATCH = """latch
vdd dd 0 5
m1 a b 0 0 n w=20u l=2u
m2 a b dd dd p w=40u l=2u
m3 b a 0 0 n w=20u l=2u
m4 b a dd dd p w=40u l=2u
.model n nmos(vto=1 kp=50u lambda=0.01)
.model p pmos(vto=-1 kp=25u lambda=0.01)
"""


def test_a_latch_on_the_fence_is_told_and_nodesets_choose_a_side():
    # both inverters alike: where n and p carry the same current, lambda and all
    fence = rs.solve(parse_netlist(LATCH.replace("m3 b a", "m3 b b").replace("m4 b a", "m4 b b")))
    asked = f".nodeset v(a)={fence['b']!r} v(b)={fence['b']!r}"
    op = rs.solve(parse_netlist(LATCH + asked))
    assert "W208" in [d.code for d in op.diagnostics]
    assert op.voltage("a") == pytest.approx(op.voltage("b"))
    for a, b in ((5, 0), (0, 5)):
        for nodes in (f".nodeset v(a)={a} v(b)={b}", f".nodeset v(a)={a}"):
            op = rs.solve(parse_netlist(LATCH + nodes))
            assert not op.diagnostics
            assert op.voltage("a") == pytest.approx(a, abs=1e-6)
            assert op.voltage("b") == pytest.approx(b, abs=1e-6)


def test_a_latch_falls_to_one_side_if_nobody_asks():
    op = rs.solve(parse_netlist(LATCH))
    assert not op.diagnostics
    assert sorted((op["a"], op["b"])) == pytest.approx([0, 5], abs=1e-6)


SCR = """thyristor of two transistors
v1 a 0 10
r1 a an 1k
q1 g b an p
q2 b g 0 n
rg g 0 10k
ig 0 g {}u
.model n npn(bf=50)
.model p pnp(bf=2)
"""


@pytest.mark.parametrize("gate", [0, 20, 40, 60])
def test_a_thyristor_blocks_until_its_gate_has_some_50_microamperes(gate):
    """``BF_n BF_p = 100 > 1``; off, the gate current stays below .6 V in 10k: no loop gain."""
    op = rs.solve(parse_netlist(SCR.format(gate)))
    assert "W208" not in [d.code for d in op.diagnostics]
    if gate == 60:
        assert op["an"] < 1.0
    else:
        assert op["an"] == pytest.approx(10, abs=1e-4)
        assert op["g"] == pytest.approx(1e-2 * gate, abs=1e-4)


@pytest.mark.parametrize("asked", [5.0, -5.0, 0.0, 3.0])
def test_nodesets_of_what_an_amplifier_drives_count(asked):
    """``o = 5 tanh(1e4 o / 3)``: -5, 0 and 5, of which 0 does not last."""
    deck = f"t\nr1 p 0 1k\nr2 p o 2k\nb1 o 0 v=5*tanh(1e4*v(p))\n.nodeset v(o)={asked}\n"
    op = rs.solve(parse_netlist(deck))
    assert op["o"] == pytest.approx(5.0 if asked == 3.0 else asked, rel=1e-9)
    assert ("W208" in [d.code for d in op.diagnostics]) == (asked == 0.0)


BANDGAP = """bandgap with an amplifier that is limited
vcc vp 0 5
q1 c1 b e1 n area=8
q2 c2 b e2 n
r1 e1 e2 1k
r2 e2 0 5.2k
r3 vp c1 10k
r4 vp c2 10k
e1 b 0 value={limit(1e4*(v(c1)-v(c2)),0,5)}
.model n npn(is=1e-16 bf=100)
"""


@pytest.mark.parametrize("celsius", [-40, 27, 120])
def test_a_bandgap_that_has_not_started_is_certified(celsius):
    """Off, `1e4 * (v(c1) - v(c2))` is next to nothing: less than a last digit of the 5 V."""
    op = rs.solve(parse_netlist(f"{BANDGAP}.temp {celsius}\n"))
    assert op.certificate.ok
    assert op["b"] == 0.0


def test_a_bandgap_regulates_where_nodeset_has_started_it():
    """Equal currents in areas of 8 to 1: `v(e2) = 10.4 (kT/q) ln 8`."""
    op = rs.solve(
        parse_netlist(BANDGAP.replace("v(c1)-v(c2)", "v(c2)-v(c1)") + ".nodeset v(b)=1.2\n")
    )
    assert op.certificate.ok
    assert op["c1"] == pytest.approx(op["c2"], abs=1e-3)
    rise = 10.4 * 8.617333e-5 * 300.15 * math.log(8)
    assert op["e2"] == pytest.approx(rise, rel=0.01)


def test_a_sweep_goes_on_from_the_point_before():
    """A Schmitt trigger: which way it is swept decides where it switches."""
    deck = "schmitt\n" + DECKS["schmitt trigger"]
    circuit = parse_netlist(deck)
    up = np.arange(0.5, 8.0, 0.1)
    rising = rs.sweep(circuit, vin=up).voltage("c2")
    falling = rs.sweep(circuit, vin=up[::-1]).voltage("c2")[::-1]
    differs = np.flatnonzero(np.abs(rising - falling) > 1.0)
    assert len(differs) > 5
    assert (rising[differs] < falling[differs]).all()
    assert rising[0] == pytest.approx(falling[0])
    assert rising[-1] == pytest.approx(falling[-1])


@requires_ngspice
def test_transfer_curves_are_those_of_ngspice():
    for name, source, values, node in (
        ("cmos inverter", "vin", np.arange(0, 5.01, 0.25), "out"),
        ("differential pair", "v1", np.arange(-0.1, 0.101, 0.01), "c1"),
        ("schmitt trigger", "vin", np.arange(0.5, 8.01, 0.25), "c2"),
        ("schmitt trigger", "vin", np.arange(8, 0.49, -0.25), "c2"),
    ):
        deck = f"{name}\n{DECKS[name]}\n"
        op = rs.sweep(parse_netlist(deck), **{source: values})
        assert op.certificate.ok
        step = float(values[1] - values[0])
        card = f".dc {source} {float(values[0])} {float(values[-1]) + step / 100} {step}"
        theirs = swept(deck, card, node)
        assert op.voltage(node) == pytest.approx(theirs, rel=1e-6, abs=1e-8)


def swept(deck, card, node):
    """ngspice's voltages of a node along a sweep."""
    from resnet_sim.ngspice.process import simulate

    options = ".options reltol=1e-9 vntol=1e-13 abstol=1e-20\n"
    plot = simulate(f"{deck}\n{options}{card}\n.end\n").plot
    return plot.values[:, [n.lower() for n in plot.names].index(f"v({node})")]


# ---- reading ----


def test_models_stand_anywhere_and_substrates_may_be_named():
    deck = """places
vcc c 0 5
vb b 0 0.6
q1 c b 0 m
q2 c b 0 s m 2
x1 c b stage
.subckt stage c b
q1 c b 0 inner area=3 m=2
.model inner npn(is=1e-15)
.ends
vs s 0 0
.model m npn(is=1e-15)"""
    circuit = parse_netlist(deck)
    op = rs.solve(circuit)
    one = op.current("q1")
    assert op.current("q2") == pytest.approx(2 * one, rel=1e-6)
    assert op.current("x1.q1") == pytest.approx(6 * one, rel=1e-6)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("m1 d g 0 0 m\n.model m nmos(level=4)", "level 4"),
        ("m1 d g 0 0 m\n.model m nmos(level=2 ucrit=0)", "ucrit must be above 0"),
        ("m1 d g 0 0 m w=1u\n.model m nmos(level=3 wd=.5u)", "channel of m1"),
        ("m1 d g 0 0 m\n.model m nmos(level=49)", "level 49"),
        ("q1 d g 0 m\n.model m npn(rco=10)", "rco"),
        ("q1 d g 0 m\n.model m npn(level=4)", "level 4"),
        ("j1 d g 0 m\n.model m njf(level=2)", "level 2"),
        ("m1 d g 0 0 m l=1u\n.model m nmos(ld=1u)", "channel of m1"),
        ("q1 d g 0 m area=0\n.model m npn", "area of q1"),
        ("q1 d g 0 m\n.model m npn(bf=-1)", "bf"),
        ("q1 d g 0 m\n.model m nmos", "not a bipolar transistor"),
        ("m1 d g 0 m\n.model m nmos", "too few fields"),
        ("q1 d g 0 q\n.model m npn", "unknown model 'q'"),
    ],
)
def test_what_makes_no_device_is_refused_by_name(lines, message):
    with pytest.raises(NetlistError, match=message):
        parse_netlist(f"t\nvd d 0 1\nvg g 0 1\n{lines}\n")


def test_temperatures_and_gmin_of_the_deck_hold():
    deck = "t\nv1 a 0 -5\nq1 0 a 0 m\n.model m npn(is=1e-20)\n.options gmin=1n temp=60"
    circuit = parse_netlist(deck)
    assert rs.solve(circuit).current("q1:b") == pytest.approx(-10e-9, rel=1e-6)
    assert circuit.bipolars.parameter("temp") == [60.0]


def test_parameters_that_mean_nothing_at_dc_make_no_noise():
    lines = "q1 a b 0 m off ic=0.6,2\nm1 a b 0 0 n pd=1u ps=1u ic=1,2,3\n"
    lines += ".model m npn(cje=1p tf=1n kf=1e-12)\n.model n nmos(cgso=1n level=1)"
    assert not parse_netlist(f"t\nv1 a 0 1\nv2 b 0 1\n{lines}").diagnostics


def test_parameters_of_another_level_are_told_and_mean_nothing():
    deck = "t\nv1 d 0 3\nv2 g 0 2\nm1 d g 0 0 n\n.model n nmos(level={} {})"
    for level, one, other in ((1, "", "theta=.1"), (3, "theta=.1", "lambda=.1")):
        ours = parse_netlist(deck.format(level, one))
        more = parse_netlist(deck.format(level, f"{one} {other}"))
        assert not ours.diagnostics
        (told,) = more.diagnostics
        assert told.code == "W110"
        assert other.partition("=")[0] in told.message
        assert rs.solve(more).current("m1") == rs.solve(ours).current("m1")


def test_python_is_refused_what_decks_are():
    for given, message in (({"level": 4}, "level 4"), ({"level": 3, "tox": 0}, "tox of m1")):
        with pytest.raises(rs.UsageError, match=message):
            rs.CircuitBuilder().mosfet("m1", ["d", "g", "s", "b"], given)


def test_what_pspice_alone_has_is_told():
    deck = (
        "t\nv1 d 0 3\nv2 g 0 5\nm1 d g 0 0 n\n.model n nmos(level=3 w=.3 l=2u rg=14 tt=1n n=1 {})"
    )
    plain = parse_netlist(deck.format(""))
    assert not plain.diagnostics
    assert plain.mosfets.parameter("w") == 0.3
    (told,) = parse_netlist(deck.format("rds=444k")).diagnostics
    assert told.code == "W110"
    assert "between drain and source" in told.hint
    assert [d.code for d in parse_netlist(deck.replace("n=1", "n=2").format("")).diagnostics] == [
        "W110"
    ]


def test_rds_of_pspice_lies_between_drain_and_source():
    deck = "t\nvd d 0 10\nvg g 0 0\nm1 d g 0 0 n m=2\n.model n nmos(vto=1 rds=400k)\n"
    op = rs.solve(parse_netlist(deck, dialect="pspice"))
    assert op.current("m1#rds") == pytest.approx(10 / 200e3)
    with pytest.raises(NetlistError, match="rds must be above 0"):
        parse_netlist(deck.replace("400k", "0"), dialect="pspice")


def test_what_follows_from_doping_is_kept_when_it_is_written():
    """A gamma of 0 is the usual one, yet not what the doping says."""
    deck = "t\nv1 d 0 3\nv2 g 0 2\nm1 d g 0 0 n\n.model n nmos(level=3 gamma=0 nsub=1e16 vto=0)"
    circuit = parse_netlist(deck)
    again = parse_netlist(rs.format_netlist(circuit))
    assert np.array_equal(circuit.mosfets.values, again.mosfets.values)


# ---- junction diodes beside transistors and in loops ----

MIXED = {
    "vbe multiplier with a diode": """vcc vcc 0 10
r1 vcc b 4.7k
d1 b m real
d2 m 0 real
q1 c b e n
rc vcc c 1k
re e 0 100
.model n npn(is=1e-15 bf=150)
.model real d(is=1e-14 rs=2 n=1.1)""",
    "precision rectifier": """vin in 0 {v}
e1 o 0 in f 1e5
d1 o f real
rl f 0 10k
.model real d(is=2.5n rs=0.6 n=1.75)""",
    "logarithmic amplifier": """vin in 0 2
r1 in n 10k
e1 out 0 0 n 1e6
d1 n out real
.model real d(is=1e-14)""",
    "clipping amplifier": """vin in 0 {v}
r1 in n 1k
r2 n out 100k
e1 out 0 0 n 1e5
d1 n m real
d2 m out real
d3 out n real
.model real d(is=2.5n rs=0.6 n=1.75)""",
    "zener at an amplifier": """vin in 0 {v}
r1 in n 1k
e1 out 0 0 n 1e5
d1 n out z
.model z d(is=1e-14 bv=4.7 ibv=5m rs=3)""",
}


@requires_ngspice
@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("volts", [1.5, -1.5])
def test_junction_diodes_stand_beside_transistors_and_in_loops(name, volts):
    assert_as_written(f"{name}\n{MIXED[name].format(v=volts)}\n")


@pytest.mark.parametrize("ohms", ["1u", "1m"])
def test_tiny_resistors_beside_transistors_change_nothing(ohms):
    deck = """saturated
v1 a 0 12
r1 a b {0}
r2 b c 1k
q1 c d 0 qm
r3 d e {0}
r4 e a 1meg
.model qm npn(bf=100)
"""
    op, without = (rs.solve(rs.parse_netlist(deck.format(x))) for x in (ohms, "0"))
    assert op.certificate.ok
    assert op.voltage("d") == pytest.approx(without.voltage("d"), rel=1e-6)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("v1 b 0 5\nv2 c 0 8\nq1 c b 0 n\n.model n npn(bf=100)", "bipolar transistor q1"),
        ("v1 b 0 5\nr1 c 0 1k\nq1 c b 0 n\n.model n npn(bf=100)", "bipolar transistor q1"),
        ("v1 g 0 7\nv2 d 0 1\nj1 d g 0 n\n.model n njf(vto=-2)", "JFET j1"),
        ("v1 s 0 -9\nr1 d 0 1k\nm1 d d s 0 n\n.model n nmos(vto=1)", "MOSFET m1:b"),
    ],
)
def test_a_junction_straight_across_a_source_is_a_contradiction(lines, name):
    with pytest.raises(rs.TopologyError, match=f"E202.*{name} would carry"):
        rs.solve(f"shorted\n{lines}\n")
    rs.solve(f"held\n{lines.replace(' 5', ' .6').replace(' 7', ' .3').replace('-9', '.1')}\n")


def test_ideal_diodes_that_short_a_source_beside_a_transistor_are_named():
    lines = (
        "v0 s 0 2\nr2 s n1 100\nj0 n1 n1 0 jn\nm1 0 s n2 s mm\nd0 n2 0 mi\nd1 s n0 mi\nd2 n0 n2 mi"
    )
    models = ".model mi d(vfwd=.3 ron=0)\n.model jn njf(vto=-2)\n.model mm nmos(vto=.6)"
    with pytest.raises(rs.TopologyError, match=r"E202.*d[0-2], d[0-2], d[0-2] short v0"):
        rs.solve(f"shorted\n{lines}\n{models}\n")
    assert rs.solve(f"held\n{lines.replace('0 2', '0 .8')}\n{models}\n").certificate.ok
