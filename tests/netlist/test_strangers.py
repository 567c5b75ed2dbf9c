"""Devices of other simulators that are not there, and spellings that only one of them has."""

import pytest

import resnet_sim as rs
from resnet_sim.errors import NetlistError

#: card -> what its error says, and the dialect
STRANGERS = {
    "A1 [a b] c gate": ("device by a code model or of LTspice: gate", "auto"),
    "A7 a 0 0 0 0 0 b 0 SCHMITT vt=.5": (
        "device by a code model or of LTspice: schmitt",
        "ltspice",
    ),
    "A2 %v(a) %v(b) lim": ("device by a code model or of LTspice: lim", "ngspice"),
    "S9 a b swx ON control={v(c)}": ("switch that a formula controls", "xyce"),
    "Ymemristor m1 a b mm": ("ymemristor is a device of Xyce", "xyce"),
    "E3 a 0 OPAMP b c": ("HSPICE's OPAMP", "hspice"),
    "E3 a 0 VCVS pwl(1) b 0 0,0 2,3": ("HSPICE's PWL", "hspice"),
    "G3 a 0 VCR PPWL(1) b 0 0,1 2,3": ("HSPICE's PPWL", "hspice"),
    "E4 a 0 TRANSFORMER b c 10": ("HSPICE's TRANSFORMER", "hspice"),
    "E5 a 0 DELAY b c td=1n x": ("", "hspice"),
    "G4 a 0 NAND(2) b 0 c 0 0,0 1,1": ("HSPICE's NAND", "hspice"),
    "F3 a 0 PWL(1) V1 0,0 1,1": ("HSPICE's PWL", "hspice"),
    "E6 a 0 FREQ {v(b)} = (0,0,0)": ("nonlinear: FREQ", "pspice"),
}


@pytest.mark.parametrize(("card", "expected"), STRANGERS.items())
def test_what_is_not_there_is_told_by_its_name(card, expected):
    said, dialect = expected
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist(f"t\nV1 b 0 1\nV2 c 0 1\n{card}\nR1 a 0 1k\n", dialect=dialect)
    first = next(d for d in caught.value.diagnostics if d.severity == "error")
    assert said in first.message
    assert first.span.line == 4


@pytest.mark.parametrize("name", ["opamp", "and", "pwl", "delay", "transformer", "nor"])
@pytest.mark.parametrize("gain", ["3", "{k+1}", "'2*k-1'"])
def test_nodes_may_have_such_names(name, gain):
    text = f"t\n.param k=2\nV1 {name} x 2\nV2 x 0 7\nE1 o 0 {name} x {gain}\nR1 o 0 1k\n"
    assert rs.solve(rs.parse_netlist(text, dialect="hspice"))["o"] == pytest.approx(6)


@pytest.mark.parametrize(
    ("cards", "volts"),
    [
        ("R1 a \\\\\nb 3k", 1), ("R1 a \\\\ \n  b \\\\\n 3k", 1), ("R1 a\n+ b \\\\\n3k ; x", 1),
        ("* c \\\\\nR1 a b 3k", 1), (".param x='1k+\\\\\n2k'\nR1 a b x", 1),
        ("X1 a b / s\n.subckt s p q\nR1 p q 3k\n.ends", 1),
        ("R1 a b \u20183k\u2019\nV2 c d \u22121", 1), ("R1 a b \u201c3k\u201d", 1),
        ("B1 b 0 v=delay(v(a),1m)/4", 1), ("B1 b 0 v=absdelay(v(a)/2,1,2)", 2),
        ("B1 b 0 v=3+idt(v(a))+sdt(v(a))", 3), ("B1 b 0 v=idt(v(a),v(a)/2)", 2),
        ("R1 a b {delay(1k,2)*3+idt(2)+idt(1,0,5)+sdt(7)}", 1),
    ],
)  # fmt: skip
def test_what_other_simulators_write_is_read(cards, volts):
    op = rs.solve(rs.parse_netlist(f"a \\\\\nV1 a 0 4\n{cards}\nR2 b 0 1k\n"))
    assert op["b"] == pytest.approx(volts)


def test_places_on_lines_that_go_on_are_those_of_the_text():
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist("t\nR1 a \\\\\nb 3k xx\n")
    assert (caught.value.line, caught.value.column) == (3, 6)


@pytest.mark.parametrize(
    ("rest", "ohms"),
    [
        ("R=V(c)*100+1", 201), ("r=limit(V(c),3,5)", 3), ("R = 1+V(c)", 3), ("R=(1+2)", 3),
        ("R=min(v(c),1)*4 tc1=0", 4), ("r=3 tc1=0", 3), ("R={v(c)}", 2), ("resistance=abs(-7)", 7),
    ],
)  # fmt: skip
def test_resistances_by_formulas_need_no_braces(rest, ohms):
    op = rs.solve(rs.parse_netlist(f"t\nV2 c 0 2\nI1 0 a 1m\nR1 a 0 {rest}\n"))
    assert op["a"] == pytest.approx(ohms * 1e-3)
