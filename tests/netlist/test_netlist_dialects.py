"""What simulators read differently: each deck as its own one does."""

import math

import pytest
from ngspice_tools import as_written, requires_ngspice

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.cli.options import add_deck
from resnet_sim.errors import NetlistError, UsageError
from resnet_sim.netlist.dialects import DIALECTS, recognised

THERMAL = 8.617333262e-5 * 300.15


def solve(*cards, dialect="auto"):
    return rs.solve("\n".join(["a title", *cards, ".end"]), dialect=dialect)


def value(text, dialect):
    """The value of an expression as a parameter."""
    return solve(f".param p={{{text}}}", "v1 a 0 {p}", "r1 a 0 1k", dialect=dialect)["a"]


# ---- whose deck it is ----


@pytest.mark.parametrize(
    ("card", "name"),
    [
        (".backanno", "ltspice"),
        (".lib C:\\Program Files\\LTC\\LTspiceXVII\\lib\\cmp\\standard.bjt", "ltspice"),
        ("* source OrCAD_DEMO\n* from ORCAD Capture", "pspice"),
        (".PROBE64 V(alias(*))", "pspice"),
        (".options timeint reltol=1e-4", "xyce"),
        (".preprocess replaceground true", "xyce"),
        (".option post=2", "hspice"),
        (".options ingold=2 nopage", "hspice"),
        (".control\nop\n.endc", "ngspice"),
    ],
)
def test_a_deck_is_recognised_by_what_only_one_simulator_writes(card, name):
    text = f"a title\nV1 a 0 1\nR1 a 0 1k\n{card}\n.op\n.end\n"
    dialect, line, shown = recognised(text)
    assert dialect.name == name
    assert shown in text.split("\n")[line - 1]
    (note,) = [d for d in rs.parse_netlist(text).diagnostics if d.code == "N110"]
    assert name in note.message
    assert note.span.line == line


def test_a_title_of_ltspice_tells():
    assert recognised("* C:\\boards\\charger.asc\nR1 a 0 1")[0].name == "ltspice"


def test_marks_far_down_are_found_and_contradictory_ones_say_nothing():
    cards = "R1 a b 1k\n" * 30_000
    assert recognised(f"t\n{cards}.backanno\n.end")[0].name == "ltspice"
    assert recognised("t\n.control\n.endc\n.backanno\n") is None
    assert recognised("t\nV1 a 0 1\n.options reltol=1e-4\n.end") is None
    # SPICE2's, and PSpice's
    assert recognised("t\nV1 a 0 1\n.options noacct nomod\n.end") is None


def test_check_says_what_was_recognised_and_why(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text("t\nV1 a 0 1\nR1 a 0 1k\n.backanno\n")
    assert main(["check", str(deck)]) == 0
    assert "dialect: ltspice, for line 4: .backanno" in capsys.readouterr().out
    assert main(["check", "--dialect", "xyce", str(deck)]) == 0
    assert "dialect: xyce, as --dialect says" in capsys.readouterr().out
    deck.write_text("t\nV1 a 0 1\nR1 a 0 1k\n")
    assert main(["check", str(deck)]) == 0
    assert "dialect: nothing recognised" in capsys.readouterr().out


def test_the_command_offers_every_dialect():
    import argparse

    parser = argparse.ArgumentParser()
    add_deck(parser, several=False)
    (option,) = [a for a in parser._actions if "--dialect" in a.option_strings]
    assert option.choices == ("auto", *DIALECTS)


def test_unknown_dialects_and_circuits_are_refused():
    with pytest.raises(UsageError, match="ltspice"):
        rs.parse_netlist("t\nR1 a 0 1", dialect="spectre")
    circuit = rs.parse_netlist("t\nV1 a 0 1\nR1 a 0 1")
    with pytest.raises(UsageError, match="no dialect"):
        rs.solve(circuit, dialect="ltspice")


# ---- numbers ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6k8", 6800),
        ("3R3", 3.3),
        ("7M5", 7.5e-3),
        ("1Meg2", 1.2e6),
        ("22n5", 22.5e-9),
        ("-4k7", -4700),
    ],
)
def test_a_letter_is_the_decimal_point_in_ltspice(text, expected):
    cards = (f"v1 a 0 {text}", "r1 a 0 1k")
    assert solve(*cards, dialect="ltspice")["a"] == pytest.approx(expected, rel=1e-15)
    assert solve(*cards, ".backanno")["a"] == pytest.approx(expected, rel=1e-15)
    assert solve(*cards)["a"] != pytest.approx(expected, rel=1e-3)
    if text[0] != "-":
        assert value(f"2*{text}", "ltspice") == pytest.approx(2 * expected, rel=1e-15)
        with pytest.raises(NetlistError, match="--dialect ltspice"):
            value(f"2*{text}", "auto")


def test_x_and_a_are_scale_factors_of_some():
    for name, x, a in (("xyce", 1e6, 1), ("hspice", 1e6, 1e-18), ("ngspice", 1, 1), ("auto", 1, 1)):
        op = solve("i1 0 p 3a", "r1 p 0 1x", dialect=name)
        assert op["p"] == pytest.approx(3 * a * x, rel=1e-15)


# ---- expressions ----


POWERS = ["pwr(-3,3)", "pow(-3,3)", "(-3)**3", "(-3)^2", "pwr(-3,2)", "2**3**2", "(-4)**0.5"]


@requires_ngspice
def test_powers_are_those_of_ngspice_in_parameters_and_in_sources(tmp_path):
    decks = [
        f"powers\n.param p={{{text}}}\nV1 a 0 {{p}}\nB1 b 0 V={text}\nE1 c 0 vol='{text}'\n.end"
        for text in POWERS
    ]
    for text, deck, theirs in zip(POWERS, decks, as_written(decks, tmp_path), strict=True):
        op = rs.solve(deck)
        for node in "abc":
            assert op[node] == pytest.approx(theirs[f"v({node})"], rel=1e-12), text


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ltspice", "pwr(-2,3)", 8),
        ("ltspice", "pwrs(-2,3)", -8),
        ("ltspice", "(-2)**3", -8),
        ("ltspice", "3^2", 0),
        ("ltspice", "3^0", 1),
        ("pspice", "pwr(-2,3)", 8),
        ("pspice", "1^1", 0),
        ("xyce", "0^4", 1),
        ("xyce", "log(100)", 2),
        ("xyce", "ln(e)", 1),
        ("pspice", "log(e)", 1),
        ("pspice", "~(1>2)+1", 2),
        ("hspice", "pwr(-2,3)", -8),
        ("hspice", "pow(-2,3.7)", -8),
        ("hspice", "2^3", 8),
        ("hspice", "sqrt(-9)", -3),
        ("hspice", "log10(-100)", -2),
        ("hspice", "log(-1)", 0),
    ],
)
def test_functions_and_operators_are_those_of_the_simulator(name, text, expected):
    assert value(text, name) == pytest.approx(expected, abs=1e-15)
    op = solve(f"b1 a 0 v={text}", "r1 a 0 1k", dialect=name)
    assert op["a"] == pytest.approx(expected, abs=1e-15)


# ---- devices ----


def test_an_ideal_diode_of_ltspice_has_one_ohm_and_leaks_like_gmin():
    cards = ("v1 a 0 3", "r1 a b 9", "d1 b 0 dx", "d2 0 c dx", "r2 c a 1k", ".model dx d(vfwd=1)")
    op = solve(*cards, dialect="ltspice")
    assert op.current("d1") == pytest.approx(2 / 10, rel=1e-9)
    assert op.current("d2") == pytest.approx(-3e-12, rel=1e-6)
    op = solve(*cards)
    assert op.current("d1") == pytest.approx(2 / 9, rel=1e-12)
    assert op.current("d2") == 0
    with pytest.raises(NetlistError, match="vfwd"):
        solve(*cards, dialect="ngspice")


@pytest.mark.parametrize(("name", "ibv", "nbv"), [("pspice", 1e-10, 1), ("auto", 1e-3, 2)])
def test_breakdown_is_that_of_the_simulator(name, ibv, nbv):
    cards = ("i1 a 0 1m", "d1 a 0 dz", ".model dz d(is=1e-14 n=2 bv=5)")
    drop = -solve(*cards, dialect=name)["a"]
    # to about the current that saturates at 5 V
    assert drop == pytest.approx(5 + nbv * THERMAL * math.log(1e-3 / ibv), abs=1e-3)


def test_a_coil_of_ltspice_has_a_milliohm_unless_it_is_coupled_or_says_otherwise():
    cards = ("i1 0 a 2", "l1 a 0 1u", "i2 0 b 2", "l2 b 0 1u rser=0", "i3 0 c 2", "l3 c 0 1u")
    op = solve(*cards, "l4 d 0 1u", "r4 d 0 1", "k1 l3 l4 1", dialect="ltspice")
    assert op["a"] == pytest.approx(2e-3, rel=1e-12)
    assert op["b"] == op["c"] == 0
    assert solve(*cards)["a"] == 0
    many = [f"l{k} a{k} 0 1u\ni{k} 0 a{k} 1" for k in range(80)]
    text = "\n".join(["t", *[c.split("\n")[0] for c in many], *[c.split("\n")[1] for c in many]])
    assert rs.solve(text + "\n" * 4000, dialect="ltspice")["a7"] == pytest.approx(1e-3)


@pytest.mark.parametrize("name", ["ngspice", "Xyce", "HSPICE", "PSpice", "LTspice"])
def test_remarks_that_name_a_simulator_tell_nothing(name):
    cards = [f"* 0.5 V expected, other than in {name}", "v1 a 0 5", "r1 a b 1k", "d1 b 0 dx"]
    op = solve(*cards, ".model dx d(vfwd=0.5)")
    assert op["b"] == pytest.approx(0.5, rel=1e-12)
    assert "N110" not in [d.code for d in op.diagnostics]


def test_a_model_that_says_vfwd_means_it_beside_a_control_block():
    cards = ["v1 a 0 5", "r1 a b 1k", "d1 b 0 dx", ".control", "op", ".endc"]
    assert solve(*cards, ".model dx d(vfwd=0.5)")["b"] == pytest.approx(0.5, rel=1e-12)


def test_no_resistance_is_a_milliohm_in_ngspice():
    cards = ("i1 0 a 5", "r1 a 0 0")
    assert solve(*cards, dialect="ngspice")["a"] == pytest.approx(5e-3, rel=1e-12)
    assert solve(*cards)["a"] == 0


def test_the_resistance_of_a_model_is_a_factor_in_pspice_and_xyce():
    cards = ("i1 0 a 1m", "r1 a 0 rm 2k", ".model rm res(r=3)")
    for name, expected in (("pspice", 6), ("xyce", 6), ("ngspice", 2), ("auto", 2)):
        assert solve(*cards, dialect=name)["a"] == pytest.approx(expected, rel=1e-12)


def test_hspice_begins_at_25_degrees_and_has_more_names_for_ground():
    cards = (
        "i1 ground a 1m",
        "r1 a gnd! 1k tc1=0.01",
        ".temp 35",
        "i2 0 b {temper*1m}",
        "r2 b 0 1",
    )
    assert solve(*cards, dialect="hspice")["a"] == pytest.approx(1.1, rel=1e-12)
    op = solve("i1 0 b {temper*1m}", "r1 b 0 1k", dialect="hspice")
    assert op["b"] == pytest.approx(25, rel=1e-12)


def test_a_dollar_is_part_of_a_name_in_pspice():
    cards = ("v1 $g_vcc 0 5", "r1 $g_vcc $n_0001 1k ; the load", "r2 $n_0001 0 1k")
    assert solve(*cards, dialect="pspice")["$n_0001"] == pytest.approx(2.5)


def test_sweeps_of_parameters_are_read_in_the_same_dialect():
    deck = "t\n.param u=1\nv1 a 0 {u}\nr1 a b 4k7\nr2 b 0 4k7\n.step param u 1 2 1\n.backanno\n"
    (op,) = rs.run(deck)
    assert op["b"].tolist() == pytest.approx([0.5, 1.0])
    assert op.current("r1").tolist() == pytest.approx([1 / 9400, 2 / 9400])


# ---- names that mean something elsewhere ----

OVERRULED = """t
.param w=3
V1 a 0 1
X1 a t
X2 a t w=5
.subckt t p w=2
R1 p m {w}
R2 m 0 1
.ends
"""


def test_hspice_takes_parameters_of_the_deck_unless_told_otherwise():
    def refused(text):
        with pytest.raises(NetlistError) as caught:
            rs.parse_netlist(text, dialect="hspice")
        return [(d.code, d.span.line) for d in caught.value.diagnostics if d.severity == "error"]

    assert refused(OVERRULED) == [("E138", 4), ("E138", 5)]
    assert refused(f"{OVERRULED}.option parhier=global\n") == [("E138", 4), ("E138", 5)]
    local = rs.solve(rs.parse_netlist(f"{OVERRULED}.option parhier=local\n", dialect="hspice"))
    assert local.voltage("x1.m") == pytest.approx(1 / 3)
    assert local.voltage("x2.m") == pytest.approx(1 / 6)
    # where both are the same, and in all other dialects, there is no doubt
    alike = OVERRULED.replace("w=3", "w=2").replace(" w=5", " w={1+1}")
    assert rs.solve(rs.parse_netlist(alike, dialect="hspice")).voltage("x2.m") == local["x1.m"]
    for dialect in ("ngspice", "ltspice", "pspice", "xyce"):
        assert rs.solve(rs.parse_netlist(OVERRULED, dialect=dialect))["x2.m"] == local["x2.m"]


def test_gnd_is_ground_to_xyce_only_if_asked():
    def codes(*lines, dialect="xyce"):
        circuit = rs.parse_netlist("\n".join(["t", *lines]), dialect=dialect)
        assert rs.solve(circuit).voltage("a") == 5
        return {d.code for d in circuit.diagnostics} & {"W107"}

    cards = ["V1 a GND 5", "R1 a gnd 1k"]
    assert codes(*cards) == {"W107"}
    assert codes(*cards, ".preprocess replaceground true") == set()
    asked = [".preprocess replaceground true", "R2 a GND! 1k", "X1 a s", "B1 b 0 V=v(a,Ground)"]
    asked += [".subckt s p", "R1 p ground 1k", ".ends", "R3 b gnd 1k"]
    assert codes(*cards, *asked) == set()
    assert solve(*cards, *asked, dialect="xyce")["i(v1)"] == pytest.approx(-15e-3)
    assert codes(*cards, dialect="pspice") == set()
    assert codes("V1 a 0 5", "R1 a 0 1k ; gnd", "* V2 gnd 0 1") == set()


def test_switches_and_tables_of_xyce():
    cards = ["V1 a 0 5", "R1 a b 1k", "S1 b 0 c 0 sm"]
    cards.append(".model sm switch(ron=1k roff=1g on=2 off=1)")
    assert solve(*cards, "V2 c 0 3")["b"] == pytest.approx(2.5)
    assert solve(*cards, "V2 c 0 0")["b"] == pytest.approx(5, rel=1e-5)
    # what a table is of needs no braces
    op = solve("V1 a 0 2", "E1 b 0 TABLE v(a)*(v(a,0)-1)/4 = (0,0) (1, 8)", "R1 b 0 1k")
    assert op["b"] == pytest.approx(4)


def test_hspice_has_resistors_that_a_voltage_controls():
    text = "t\n.param k=500\nV1 a 0 5\nR1 a b 1k\nV2 c d 2\nV3 d 0 7\nG1 b 0 VCR c d 'k*3' m=2\n"
    op = rs.solve(rs.parse_netlist(text, dialect="hspice"))
    assert op["b"] == pytest.approx(5 * 1.5 / 2.5)
    for rest in ("pwl(1) c d 0,1k 2,3k", "c d 1k max=5k"):
        with pytest.raises(NetlistError, match="E115"):
            rs.parse_netlist(f"t\nV1 c d 1\nG1 c 0 VCR {rest}\n", dialect="hspice")


def test_a_parameter_of_a_subcircuit_may_be_made_of_the_one_around_it():
    text = "t\n.param w=3\nV1 a 0 1\nX1 a t\n.subckt t p\n.param w={w*q} q=2\nR1 p m {w}\n"
    text += "R2 m 0 1\nX2 m u\n.ends\n.subckt u p q={q+w}\nR1 p n {q}\nR2 n 0 1\n.ends\n"
    op = rs.solve(rs.parse_netlist(text))
    # w = 6 in x1; q = 2 + 6 in x1.x2
    middle = 1 / (1 + 1 / 9)
    assert op["x1.m"] == pytest.approx(middle / (6 + middle))
    assert op["x1.x2.n"] == pytest.approx(op["x1.m"] / 9)
    with pytest.raises(NetlistError, match="E117"):
        rs.parse_netlist("t\n.param w={2*w}\nR1 a 0 {w}\n")
