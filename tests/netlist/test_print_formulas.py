"""Formulas in .print, .plot and .save."""

import json
import re
import subprocess

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main

DECK = """t
V1 a 0 5
R1 a b 1k
R2 b 0 {3k*k}
.param k=1
.func twice(x) {2*x}
Q1 a c 0 n
Rb b c 100k
.model n npn
"""

#: what is named -> what it is called, and its value by voltages and currents
FORMULAS = {
    "v(a)*2": ("{v(a)*2}", lambda v, i: 2 * v["a"]),
    "V(a) * V(b)": ("{v(a)*v(b)}", lambda v, i: v["a"] * v["b"]),
    "v(a) - 2*v(b)": ("{v(a)-2*v(b)}", lambda v, i: v["a"] - 2 * v["b"]),
    "-i(v1)": ("{-i(v1)}", lambda v, i: -i["v1"]),
    "abs(i(v1))": ("{abs(i(v1))}", lambda v, i: abs(i["v1"])),
    "d='v(a)-v(b)'": ("d", lambda v, i: v["a"] - v["b"]),
    "v(a)-v(b)": ("v(a,b)", lambda v, i: v["a"] - v["b"]),
    "{v(a,b) / k}": ("{v(a,b)/k}", lambda v, i: v["a"] - v["b"]),
    "par('twice(v(b))+temper')": ("{twice(v(b))+temper}", lambda v, i: 2 * v["b"] + 27),
    "gain=par('v(b)/v(a)')": ("gain", lambda v, i: v["b"] / v["a"]),
    "ib(q1)*1meg": ("{ib(q1)*1meg}", lambda v, i: i["q1:b"] * 1e6),
    "@r1[i]*1k": ("{@r1[i]*1k}", lambda v, i: i["r1"] * 1e3),
    "p(r1)*1k": ("{p(r1)*1k}", lambda v, i: (v["a"] - v["b"]) * i["r1"] * 1e3),
    "max(v(a),v(b))^2": ("{max(v(a),v(b))^2}", lambda v, i: v["a"] ** 2),
    "'sqrt(v(b)-v(a))'": ("{sqrt(v(b)-v(a))}", lambda v, i: np.nan),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_tabulated(text):
    name, value = FORMULAS[text]
    circuit = rs.parse_netlist(f"{DECK}.print op {text} v(c)\n.plot {text}\n")
    assert not circuit.diagnostics
    assert (circuit.outputs, circuit.plots) == ((name, "v(c)"), ((name,),))
    op = rs.solve(circuit)
    expected = value(op.voltages, op.currents)
    assert op.columns()[name] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    again = rs.solve(rs.parse_netlist(rs.format_netlist(circuit)))
    assert again.rows()[0, 0] == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_formulas_follow_parameters_that_are_swept():
    cards = ".dc V1 4 5 1\n.step param k list 1 2\n.print dc {v(a)*k} {v(b)*temper}\n"
    (swept,) = rs.run(rs.parse_netlist(DECK + cards))
    assert swept.value("{v(a)*k}") == pytest.approx([4, 5, 8, 10])
    assert swept["{v(b)*temper}"] == pytest.approx(27 * swept.voltage("b"))
    (swept,) = rs.run(rs.parse_netlist(f"{DECK}.dc temp 0 50 50\n.print v(a)*temper\n"))
    assert swept.value("{v(a)*temper}") == pytest.approx([0, 250])


def test_the_command_writes_them(tmp_path, capsys):
    path = tmp_path / "deck.net"
    path.write_text(f"{DECK}.print y={{v(a)*2}} v(a)*v(b)\n")
    assert main(["solve", str(path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"]["y"] == 10
    assert main(["solve", str(path)]) == 0
    assert re.search(r"^ *y +10 *$", capsys.readouterr().out, re.MULTILINE)
    assert main(["solve", str(path), "--print", "y", "--format", "csv"]) == 0
    assert capsys.readouterr().out.split() == ["y", "10"]
    assert main(["plot", str(path)]) == 0
    assert re.search(r"^y .* 10$", capsys.readouterr().out, re.MULTILINE)


def test_currents_of_the_last_terminals_are_minus_the_others(tmp_path, capsys):
    cards = "Re e 0 100\nQ2 a c e q\nM1 a a s 0 nm\nRs s 0 1k\nJ1 a 0 js j\nRj js 0 1k\n"
    cards = f"{DECK}{cards}.model nm nmos\n.model q npn\n.model j njf\n"
    names = ["ie(q2)", "@q2[ie]", "is(m1)", "is(j1)"]
    circuit = rs.parse_netlist(f"{cards}.print op {' '.join(names)} {{-2*ie(q2)}} ie(m1)\n")
    assert circuit.outputs == (*names, "{-2*ie(q2)}")
    assert [d.code for d in circuit.diagnostics] == ["W114"]
    for read in (circuit, rs.parse_netlist(rs.format_netlist(circuit))):
        op = rs.solve(read)
        by = [-op.current(name) for name in ("re", "re", "rs", "rj")] + [2 * op.current("re")]
        assert op.rows()[0] == pytest.approx(by, rel=1e-9, abs=1e-11)
        assert op.circuit.outputs[:4] == tuple(names)
    path = tmp_path / "deck.net"
    path.write_text(f"{cards}.print ie(q2)\n")
    assert main(["solve", str(path)]) == 0
    assert re.search(r"^ *ie\(q2\) .* (u|m)?A *$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "words"),
    {
        "v(zz)*2": "no such voltage or current: v\\(zz\\)",
        "v(a)*zz": "undefined parameter 'zz'",
        "foo(v(a))": "unknown function 'foo'",
        "abs(v(a)+)": "'\\)' is not expected here",
        "p(q1)*2": "p\\(q1\\) is not a product of one voltage and one current",
        "zz": "no such voltage or current",
        "i1(r1)": "no such voltage or current",
        "ie(r1)": "no such voltage or current",
    }.items(),
)
def test_what_makes_no_sense_is_told_and_the_rest_tabulated(text, words):
    circuit = rs.parse_netlist(f"{DECK}.print v(a) {text} v(b)\n")
    assert circuit.outputs == ("v(a)", "v(b)")
    (found,) = circuit.diagnostics
    assert found.code == "W114" and re.search(words, found.message), found.message
    assert found.span.column == len(".print v(a) ") + 1


@pytest.mark.parametrize("name", ["k", "a", "r1", "temp", "x"])
def test_a_name_that_something_else_has_is_told_and_not_taken(name):
    circuit = rs.parse_netlist(f"{DECK}.print x='v(a)*k' {name}='v(b)*2'\n")
    assert circuit.outputs == ("x", "{v(b)*2}")
    (found,) = circuit.diagnostics
    assert (found.code, found.span.column, found.span.length) == ("N105", 19, len(name))
    op = rs.sweep(circuit, {"k": [1, 2]})
    assert op["x"] == pytest.approx(op["v(a)"] * [1, 2])
    assert op["{v(b)*2}"] == pytest.approx(2 * op["v(b)"])


def test_formulas_follow_what_is_drawn_in_samples():
    circuit = rs.parse_netlist(
        "t\n.param r={mc(1k, 0.1)} g=2\nV1 a 0 5\nR1 a b {r}\nR2 b 0 1k\nD1 0 a d\n"
        ".model d d\n.print r1='r' {v(b)*g} {r}\n"
    )
    op = rs.monte_carlo(circuit, {"g": 0.1, "r2": 0.1, "d1:is": 0.1}, 5, sweep={"v1": [1, 5]})
    v, second = op["v(b)"], op.sampled["r2"]
    assert op["{r}"] == pytest.approx(second * (op["v(a)"] / v - 1))
    assert op["{v(b)*g}"] == pytest.approx(v * op.sampled["g"])
    assert len(np.unique(op["{r}"])) == 5
    # which numbers were drawn is not known of points that were picked
    assert np.isnan(op.pick([0, 3])["{r}"]).all()


def test_names_of_formulas_are_found_in_any_case():
    op = rs.solve(rs.parse_netlist(f"{DECK}.print Gain='v(b)*2'\n"))
    assert op.value("GAIN") == op.value("gain") == op["Gain"]


@requires_ngspice
def test_ngspice_tabulates_the_same(tmp_path):
    # those that ngspice has; of currents and differences it wants to be told alone what to save
    names = ["v(a)*2", "log(v(a))", "v(a)^2", "-2^2*v(a)", "v(b) * 2", "abs(v(a))", "tanh(v(b)/10)"]
    # blanks mean nothing, and what no operator joins are two: the first is compared
    names += ["v(a) -1", "v(a)* 2", "v(a) *2 -1", "v(a) -v(b)", "v(b)^ 2 v(a)", "- v(a)", "v(a) >5"]
    names += ["abs(v(a)) -1", "2 *v(a)", "v(a) - -1", "v(a) - 1 v(b) -1", "v( a )", "v(a) = 5"]
    names += ["1k*v(a)", "v(b)>2", "exp(v(b))", "y=par('v(a)*k')"]
    for name in names:
        deck = f"{DECK}.dc V1 4 5 1\n.print dc {name}\n.end\n"
        path = tmp_path / "deck.net"
        path.write_text(deck)
        out = subprocess.run(
            ["ngspice", "-n", "-b", str(path)], capture_output=True, text=True, timeout=60
        ).stdout
        theirs = [float(line.split()[2]) for line in out.splitlines() if re.match(r"[01]\t", line)]
        (ours,) = rs.run(rs.parse_netlist(deck))
        assert ours.rows()[:, 1] == pytest.approx(theirs, rel=2e-6), name


#: what is named -> columns
APART = {
    "v(a) -1": ["{v(a)-1}"],
    "v(a)* 2": ["{v(a)*2}"],
    "v(a)+ v(b) v(c)": ["{v(a)+v(b)}", "v(c)"],
    "v(a) -1 v(b)": ["{v(a)-1}", "v(b)"],
    "v(a),(v(b)-1)": ["v(a)", "{(v(b)-1)}"],
    "{v(a)}*{k} 'v(b)'": ["{{v(a)}*{k}}", "v(b)"],
    "v(a) ? v(b) : 1 c": ["{v(a)?v(b):1}", "v(c)"],
    "{max({v(a)}, 2)}": ["{max({v(a)},2)}"],
    "a v (b)": ["v(a)", "v(b)"],
    "out- 1e-3*v(a)": ["v(out-)", "{1e-3*v(a)}"],
}


@pytest.mark.parametrize("text", APART)
def test_formulas_go_on_behind_blanks(text):
    circuit = rs.parse_netlist(f"{DECK}R3 out- 0 1\n.print {text}\n")
    assert (list(circuit.outputs), circuit.diagnostics) == (APART[text], ())


@pytest.mark.parametrize("card", [".print dc", ".plot", ".save"])
@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("v(b) {v(a)*2", 5, "the brace that opens here is not closed"),
        ("v(b) y={v(a)", 7, "the brace that opens here is not closed"),
        ("v(b) 'v(a)*2", 5, "the quote that opens here is not closed"),
        ('v(b) "v(a)', 5, "the quote that opens here is not closed"),
        ("v(b) v(a", 6, "the bracket that opens here is not closed"),
        ("max(v(a), v(b", 11, "the bracket that opens here is not closed"),
        ("par('v(a)' v(b)", 3, "the bracket that opens here is not closed"),
        ("max({v(a), 2)", 4, "the brace that opens here is not closed"),
        ("v(b) v(a))", 9, "'\\)' closes nothing"),
        ("v(b)*2}", 6, "'}' closes nothing"),
    ],
)
def test_what_is_not_closed_or_never_opened_is_refused(card, text, place, words):
    with pytest.raises(rs.NetlistError) as caught:
        rs.parse_netlist(f"{DECK}{card} {text}\n")
    (found,) = caught.value.diagnostics
    assert found.code == "E103" and re.match(words, found.message), found.message
    assert found.hint
    assert (found.span.line, found.span.column) == (10, len(card) + 2 + place)


def test_limits_of_a_picture_and_nodes_in_formulas_are_told():
    circuit = rs.parse_netlist(f"{DECK}.plot v(a) (0,5) c (1,2) v (a,b)\n.print a -1\n")
    assert circuit.plots == (("v(a)", "v(c)", "v(a,b)"),)
    assert [d.code for d in circuit.diagnostics] == ["N105", "N105", "W114"]
    assert circuit.diagnostics[2].hint == "write v(a) for the voltage"


@pytest.mark.parametrize(
    ("text", "outputs", "said", "words", "remedy"),
    [
        ("v(a), -v(b) c", "v(a) v(c)", "-v(b)", "ngspice takes '-' behind a comma", "par"),
        ("v(a) (v(b))", "v(a)", "(v(b))", "'\\(' is not expected here", "an operator"),
        ("y=v(a)*2 c", "v(c)", "y=v(a)*2", "y= names a formula only", r"y=par\('v\(a\)\*2'\)"),
        ("v(a) and v(b)", "v(a) v(b)", "and", "'and' is no operator here", "write &&"),
        ("v(a) : v(b)", "v(a) v(b)", ":", "':' is not expected here", "an operator"),
    ],
)
def test_what_could_be_something_else_is_told_and_not_taken(text, outputs, said, words, remedy):
    circuit = rs.parse_netlist(f"{DECK}.print {text}\n")
    assert circuit.outputs == tuple(outputs.split())
    (found,) = circuit.diagnostics
    assert found.code == "W114" and re.search(words, found.message), found.message
    assert re.search(remedy, found.hint), found.hint
    place = len(".print ") + text.index(said)
    assert (found.span.column, found.span.length) == (place + 1, len(said))
