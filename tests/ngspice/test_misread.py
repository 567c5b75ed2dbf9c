"""What only ngspice computes otherwise is refused; options and cards that it knows are read."""

import re

import numpy as np
import pytest
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError

#: expression of x = 1.5 that ngspice misreads -> what it says
MISREAD = {
    "2*-x**2": -4.5,
    "3--x**2-1": 4.25,
    "1+ -x^2": -1.25,
    "2 - -(x+1)**2": 8.25,
    "x > 1 ? x > 2 ? 3 : 4 : 5": 4.0,
    "100mil*1000": 2.54,
}
#: formula of a source -> what it says
INSERTED = {
    "v(a)*{x+1}": 5.0,
    "{x+1}*v(a)": 5.0,
    "v(a)-{x+1}": -0.5,
    "v(a)/{x*2}": 2 / 3,
    "v(a)*{x > 1 ? 3 : 4}": 6.0,
    "max(v(a)*{x + 1}, 0)": 5.0,
}
#: the same, where ngspice agrees
TAKEN = [
    "v(a)*{x}", "v(a)*{-x}", "v(a)+{x+1}", "{v(a)*(x+1)}", "max(v(a),{x+1})", "v(a)*{x*2}",
    "v(a)*{1e-3}", "{x*2}*v(a)+{x+2}+1", "v(a)*(-x)**2",
]  # fmt: skip
#: lines of a deck -> the voltage at a
READ = {
    "I1 0 a 1m\nR1 a 0 5k 1n2\n.model 1n2 r(tc1=1m)\n.temp 127": 5.5,
    "I1 0 a 1m\nR1 a 0 7k r=3k": 3.0,
    "V1 b 0 2\nR1 b a 1k\nL1 a 0 l='1u*(1+v(b))'": 0.0,
    "V1 b 0 2\nR1 b a 1k\nC1 a 0 c='1u*(1+v(b))'": 2.0,
    "V1 b 0 1\nR1 b a 1k\nR2 a 0 1k\n.options rshunt=1k": 1 / 3,
    ".temp 127\n.options temp=50\nI1 0 a 1m\nR1 a 0 1k tc1=1m": 1.1,
    ".options temp=50\n.temp 127\nI1 0 a 1m\nR1 a 0 1k tc1=1m": 1.1,
    "V1 a 0 1 AC": 1.0,
    "V1 a 0 AC DC 2": 2.0,
    "V1 a 0 AC SIN(3 1 1k)": 3.0,
    "I1 0 a 1m\nVb b 0 1k\nR1 a 0 r={v(b)} tc1=1m m=2\n.options temp=127 tnom=60": 0.55,
    "V1 a 0 2\nVb b 0 1\nR1 a 0 rm r={v(b)}\n.model rm r(rsh=3 w=2u)": 2.0,
    ".param x=2\nV1 a 0 {x = 2}": 1.0,
    ".param x=2 y='x = 3 ? 4 : 5'\nV1 a 0 {y}": 5.0,
    ".if (1 = 2)\nV1 a 0 1\n.else\nV1 a 0 3\n.endif": 3.0,
}
#: diodes whose voltage ngspice must confirm
DIODES = [
    ".model m d(is=1e-13 isr=1e-9)",
    ".model m d(is=1e-13 n=1.2 isr=1e-10 ikf=1m)",
    ".model m d(is=1e-13 n=1.2 isr=1e-9 nr=1.8)",
    ".model m d(is=1e-15 n=1.8 jsw=1e-12 pj=2)\n.temp 60",
    ".model m d(is=1e-15 n=1.1 jsw=1e-13 pj=3 eg=1.2 xti=2)\n.temp -20",
    # reversed: the edge breaks down too
    ".model m d(is=1e-15 jsw=4e-15 pj=2 bv=5)\nI2 a 0 3m",
    ".model m d(is=1e-15 jsw=1e-13 pj=2 bv=5 ibv=1u nbv=.4 rs=9)\nI2 a 0 3m\n.temp 70",
]


def voltage(lines, node, **options):
    return rs.solve(rs.parse_netlist(f"t\n{lines}\n.op\n", **options)).voltage(node)


@pytest.mark.parametrize(("text", "value"), MISREAD.items())
def test_what_ngspice_misreads_is_refused_unless_another_simulator_is_meant(text, value):
    for lines in (f".param x=1.5\nV1 a 0 {{{text}}}", f".param x=1.5 y={{{text}}}\nV1 a 0 {{y}}"):
        with pytest.raises(NetlistError, match="E138"):
            rs.parse_netlist(f"t\n{lines}\n")
        dialect = "hspice" if "^" in text else "pspice"
        assert voltage(lines, "a", dialect=dialect) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("more", "ohms"),
    [
        ("scale=3", 3.0), ("temp=227 tc1=1m", 1.2), ("dtemp=50 tc1=1m", 1.15), ("tce=2", 1.01**200),
        ("rm", 1.4),
    ],
)  # fmt: skip
def test_what_ngspice_drops_beside_the_formula_of_a_resistance_is_refused(more, ohms):
    card = f"R1 a 0 R={{v(b)}} {more}" if more != "rm" else "R1 a 0 rm R={v(b)}"
    lines = f"I1 0 a 1\nV1 b 0 1\n{card}\n.model rm r(tc1=4m)\n.temp 127\n.options tnom=27"
    with pytest.raises(NetlistError, match="E138"):
        rs.parse_netlist(f"t\n{lines}\n")
    assert voltage(lines, "a", dialect="xyce") == pytest.approx(ohms)


@pytest.mark.parametrize(
    ("card", "volts"),
    [
        ("E1 b 0 POLY(1) a 0 3", 6), ("G1 0 b POLY(1) a 0 3m", 6), ("F1 b 0 POLY(1) V1 3", 6),
        ("H1 b 0 POLY(1) V1 3k", -6),
    ],
)  # fmt: skip
def test_a_lone_coefficient_is_the_gain_but_in_ngspice_where_it_is_refused(card, volts):
    lines = f"V1 a 0 2\nR1 a 0 1k\n{card}\nR2 b 0 1k"
    for dialect in ("auto", "ngspice"):
        with pytest.raises(NetlistError, match="E138"):
            rs.parse_netlist(f"t\n{lines}\n", dialect=dialect)
    for dialect in ("pspice", "ltspice", "hspice"):
        assert voltage(lines, "b", dialect=dialect) == pytest.approx(volts)


@pytest.mark.parametrize(("text", "value"), INSERTED.items())
def test_inner_braces_that_are_no_parentheses_are_refused(text, value):
    for card in (f"B1 b 0 V={text}", f"B1 b 0 V={{{text}}}", f"E1 b 0 VALUE = {{{text}}}"):
        lines = f".param x=1.5\nV1 a 0 2\n{card}\nR1 b 0 1k"
        with pytest.raises(NetlistError, match="E138"):
            rs.parse_netlist(f"t\n{lines}\n")
        assert voltage(lines, "b", dialect="ltspice") == pytest.approx(value, abs=1e-12)


@requires_ngspice
def test_other_forms_are_what_they_are_in_ngspice(tmp_path):
    decks = [f"t\n.param x=1.5\nV1 a 0 2\nB1 b 0 V={text}\nR1 b 0 1k\n.end\n" for text in TAKEN]
    decks += [f"t\n{lines}\n.end\n" for lines in READ]
    decks += [f"t\nI1 0 a 1m\nD1 a 0 m\n{lines}\n.options reltol=1e-9\n.end\n" for lines in DIODES]
    for text, theirs in zip(decks, as_written(decks, tmp_path), strict=True):
        op = rs.solve(rs.parse_netlist(text))
        for node in {"a", "b"} & set(op.circuit.nodes):
            assert theirs[f"v({node})"] == pytest.approx(op.voltage(node), rel=1e-6), text


@pytest.mark.parametrize(("lines", "volts"), READ.items())
def test_cards_and_options_are_read(lines, volts):
    assert voltage(lines, "a") == pytest.approx(volts, abs=1e-12)


def test_shunts_lie_at_every_node():
    cell = ".subckt c x\nR2 x y 1k\n.ends\nX1 a c\n"
    lines = f"I1 0 a 1m\nR1 a 0 1k\n{cell}.options gshunt=1m"
    # 1k from a to ground, 1k of the shunt, and 1k + 1k behind the cell
    assert voltage(lines, "a") == pytest.approx(0.4)
    with pytest.raises(NetlistError, match="Rser"):
        rs.parse_netlist("t\nL1 a 0 1u\n.options rseries=1\n")


@pytest.mark.parametrize("given", ["v={w*3}", "w=5 v=w", "v={w+1} w=7"])
def test_names_that_ngspice_looks_up_within_the_instance_are_refused(given, tmp_path):
    cell = ".subckt c a w=1 v=1\nR1 a 0 {v*1k}\n.ends\n.param w=2"
    lines = f"I1 0 a 1m\nX1 a c {given}\n{cell}"
    with pytest.raises(NetlistError, match="E138"):
        voltage(lines, "a")
    expected = {"v={w*3}": 6.0, "w=5 v=w": 2.0, "v={w+1} w=7": 3.0}[given]
    assert voltage(lines, "a", dialect="ltspice") == pytest.approx(expected)
    # what is handed through is the same inside and outside
    assert voltage(lines.replace(given, "w={w} v={w*3}"), "a") == pytest.approx(6.0)
    assert voltage(lines.replace(given, "w={w*2} v=4"), "a") == pytest.approx(4.0)


def test_models_that_look_like_numbers_stand_behind_the_value():
    for card in ("R1 a 0 1n2 5k", "R1 a 0 {2k+3k} 1n2"):
        lines = f"I1 0 a 1m\n{card}\n.model 1n2 r(tc1=1m)\n.temp 127"
        with pytest.raises(NetlistError, match="E138"):
            voltage(lines, "a")
        assert voltage(lines, "a", dialect="xyce") == pytest.approx(5.5)
    with pytest.raises(NetlistError, match="E105"):
        voltage("R1 a 0 4k 5k", "a")


def test_what_ngspice_does_not_multiply_within_instances_is_said():
    cell = ".subckt c p\nA1 p q m\nR1 q 0 1k\n.ends\n.model m sidiode(ron=10 roff=1e12)\n"
    nested = ".subckt c p\nX2 p d m=3\n.ends\n.subckt d p\nR1 p 0 1k\n.ends\n"
    for lines, volts in ((cell, 0.505), (nested, 1 / 6)):
        circuit = rs.parse_netlist(f"t\nI1 0 a 1m\nX1 a c m=2\n{lines}")
        assert [d.code for d in circuit.diagnostics] == ["W119"]
        assert rs.solve(circuit).voltage("a") == pytest.approx(volts)


@requires_ngspice
def test_a_note_says_how_far_rounded_corners_of_tables_are_from_sharp_ones(tmp_path):
    rng = np.random.default_rng(7)
    tables = []
    for _ in range(20):
        x = np.cumsum(rng.uniform(0.1, 2.0, rng.integers(2, 6)))
        tables.append(np.round(np.column_stack((x, rng.uniform(-5, 5, len(x)))), 3))
    lines = [
        f"E1 o 0 TABLE {{v(a)}} = {' '.join(f'({x},{y})' for x, y in table)}" for table in tables
    ]
    decks, notes, expected = [], [], []
    for line in lines:
        note = next(d for d in parsed(line, 0.0).diagnostics if d.code == "N113")
        off, at, near = (float(x) for x in re.findall(r"[-+.\de]+(?= V|,|$)", note.message))
        notes.append(off)
        for volts in (at, at + 1.01 * near, at - 1.01 * near):
            decks.append(f"t\nV1 a 0 {volts!r}\n{line}\nR1 o 0 1k\n.op\n")
            expected.append(rs.solve(parsed(line, volts)).voltage("o"))
    theirs = [point["v(o)"] for point in as_written(decks, tmp_path)]
    apart = np.abs(np.subtract(theirs, expected)).reshape(-1, 3)
    np.testing.assert_allclose(apart[:, 0], notes, rtol=1e-2)
    assert apart[:, 1:].max() < 1e-6


def parsed(line, volts, **options):
    return rs.parse_netlist(f"t\nV1 a 0 {volts!r}\n{line}\nR1 o 0 1k\n", **options)


@pytest.mark.parametrize("dialect", ["ltspice", "pspice", "xyce", "hspice"])
def test_tables_of_others_have_corners(dialect):
    line = "E1 o 0 TABLE {v(a)} = (0,0) (1,4)"
    codes = [d.code for d in parsed(line, 1.0, dialect=dialect).diagnostics]
    assert "N113" not in codes
    # one point, and points on a level, have no corner
    for points in ("(1,5)", "(0,2) (1,2)"):
        level = parsed(f"E1 o 0 TABLE {{v(a)}} = {points}", 1.0)
        assert "N113" not in [d.code for d in level.diagnostics]
    # formulas that are parameters have no figure
    circuit = parsed(".param top=4\nE1 o 0 TABLE {v(a)} = (0,0) (1,{top})", 1.0)
    (note,) = [d for d in circuit.diagnostics if d.code == "N113"]
    assert note.message.endswith("sharp")


@pytest.mark.parametrize("port", ["0", "GND"])
@pytest.mark.parametrize("count", [1, 40])  # many alike are placed at once
def test_a_port_called_like_ground_is_refused_at_another_node(port, count):
    cell = f"t\n.subckt s a {port}\nR1 a {port} 1k\n.ends\nV1 a 0 1\nR2 b 0 1k\n"
    grounded = cell + "".join(f"X{k} a gnd s\n" for k in range(count))
    assert rs.solve(grounded).current("v1") == pytest.approx(-1e-3 * count)
    raised = f"{grounded}XU a b s\n"
    with pytest.raises(NetlistError, match=f"port {port.lower()} of s for ground, not for b") as e:
        rs.parse_netlist(raised)
    assert e.value.diagnostics[0].code == "E138"
    found = rs.solve(raised, dialect="pspice")
    assert found.voltage("b") == pytest.approx(0.5)


@requires_ngspice
def test_ngspice_takes_such_ports_for_ground(tmp_path):
    deck = "t\n.subckt s a gnd\nR1 a gnd 1k\n.ends\nV1 a 0 1\nX1 a b s\nR2 b 0 1k\n"
    (found,) = as_written([deck], tmp_path)
    assert found["v(b)"] == 0.0
