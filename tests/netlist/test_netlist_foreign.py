"""Decks of other simulators: what means nothing at DC refuses none of them."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.errors import NetlistError

DIVIDER = ["v1 in 0 8", "r1 in out 1k", "r2 out 0 3k"]


def parse(*cards, **options):
    return rs.parse_netlist("\n".join(["a title", *cards, ".end"]), **options)


def out(*cards, **options):
    return rs.solve(parse(*cards, **options)).voltage("out")


def errors(*cards, **options):
    with pytest.raises(NetlistError) as caught:
        parse(*cards, **options)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


def codes(circuit):
    return {d.code for d in circuit.diagnostics}


# ---- cards that mean nothing here ----


@pytest.mark.parametrize(
    "card",
    [
        ".opti reltol=1e-3", ".OPTION acct", ".optionset x=1", ".optio nopage", ".probe64 v(*)",
        ".autoconverge itl1=9", ".mc 10 dc v(out) ymax", ".wcase dc v(out)",
        ".preprocess removeunused c", ".four 1k v(out)", ".plot dc v(out)", ".hb 1meg", ".csdf",
        ".watch dc v(out)", ".backanno", ".save all", ".print tr v(out)",
        ".meas tran x trig v(out) val=1 rise=1 targ v(out) val=2 rise=1",
        ".measure tra x max v(out)", ".meas x find v(out)", ".meas ac g max mag(v(out))",
        ".meas y param x*2", ".meas noise onoise integ v(onoise)", ".temp=27", ".temp 27",
        ".title other", ".sens v(out) ac dec 10 1 1k", ".sens objfunc={v(out)} param=r1:r",
    ],
)  # fmt: skip
def test_a_card_about_something_else_refuses_no_deck(card):
    assert out(*DIVIDER, card) == pytest.approx(6)


words = st.text("abcdefgvdxyz0123456789_.", min_size=1, max_size=8)
formulas = st.one_of(words, words.map("v({})".format), words.map("par('{}*2')".format))
analyses = st.sampled_from(["tran", "tra", "ac", "noise", "op", "fft", "hb", "TRAN_CONT", "sp"])
clauses = st.lists(
    st.one_of(
        words, st.tuples(words, formulas).map("=".join), formulas, st.just("trig"), st.just("targ")
    ),
    max_size=6,
).map(" ".join)


@given(st.sampled_from(["meas", "MEASURE", "measurement"]), analyses, words, clauses)
def test_no_measurement_of_another_analysis_refuses_a_deck(keyword, analysis, name, rest):
    assert out(*DIVIDER, f".{keyword} {analysis} {name} {rest}") == pytest.approx(6)


@given(st.sampled_from(["probe", "plot", "four", "fft", "width", "watch", "noise"]), clauses)
def test_no_card_that_is_ignored_refuses_a_deck(keyword, rest):
    assert out(*DIVIDER, f".{keyword} {rest}") == pytest.approx(6)


def test_measurements_without_an_analysis_are_those_of_a_sweep_if_there_is_one():
    swept = parse(*DIVIDER, ".dc v1 0 8 4", ".meas top max v(out)")
    assert rs.measure(rs.run(swept)[0]) == {"top": pytest.approx(6)}
    assert "N103" in codes(parse(*DIVIDER, ".tran 1m", ".meas top max v(out)"))


def test_a_question_without_an_answer_has_its_place_and_spoils_nothing(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    cards = [*DIVIDER, "r3 x y 1k", ".sens v(x) v(out)", ".dc v1 4 8 4"]
    cards += [".meas dc p max power(r1)", ".meas dc top max v(out)"]
    deck.write_text("\n".join(["a title", *cards]))
    assert main(["solve", str(deck), "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("W121") == 2
    assert f"{deck}:6" in printed.err
    assert f"{deck}:8" in printed.err
    assert '"top": 6.0' in printed.out


# ---- sweeps ----


@pytest.mark.parametrize(
    ("card", "values"),
    [
        (".step param RL list 1k 3k", [4, 6]),
        (".step param rl 1k 3k 2k", [4, 6]),
        (".step lin param rl 3k 1k 2k", [6, 4]),
        (".step param rl list {1k} 3k", [4, 6]),
        (".dc param rl 1k 3k 2k", [4, 6]),
    ],
)
def test_a_sweep_declares_its_own_parameter(card, values):
    (point, *_) = rs.run(parse("v1 in 0 8", "r1 in out 1k", "r2 out 0 {rl}", card))
    assert point.voltage("out") == pytest.approx(values)


@pytest.mark.parametrize(
    ("card", "values"),
    [
        (".step r2:r 1k 3k 2k", [4, 6]),
        (".step v1:dc 4 8 4", [3, 6]),
        (".dc v1 8 4 4", [6, 3]),
        (".step d dx(vfwd) 1 3 1", [1, 2, 3]),
        (".step D DX(Vfwd) list 3 1", [3, 1]),
    ],
)
def test_a_sweep_sets_values_of_elements_and_of_models(card, values):
    model = ".model dx d(vfwd=7 ron=0)"
    (point, *_) = rs.run(parse(*DIVIDER, "d1 out 0 dx", model, card))
    assert point.voltage("out") == pytest.approx(values)


# ---- files ----


def test_other_encodings_and_the_end_mark_of_dos_are_read(tmp_path):
    text = "\n".join(["a title", *DIVIDER, ".include part.inc", ".end", ""])
    (tmp_path / "part.inc").write_bytes(b"r3 out 0 3k\r\n\x1a")
    for name, data in {
        "le": codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        "be": codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        "bare": text.encode("utf-16-le"),
        "dos": text.replace("\n", "\r\n").encode() + b"\x1a\x1a",
    }.items():
        deck = tmp_path / f"{name}.net"
        deck.write_bytes(data)
        assert rs.solve(rs.read_netlist(deck)).voltage("out") == pytest.approx(4.8)


def test_a_bracket_on_a_line_of_its_own_says_nothing():
    model = ".model dx d(\n+ vfwd=2\n+ ron=0\n)"
    assert out(*DIVIDER, "d1 out 0 dx", model) == pytest.approx(2)


def test_a_section_of_a_library_may_use_another_one_of_its_file(tmp_path):
    (tmp_path / "c.lib").write_text(
        ".lib fast\n.param r=1k\n.lib c.lib all\n.endl\n.lib slow\n.param r=9k\n.lib c.lib all\n"
        ".endl\n.lib all\n.subckt load p\nr1 p 0 {r}\n.ends\n.endl\n"
    )
    cards = ["v1 in 0 8", "r1 in out 1k", "x1 out load"]
    assert out(*cards, ".lib c.lib slow", directory=tmp_path) == pytest.approx(7.2)
    assert out(*cards, ".lib 'c.lib' fast", directory=tmp_path) == pytest.approx(4)


def test_a_section_that_uses_itself_is_an_error(tmp_path):
    (tmp_path / "c.lib").write_text(".lib a\n.lib c.lib b\n.endl\n.lib b\n.lib c.lib a\n.endl\n")
    assert errors(".lib c.lib a", *DIVIDER, directory=tmp_path) == ["E124"]


def test_a_library_may_be_missing_if_nothing_needs_it(tmp_path):
    card = ".lib C:\\LTspice\\lib\\cmp\\standard.dio"
    circuit = parse(*DIVIDER, card, ".inc other.sub", directory=tmp_path)
    assert codes(circuit) == {"N108", "N110"}
    for needs in ("d1 out 0 1n4148", "x1 out 0 opamp"):
        with pytest.raises(NetlistError) as caught:
            parse(*DIVIDER, card, needs, directory=tmp_path)
        (error,) = [d for d in caught.value.diagnostics if d.severity == "error"]
        assert "standard.dio" in error.hint
    assert errors(*DIVIDER, ".include elements.net", directory=tmp_path) == ["E101"]


def test_what_nobody_calls_may_be_wrong():
    broken = [
        ".subckt unused a",
        "q1 a b c nothing",
        ".foo bar",
        "r1 a",
        ".model m nonsense",
        ".ends",
    ]
    assert out(*DIVIDER, *broken) == pytest.approx(6)
    assert "E108" in errors(*DIVIDER, "x1 out unused", *broken)


# ---- names ----


def test_names_may_have_signs():
    cards = ["v+5 +5v 0 5", "r1 +5v in- 1k", "r+a in- 0 4k", "e1 out 0 in- 0 2", ".print v(in-)"]
    assert out(*cards, "b1 o2 0 v=v(+5v)") == pytest.approx(8)


# ---- random functions ----


@pytest.mark.parametrize(
    ("expression", "value"),
    [("gauss(4,0.1,3)", 4), ("agauss(4,0.1,3)", 4), ("unif(4,0.1)", 4), ("aunif(4,1)", 4),
     ("mc(4,0.1)", 4), ("flat(4)", 0), ("limit(4,1)", 4), ("4+gauss(1)", 4)],
)  # fmt: skip
def test_random_functions_are_what_is_nominal_with_a_note(expression, value):
    circuit = parse(f"v1 out 0 {{{expression}}}", "r1 out 0 1k")
    assert rs.solve(circuit).voltage("out") == value
    assert codes(circuit) == {"N107"}


def test_limit_of_three_arguments_is_not_random():
    assert codes(parse("v1 out 0 {limit(4,1,2)}", "r1 out 0 1k")) == set()


# ---- suggestions ----


def test_names_are_compared_only_for_what_is_shown(monkeypatch):
    from resnet_sim.netlist import report

    compared = []
    monkeypatch.setattr(report, "did_you_mean", lambda name, known: compared.append(name))
    inner = [f"x{k} a missing" for k in range(30)]
    many = [f"x{k} n{k} outer" for k in range(2000)]
    assert set(errors(".subckt outer a", *inner, ".ends", *many)) == {"E111"}
    assert compared == ["missing"]
    compared.clear()
    found = errors(*[f"x{k} n{k} missing_{k}" for k in range(1000)])
    assert found == ["E111"] * 200 + ["E135"]
    assert len(compared) <= 20


# ---- what is no deck ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Version 4\nSHEET 1 880 680\nWIRE 0 0 1 1\n", "LTspice"),
        ("Version 4.1\r\nSHEET 1 880 680\r\n", "LTspice"),
        ('(export (version "E")\n  (design))\n', "KiCad"),
        ("(kicad_sch (version 20230121))", "KiCad"),
        ("<Qucs Schematic 0.0.19>\n<Properties>\n", "Qucs"),
        ("v {xschem version=3.4.4}\n", "xschem"),
        ("a title\nsimulator lang=spectre\nr1 (a 0) resistor r=1k\n", "Spectre"),
        ("V0 (a 0) vsource dc=1\nR0 (a 0) resistor r=1k\n", "Spectre"),
        ('# Qucs 24.3.0  x.sch\nVdc:V1 a gnd U="1 V"\nR:R1 a gnd R="50 Ohm"\n', "Qucs"),
        ('# Qucs 24.3.0\n\n.Def:sub_x a b\nR:R1 a b R="50 Ohm"\n.Def:End\n', "Qucs"),
        ('`include "disciplines.vams"\nmodule res(p, n);\nendmodule\n', "Verilog"),
        ("// made by a tool\nsimulator lang=spectre\nr1 (a 0) resistor r=1k\n", "Spectre"),
        ("v 20130925 2\nC 40000 40000 0 0 0 title-B.sym\n", "gEDA"),
    ],
)
def test_files_of_other_programs_are_told_what_to_do(text, words):
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist(text)
    (found,) = caught.value.diagnostics
    assert found.code == "E137"
    assert words in found.message
    assert found.hint


@pytest.mark.parametrize("command", ["solve", "check"])
def test_definitions_alone_are_nothing_to_solve(command, tmp_path, capsys):
    deck = tmp_path / "parts.lib"
    deck.write_text("parts\n.subckt part p q\nr1 p q 1k\n.ends\n.model dm d(ron=0)\n")
    assert main([command, str(deck)]) == 2
    assert "nothing to solve" in capsys.readouterr().err


PSPICE = [
    '.SUBCKT DIV A B OPTIONAL: VP=$G_DPWR GN = 0 PARAMS: R=1K TEXT: T="x"',
    "R1 A B {R}",
    "R2 B GN 1K",
    "R3 VP 0 1",
    ".ENDS",
    "V1 1 0 8",
    "V2 $G_DPWR 0 3",
    "V9 low 0 4",
]


@pytest.mark.parametrize(
    ("card", "volts", "drawn"),
    [
        ("X1 1 out DIV", 4, 3),
        ("X1 1 out DIV PARAMS: R=3K", 2, 3),
        ("X1 1 out low DIV", 4, 0),
        ("X1 1 out low low DIV", 6, 0),
    ],
)
def test_optional_ports_are_at_their_nodes_unless_an_instance_says(card, volts, drawn):
    op = rs.solve(parse(*PSPICE, card, dialect="pspice"))
    assert (op.voltage("out"), -op.current("v2")) == pytest.approx((volts, drawn))


def test_instances_in_a_row_have_optional_ports_too():
    cards = [f"X{k} 1 n{k} DIV" for k in range(30)]
    op = rs.solve(parse(*PSPICE, *cards, dialect="pspice"))
    assert op.voltage("n29") == pytest.approx(4)
    assert -op.current("v2") == pytest.approx(90)


@pytest.mark.parametrize("card", ["X1 1 DIV", "X1 1 out 0 0 0 DIV"])
def test_too_few_and_too_many_ports_are_told_beside_optional_ones(card):
    with pytest.raises(NetlistError, match="div has 2 to 4 ports"):
        parse(*PSPICE, card, dialect="pspice")
