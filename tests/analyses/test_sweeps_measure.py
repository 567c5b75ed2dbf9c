""".meas dc, .sens and .tf in decks: values by hand and by ngspice."""

import dataclasses
import json
import re
import subprocess

import numpy as np
import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.errors import NetlistError, UsageError
from resnet_sim.model.requests import Derivatives

#: v(out) = min(v1 / 2, .4)
LIMITER = """limiter
v1 in 0 1
r1 in out 1k
r2 out 0 1k
d1 out 0 di
.model di d(ron=0 roff=inf vfwd=.4)
"""


def measured(card, sweep=".dc v1 0 1 .1", deck=LIMITER):
    (op,) = rs.run(rs.parse_netlist(f"{deck}{sweep}\n.param x=1\n.param half={{x/2}}\n{card}\n"))
    return rs.measure(op)


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("find v(in,out) when v(out)=.25", 0.25),
        ("find v(out) at=.33", 0.165),
        ("find {v(in)*2 - v(out)/.5} at .2", 0.2),
        ("when v(out)=0.3", 0.6),
        ("when v(out)=.3 rise=1", 0.6),
        ("when v(out)=.3 fall=1", np.nan),
        ("when v(out)=.3 cross=2", np.nan),
        ("when v(out)=.3 cross=last", 0.6),
        ("when v(in)=v(out)", 0.0),
        ("max v(out)", 0.4),
        ("max v(out) from=.1 to=.45", 0.225),
        ("min v(out) from=.25", 0.125),
        ("pp v(out)", 0.4),
        ("avg v(out)", 0.24),
        ("integ v(in) from=.2 to=.8", 0.3),
        ("rms v(in)", 3**-0.5),
        ("deriv v(out) at=.35", 0.5),
        ("deriv v(out) at=.8", 0.25),
        ("find i(v1) at=1", -6e-4),
        ("find {v(in) > .5 ? sqrt(v(out)*10) : pi} at=1", 2.0),
        ("max 'limit(v(in), .2, .7) - hypot(3, 4)'", -4.3),
        ("avg 'max(v(in), if(v(in) > 2, 1, 1))'", 1.0),
        ("find 'ln(-v(in))' at=.5", np.nan),
        ("find '1/(v(in)-.5)' at=.5", np.nan),
        ("max p(r1) from=.2 to=.6", 9e-5),
        ("find '1k*(p(r1)+@r2[p])' at=1", 0.52),
        ("find w(v1) at=1", -6e-4),
        ("find @r1[i] at=1", 6e-4),
        ("max_at 'v(out)-v(in)/4'", 0.8),
        ("min_at i(v1) from=.2 to=.7", 0.7),
        ("find v(out) when 'v(in)=half'", 0.25),
        ("when v(out)=half/2", 0.5),
        ("param 'half*3+x'", 2.5),
        ("trig v(out) val=.1 rise=1 targ v(out) val=.3 cross=1", 0.4),
        ("trig at=.1 targ v(in)=half", 0.4),
        ("trig v(out)=.1 targ v(out)=.3 fall=1", np.nan),
        ("avg 'exp(0*p(r1))'", 1.0),
    ],
)
def test_measurements_by_hand(card, value):
    assert measured(f".meas dc m {card}")["m"] == pytest.approx(value, rel=1e-9, nan_ok=True)


def test_parameters_of_earlier_measurements():
    cards = ".meas dc a max v(out)\n.meas dc b param 'a*10 + 1k - abs(-2)^2'"
    assert measured(cards)["b"] == pytest.approx(1000.0)


def test_points_without_a_solution_have_no_formula_either():
    deck = LIMITER.replace("r2 out 0 1k", "d2 in 0 di")  # a contradiction from v1 = .4 on
    deck = deck.replace("d1 out", "r2 out 0 1k\nd1 out")
    cards = [
        f".meas dc {name} find 'max(v(out), -1)' at={at}" for name, at in (("m", 0.3), ("n", 0.8))
    ]
    found = measured("\n".join(cards), deck=deck)
    assert found["m"] == pytest.approx(0.15) and np.isnan(found["n"])


def test_a_descending_sweep_counts_from_its_beginning():
    found = measured(".meas dc m when v(out)=.3 fall=1", ".dc v1 1 0 -.1")
    assert found["m"] == pytest.approx(0.6)
    assert np.isnan(measured(".meas dc m when v(out)=.3 rise=1", ".dc v1 1 0 -.1")["m"])


def test_nested_sweeps_are_measured_one_by_one():
    found = measured(".meas dc m max v(in,out)\n.meas dc n param m*2", ".dc v1 0 1 .5 r1 1k 3k 2k")
    assert found["m"].tolist() == pytest.approx([0.6, 0.75])
    assert found["n"].tolist() == pytest.approx([1.2, 1.5])


def test_parameters_that_follow_what_is_swept():
    deck = LIMITER.replace("r2 out 0 1k", "r2 out 0 {k}") + ".param k=1k\n.param vmax={k/4k}\n"
    cards = (
        ".meas dc m when v(out)=vmax\n.meas dc n param vmax*4\n.meas dc o find 'vmax*v(in)' at=1"
    )
    found = measured(cards, ".dc v1 0 1 .1\n.step param k list 1k .5k", deck)
    assert found["m"].tolist() == pytest.approx([0.5, 0.375])
    assert found["n"].tolist() == pytest.approx([1.0, 0.5])
    found = measured(".meas dc o find 'vmax*4*v(in)' at=1500", ".dc param k 1k 2k 1k", deck)
    assert found["o"] == pytest.approx(1.5)


def test_terminals_of_transistors_are_named_as_others_name_them():
    deck = "q\nvc c 0 5\nib 0 b 10u\nq1 c b 0 m\nm1 c c 0 0 n\n.model m npn(bf=50)\n"
    deck += ".model n nmos(vto=1)\n"
    op = rs.solve(deck)
    assert op["@q1[ib]"] == op["ib(q1)"] == op["i(q1:b)"] == pytest.approx(1e-5, rel=1e-3)
    assert op["@q1[ic]"] == op["ic(q1)"] == op["i(q1)"] == pytest.approx(5e-4, rel=1e-2)
    assert op["p(q1)"] == pytest.approx(5 * op["ic(q1)"] + op["v(b)"] * op["ib(q1)"])
    assert op["@m1[id]"] == op["i(m1)"] > 0 and op["@m1[ig]"] == 0
    with pytest.raises(UsageError, match="no terminal 'e'"):
        op["ie(q1)"]
    printed = rs.parse_netlist(deck + ".print op @q1[ib] ic(q1) @m1[id] ib(q1) @q1[ie] p(q1)\n")
    assert printed.outputs == ("i(q1:b)", "i(q1)", "i(m1)", "@q1[ie]", "p(q1)")
    assert rs.solve(printed)["@q1[ie]"] == pytest.approx(-op["ic(q1)"] - op["ib(q1)"], abs=1e-10)


@pytest.mark.parametrize(
    ("card", "what"),
    [
        (".meas dc", "too few fields"),
        (".meas dc m find v(out)", "find needs when or at"),
        (".meas dc m find v(out) when ", "find needs when or at"),
        (".meas dc m find v(out) when v(in)", "a condition is expected"),
        (".meas dc m find v(x) at=1", "no such voltage or current: v(x)"),
        (".meas dc m frob v(out)", "unknown measurement 'frob'"),
        (".meas dc m trig v(out) val=1 rise=1", "trig needs when or at"),
        (".meas dc m max p(r9)", "no such voltage or current: p(r9)"),
        (".meas dc m max v(out) from=abc", "undefined parameter 'abc'"),
        (".meas dc m max v(out) from={2*abc}", "undefined parameter 'abc'"),
        (".sens", "too few fields"),
        (".sens v(x)", "no such voltage or current: v(x)"),
        (".tf v(out)", "too few fields"),
        (".tf v(out) v9", "'v9' is no independent source"),
        (".tf v(out) r1", "'r1' is no independent source"),
    ],
)
def test_questions_that_are_not_understood_leave_the_operating_point_alone(card, what):
    circuit = rs.parse_netlist(f"{LIMITER}{card}\n")
    (told,) = [d for d in circuit.diagnostics if d.code == "W121"]
    assert told.message == f"not answered: {what}"
    assert told.span.line == LIMITER.count("\n") + 1
    assert rs.solve(circuit).voltage("out") == rs.solve(rs.parse_netlist(LIMITER)).voltage("out")


@pytest.mark.parametrize("formula", ["nope+1", "__import__('os')", "v(out).real", "1+", "f(2)"])
def test_formulas_that_make_no_sense(formula):
    with pytest.raises((UsageError, NetlistError)):
        measured(f".meas dc m param {formula}")


def test_measuring_what_is_no_sweep():
    with pytest.raises(UsageError, match="needs a sweep"):
        rs.measure(rs.solve(rs.parse_netlist(LIMITER + ".meas dc m max v(out)\n")))


def test_the_command_shows_which_card_would_need_a_sweep(tmp_path, capsys):
    path = tmp_path / "deck.net"
    path.write_text("t\nv1 a 0 1\nr1 a 0 1\n .meas dc m max v(a)\n.meas dc n min v(a)\n")
    assert main(["solve", str(path), "--format", "json"]) == 0
    told = [d for d in json.loads(capsys.readouterr().out)["diagnostics"] if d["code"] == "W121"]
    places = [(d["file"], d["line"], d["column"]) for d in told]
    assert places == [(str(path), 4, 2), (str(path), 5, 1)]
    assert all("needs a sweep" in d["message"] for d in told)


def test_cards_for_derivatives():
    circuit = rs.parse_netlist(LIMITER + ".sens v(in,out) i(v1)\n.tf v(out) v1\n")
    assert circuit.derivatives == (
        Derivatives("v(in,out)"), Derivatives("i(v1)"), Derivatives("v(out)", "v1"),
    )  # fmt: skip


def test_the_command_prints_answers(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text(
        LIMITER + ".dc v1 0 1 .1\n.meas dc top max v(out)\n.meas dc no when v(out)=2\n"
        ".sens v(out)\n.tf v(out) v1\n"
    )
    assert main(["solve", str(deck)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"top +0\.4\n", text) and re.search(r"no +never\n", text)
    assert re.search(r"input resistance +1000\n", text)
    assert main(["solve", str(deck), "--format", "json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["measurements"] == [{"top": pytest.approx(0.4), "no": None}]
    assert record["sensitivities"][0]["derivatives"]["d1"] == pytest.approx(1.0)
    assert record["transfer_functions"][0]["gain"] == 0.0


NGSPICE = """bridge
v1 in 0 2
r1 in a 1k
r2 a 0 2k
r3 in b 3k
r4 b 0 1k
r5 a b 500
.dc v1 -1 2 .25
"""
CARDS = [
    "find v(b) at=1.1", "when v(b)=0.25", "when v(b)=0.25 rise=1", "find v(a) when v(b)=0.3",
    "max v(a)", "min v(a)", "max v(b) from=0 to=1", "avg v(a)", "pp v(a)",
]  # fmt: skip


@requires_ngspice
def test_ngspice_measures_the_same(tmp_path):
    cards = [f".meas dc m{k} {card}" for k, card in enumerate(CARDS)]
    path = tmp_path / "deck.cir"
    path.write_text(NGSPICE + "\n".join(cards) + "\n.end\n")
    run = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, check=False)
    theirs = {n: float(x) for n, x in re.findall(r"(?m)^(m\d) +=\s+(\S+)", run.stdout)}
    found = measured("\n".join(cards), "", NGSPICE)
    assert len(theirs) == len(CARDS)
    for name, value in theirs.items():
        assert found[name] == pytest.approx(value, rel=1e-5), CARDS[int(name[1:])]


def test_questions_are_written_back():
    cards = [
        ".dc s1 list 0 1 v1 0 1 .5", ".sens v(in,out) i(r1)", ".tf v(out) v1",
        ".meas dc a find v(in)-2*i(r1) when v(out)=.25 rise=2", ".meas dc b when i(v1)=0 fall=last",
        ".meas dc c rms v(out) from=.1 to=.5", ".meas dc d deriv v(out) at=.3",
        ".meas dc e param a+b*half", ".meas dc f max_at p(r1)", ".param half=.5",
        ".meas dc g trig v(in) val=.2 rise=1 targ v(out)=.3 cross=last",
        ".meas dc h trig at=0 targ at=1",
    ]  # fmt: skip
    switch = "s1 out 0 in 0 sw\n.model sw sw(ron=1k roff=1g vt=.5 vh=0)\n"
    circuit = rs.parse_netlist(LIMITER + switch + "\n".join(cards) + "\n")
    again = rs.parse_netlist(rs.format_netlist(circuit))
    assert again.derivatives == circuit.derivatives and len(again.derivatives) == 3
    assert again.measures == circuit.measures and len(again.measures) == 8
    assert again.analyses == circuit.analyses
    assert ".meas" not in rs.format_netlist(circuit, "ngspice")


def test_formulas_call_functions_of_the_deck_and_hspices_par():
    deck = (
        "t\n.func sq(x) {x*x}\n.param k=3 more(x,y)='sq(x)+y*k'\nv1 1 0 5\nr1 1 2 1\nr2 2 0 1\n"
        ".dc v1 0 4 1\n.meas dc a find 'sq(v(2))' at=4\n.meas dc b max par('more(v(2),2)')\n"
        ".meas dc c param='sq(a)-1'\n.meas dc d when par('v(2)*2')=2.5\n"
    )
    circuit = rs.parse_netlist(deck)
    expected = {"a": 4.0, "b": 4 + 2 * 3, "c": 15.0, "d": 2.5}
    for one in (circuit, rs.parse_netlist(rs.format_netlist(circuit))):
        assert rs.measure(rs.run(one)[0]) == pytest.approx(expected)
    stepped = rs.parse_netlist(deck + ".step param k list 3 5\n")
    assert rs.measure(rs.run(stepped)[0])["b"] == pytest.approx([10, 14])


def test_formulas_are_in_the_language_of_the_deck():
    text = "t\nv1 1 0 100\nr1 1 0 1\n.dc v1 1 100 99\n.meas dc a find log(v(1)) at=100\n"
    measured = {
        name: rs.measure(rs.run(rs.parse_netlist(text, dialect=name))[0])["a"]
        for name in ("xyce", "ngspice")
    }
    assert measured == pytest.approx({"xyce": 2.0, "ngspice": 4.605170185988092})


@pytest.mark.parametrize(
    ("asked", "code", "words"),
    [
        ("format=csv", "N105", "has no effect"),
        ("v(9)", "W114", "no such voltage or current"),
    ],
)
def test_what_print_can_not_tell_is_said(asked, code, words):
    circuit = rs.parse_netlist(f"t\nv1 1 0 5\nr1 1 2 1\nr2 2 0 1\n.print dc v(2) {asked}\n")
    (found,) = circuit.diagnostics
    assert found.code == code and words in found.message
    assert circuit.outputs == ("v(2)",)


@pytest.mark.parametrize(
    "written", ["v(a)-v(b)", "{v(a) - v(b)}", "'v(a)-v(b)'", "par('v(a)-v( b )')", "V(A)-V(B)"]
)
def test_the_difference_of_two_voltages_is_tabulated(written):
    deck = f"t\nv1 a 0 3\nr1 a b 1k\nr2 b 0 2k\n.dc v1 0 3 3\n.print dc v(b) {written} i(v1)\n"
    circuit = rs.parse_netlist(deck)
    assert not circuit.diagnostics
    (swept,) = rs.run(circuit)
    names, values = swept.table()
    assert names == ["v1", "v(b)", "v(a,b)", "i(v1)"]
    assert values[1] == pytest.approx([3, 2, 1, -1e-3])


@pytest.mark.parametrize("written", ["v(a)-v(b)*2", "2*v(a)-v(b)", "v(a)-v(b)-v(a)", "-v(a)-v(b)"])
def test_what_is_more_than_a_difference_is_a_formula(written):
    deck = f"t\nv1 a 0 3\nr1 a b 1k\nr2 b 0 2k\n.print op {written}\n"
    op = rs.solve(deck)
    assert op.circuit.outputs == (f"{{{written}}}",)
    known = {"v(a)-v(b)*2": -1, "2*v(a)-v(b)": 4, "v(a)-v(b)-v(a)": -2, "-v(a)-v(b)": -5}
    assert op.rows()[0, 0] == pytest.approx(known[written])


FORMULAS = """t
V1 a 0 5
R1 a b 1k
R2 b 0 {k*1k}
.param k=1 h={2*k}
.print dc y=par('v(b)*h') z='v(a)-v(b)'
"""


def test_formulas_of_print_and_nodes_are_measured_by_their_names():
    cards = ".dc v1 0 4 1\n.meas dc m max y\n.meas dc n find z*2 when y=2\n.meas dc o max b\n"
    (swept,) = rs.run(rs.parse_netlist(FORMULAS + cards))
    assert rs.measure(swept) == pytest.approx({"m": 4, "n": 2, "o": 2})
    # parameters count before nodes, and earlier measurements before formulas
    cards = ".dc v1 0 4 1\n.meas dc y max k*v(b)\n.meas dc x param y+1\nR3 k 0 1\n"
    (swept,) = rs.run(rs.parse_netlist(FORMULAS + cards))
    assert rs.measure(swept) == pytest.approx({"y": 2, "x": 3})


@pytest.mark.parametrize(
    ("card", "words"),
    [("m max q", "q is no output, formula of .print"), ("m param y+1", "y has no one value"),
     ("m param b+1", "b has no one value")],
)  # fmt: skip
def test_what_has_no_value_in_a_measurement_is_told(card, words):
    (swept,) = rs.run(rs.parse_netlist(f"{FORMULAS}.dc v1 0 4 1\n.meas dc {card}\n"))
    with pytest.raises(rs.UsageError, match=words):
        rs.measure(swept)


@requires_ngspice
def test_ngspice_measures_formulas_of_print_and_nodes(tmp_path):
    cards = ".dc v1 0 4 1\n.meas dc m max y\n.meas dc o max b\n.print dc v(b)\n.end\n"
    path = tmp_path / "deck.net"
    path.write_text(FORMULAS + cards)
    run = ["ngspice", "-n", "-b", str(path)]
    out = subprocess.run(run, capture_output=True, text=True, timeout=60).stdout
    theirs = {name: float(x) for name, x in re.findall(r"^(m|o) += +(\S+)", out, re.MULTILINE)}
    assert rs.measure(rs.run(rs.parse_netlist(FORMULAS + cards))[0]) == pytest.approx(theirs)


def test_formulas_and_measurements_elaborate_a_deck_once_a_point():
    cards = ".dc v1 0 4 1 param k 1 3 0.5\n.meas dc m max h*v(b)\n.meas dc n max y*h\n"
    circuit = rs.parse_netlist(f"{FORMULAS}{cards}.print dc x='v(b)*h*h' w='v(b)/h'\n")
    (swept,) = rs.run(circuit)
    rebuilt = []

    def counted(values, **options):
        rebuilt.append(values)
        return circuit.rebuild(values, **options)

    swept = dataclasses.replace(swept, circuit=dataclasses.replace(circuit, rebuild=counted))
    k = np.arange(1, 3.1, 0.5)
    highest = 4 * k / (1 + k)
    assert swept["x"].reshape(5, 5)[:, -1] == pytest.approx(highest * (2 * k) ** 2)
    assert swept["w"].reshape(5, 5)[:, -1] == pytest.approx(highest / (2 * k))
    found = rs.measure(swept)
    assert found["m"] == pytest.approx(highest * 2 * k)
    assert found["n"] == pytest.approx(highest * (2 * k) ** 2)
    assert [each["k"] for each in rebuilt] == k.tolist()
