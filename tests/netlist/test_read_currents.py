"""Formulas that read the current of an element that fixes no voltage."""

import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError

MODELS = ".model di d(vfwd=1 ron=0)\n.model sm sw(ron=1k vt=1)\n"

#: cards -> the voltage of b
CURRENTS = {
    "R1 a 0 1k\nB1 b 0 V=I(R1)*250": 1,
    "R1 a 0 1k m=2\nB1 b 0 V=I(R1)*250": 2,
    "R1 a 0 1k\nB1 0 b I=I(R1)**2*250": 4,
    "R1 a c 1k\nD1 c 0 di\nB1 b 0 V=I(D1)*1000": 3,
    "I1 0 c 2m\nR1 c 0 1k\nB1 b 0 V=I(I1)*1000": 2,
    "S1 a 0 a 0 sm\nE1 b 0 value={i(s1)*500}": 2,
    "R1 a 0 1k\nC1 a 0 1u\nB1 b 0 V=I(C1)+3": 3,
    "R1 0 c 1k\nG1 a c 0 a 1m\nB1 b 0 V=I(G1)*500": -2,
    "R1 0 c 1k\nF1 a c V1 2\nB1 b 0 V=I(F1)*500+i(v1)": 0,
    "R1 0 c 1k\nB2 a c I=V(a)/1k\nB1 b 0 V=I(B2)*500": 2,
    "B1 b 0 V=i(x1.r1)*1k\nX1 a 0 s\n.subckt s p q\nR1 p q 2k\n.ends": 2,
    "X1 a b s\nX2 a c s\nR3 c 0 1k\n.subckt s p q\nR1 p 0 2k\nB1 q 0 V=i(R1)*1k\n.ends": 2,
}


@pytest.mark.parametrize(("cards", "volts"), CURRENTS.items())
@pytest.mark.parametrize("quick", [True, False])
def test_formulas_read_the_current_of_an_element(cards, volts, quick):
    text = f"t\nV1 a 0 4\n{cards}\nRb b 0 1k\n{MODELS}"
    circuit = rs.parse_netlist(text, quick=quick)
    assert rs.solve(circuit)["b"] == pytest.approx(volts)
    again = rs.parse_netlist(rs.format_netlist(circuit))
    assert rs.solve(again)["b"] == pytest.approx(volts)


def test_what_is_swept_is_still_the_element():
    text = "t\nV1 a 0 4\nR1 a 0 1k\nB1 b 0 V=I(R1)*250\nRb b 0 1k\n.dc R1 1k 2k 1k\n"
    (swept,) = rs.run(rs.parse_netlist(text))
    assert swept.voltage("b") == pytest.approx([1, 0.5])
    assert swept.current("r1") == pytest.approx([4e-3, 2e-3])


BIASED = """t
V1 a 0 5
R1 a b 100k
R2 a c 1k
Q1 c b e n
RE e 0 10
M1 a a ms 0 nm m=2
Rms ms 0 1k
J1 a g js jm
Rg 0 g 1g
Rjs js 0 1k
RB o 0 1
.model n npn
.model nm nmos
.model jm njf
"""

#: current in a formula -> what carries it
TERMINALS = {
    "i(q1)": "r2", "ic(q1)": "r2", "Ib(Q1)": "r1", "-ie(q1)": "re", "ib(q.q1)": "r1",
    "id(m1)": "rms", "-is(m1)": "rms", "i(m1)": "rms", "id(j1)": "rjs", "ig(j1)": "rg",
    "-is(j1)": "rjs", "i(q1)+ib(q1)+ie(q1)": None, "ic(q1)-i(q1)": None,
}  # fmt: skip


@pytest.mark.parametrize(("formula", "carrier"), TERMINALS.items())
@pytest.mark.parametrize("quick", [True, False])
def test_formulas_read_what_flows_into_a_terminal(formula, carrier, quick):
    circuit = rs.parse_netlist(f"{BIASED}B1 o 0 V={formula}\n", quick=quick)
    op = rs.solve(circuit)
    expected = op.current(carrier) if carrier else 0
    # what leaks through gmin and into the bulk is in one of the two
    assert op["o"] == pytest.approx(expected, rel=1e-6, abs=2e-11)
    assert rs.solve(rs.format_netlist(circuit))["o"] == pytest.approx(op["o"], rel=1e-9)


@pytest.mark.parametrize(
    ("formula", "words"),
    {
        "ib(r1)": "r1 has no terminal 'b'",
        "ie(m1)": "m1 has no terminal 'e'",
        "ib(q9)": "unknown source 'q9:b'",
        "@q1[ic]": "currents in expressions are",
    }.items(),
)
def test_terminals_that_are_not_there_are_told(formula, words):
    with pytest.raises(NetlistError, match=words):
        rs.parse_netlist(f"{BIASED}B1 o 0 V={formula}\n")


def test_functions_of_the_deck_keep_their_names():
    functions = ".func is(t) {t*2}\n.func id(x) 'x+1'\n"
    deck = "V1 a 0 {is(3)+id(2)}\nB1 b 0 V=id(v(a))*is(k)\nR1 b 0 1\n.param k=2\n"
    assert rs.solve(f"t\n{functions}{deck}")["b"] == pytest.approx(40)


@requires_ngspice
@pytest.mark.parametrize("cards", ["C1 a 0 1u", "G1 a 0 a 0 1m", "B2 a 0 I=V(a)/1k"])
def test_ngspice_reads_those_of_what_is_open_and_of_sources(cards):
    name = cards.split()[0]
    assert rs.ngspice.compare(f"t\nV1 a 0 4\n{cards}\nB1 b 0 V=I({name})*1k+1\nR2 b 0 1k\n").agrees


@requires_ngspice
def test_ngspice_reads_the_same_currents():
    text = "t\nV1 a 0 4\nR1 a c 1k\nD1 c 0 dd\nB1 b 0 V=I(D1)*1k+i(r1)\nR2 b 0 1k\n.model dd d\n"
    op = rs.solve(rs.parse_netlist(text))
    assert op.current("r2") == pytest.approx(op.current("d1") * 1.001, rel=1e-9)
    assert rs.ngspice.compare(text).agrees


@requires_ngspice
@pytest.mark.parametrize("name", ["q1", "m1", "j1"])
def test_ngspice_reads_the_first_terminal_of_transistors(name):
    assert rs.ngspice.compare(f"{BIASED}B1 o 0 V=i({name})*1k\n").agrees
