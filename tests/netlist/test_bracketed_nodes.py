"""Names of nodes with brackets, as KiCad's netlists have them."""

import subprocess

import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.netlist.read.bracketed import masked

N = "Net-(R1-Pad2)"
FED = f"V1 a 0 3\nR1 a {N} 1k\n"
#: cards -> the voltage of the node; those that ngspice reads
READ = {
    "R": (f"V1 a 0 3\nR1 a {N} 1k\nR2 {N} 0 2k", 2.0),
    "V": (f"V1 {N} 0 3\nR1 {N} b 1k", 3.0),
    "C": (f"{FED}C1 {N} 0 1u\nR2 0 {N} 1k", 1.5),
    "L": (f"{FED}L1 0 {N} 1u", 0.0),
    "I": (f"I1 0 {N} 1m\nR1 {N} 0 1k", 1.0),
    "X": (f"{FED}X1 0 {N} s r=2k\n.subckt s a b r=1k\nr1 a b {{r}}\n.ends", 2.0),
    "S": (f"{FED}S1 {N} 0 a 0 sw\nS2 q 0 {N} 0 sw\nR2 q a 1k\n.model sw sw ron=2k", 2.0),
    "B": (f"V1 a 0 3\nB1 {N} 0 v=v(a)*2\nR1 {N} 0 1k", 6.0),
    "J": (f"{FED}J1 {N} 0 0 n\n.model n njf", 2.6),
    "braces": (f"{FED}.param r=2k\nR2 {N} 0 {{r}}", 2.0),
}
#: those that ngspice refuses, though nothing else can be meant
MORE = {
    "D": (f"V1 a 0 -3\nR1 a {N} 1k\nD1 0 {N} d\n.model d d(vfwd=1)", -1.0),
    "E": (f"{FED}E1 q 0 {N} 0 2\nR2 q 0 1\nE2 b 0 POLY(1) {N} 0 0 2\nR3 b 0 1", 3.0),
    "G": (f"V1 a 0 3\nG1 0 {N} (a,0) 2m\nR1 {N} 0 1k", 6.0),
    "F": (f"V1 a 0 3\nR2 a 0 1k\nF1 {N} 0 v1 2\nR1 {N} 0 1k", 6.0),
    "Q": (f"{FED}Q1 {N} {N} 0 n\n.model n npn", 0.7944316),
    "M": (f"{FED}M1 {N} {N} 0 0 n\n.model n nmos", 2.9150262),
    "formula": (f"V1 {N} 0 3\nB1 q 0 v=v({N})*v(q,{N})\nR1 q 0 1k\nR2 {N} 0 R={{1k+v({N})}}", 3.0),
    "global": (f".global {N}\nV1 {N} 0 3\nX1 0 s\n.subckt s b\nr1 {N} b 1k\n.ends", 3.0),
    "nodeset": (f"{FED}D1 {N} 0 d\n.model d d(vfwd=1)\n.nodeset v({N})=0.5", 1.0),
    "parentheses": (f"{FED}R2 ({N} 0) 1k\nR3 ({N},0) 1k", 1.0),
}


@pytest.mark.parametrize(("cards", "volts"), [*READ.values(), *MORE.values()])
def test_brackets_in_names_of_nodes(cards, volts):
    circuit = rs.parse_netlist(f"t\n{cards}\n")
    op = rs.solve(circuit)
    assert op[N] == op.voltage(N) == op.value(f"v({N})") == pytest.approx(volts, rel=1e-6)
    again = rs.parse_netlist(rs.format_netlist(circuit))
    assert again.nodes == circuit.nodes
    assert rs.solve(again)[N] == pytest.approx(volts, rel=1e-6)


@requires_ngspice
@pytest.mark.parametrize(("cards", "volts"), READ.values(), ids=READ)
def test_ngspice_reads_them_so(cards, volts, tmp_path):
    deck = tmp_path / "deck.cir"
    deck.write_text(f"t\n{cards}\n.op\n.end\n")
    run = ["ngspice", "-n", "-b", str(deck)]
    out = subprocess.run(run, capture_output=True, text=True, timeout=60).stdout
    # it leaves the last bracket out
    (line,) = (line for line in out.splitlines() if line.strip().startswith("net-(r1-pad2"))
    assert float(line.split()[1]) == pytest.approx(volts, abs=1e-6)


def test_they_are_named_as_outputs(tmp_path, capsys):
    cards = f".print op v({N}) v({N})-v(a) {{v({N})*2}} v(a, {N})\n.tf v({N}) v1\n.dc v1 3 3 1\n"
    cards += f".meas dc m max v({N})\n"
    circuit = rs.parse_netlist(f"t\n{FED}R2 {N} 0 2k\n{cards}")
    assert not circuit.diagnostics
    low = N.lower()
    names = (f"v({low})", f"v({low},a)", f"{{v({low})*2}}", f"v(a,{low})")
    assert circuit.outputs == names
    (op,) = rs.run(circuit)
    assert op.rows()[0, 1:] == pytest.approx([2, -1, 4, 1])
    assert rs.measure(op) == pytest.approx({"m": 2})
    path = tmp_path / "deck.cir"
    path.write_text(f"t\n{FED}R2 {N} 0 2k\n")
    assert main(["solve", str(path), "--print", f"v({N})", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == [f"v({N})", "2"]


@pytest.mark.parametrize(
    "card",
    [
        "r1 (a,b) 1k", "r1(a b)1k", "e1 a 0 poly(2) (a,0) (b,0) 0 1 1", "e1 a 0 table(v(a))",
        "x1 a b s(2)", "g1 a 0 pwl(1) c 0 0,0 1,1", "v1 a 0 pulse(0)", "r1 a b r=2*(k)",
    ],
)  # fmt: skip
def test_other_brackets_separate(card):
    assert masked(card, len(card)) is None


def test_brackets_inside_brackets_and_what_takes_a_value_for_a_node():
    name = "/s/Net-(U1-PB0(ADC0))"
    op = rs.solve(rs.parse_netlist(f"t\nV1 {name} 0 3\nR1 {name} 0 1k\n.print v({name})\n"))
    assert op.rows().tolist() == [[3]]
    # to ngspice, too, a(0) is a node, and the resistor without a value
    with pytest.raises(rs.NetlistError, match="E129"):
        rs.parse_netlist("t\nV1 a 0 3\nR1 a(0) 1k\n")
    with pytest.raises(rs.UsageError, match="can't be written"):
        rs.format_netlist(op.circuit, "ngspice")
