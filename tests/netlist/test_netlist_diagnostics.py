"""What the reader says, and where."""

import re

import pytest

from resnet_sim.diagnostics import CODES
from resnet_sim.errors import NetlistError
from resnet_sim.netlist import parse_netlist


def found(text):
    try:
        return parse_netlist(text).diagnostics
    except NetlistError as error:
        return error.diagnostics


def place(diagnostic):
    span = diagnostic.span
    return span.text[span.column - 1 : span.column - 1 + span.length]


CASES = [
    ("t\nr1 a\n", "E104", "a"),
    ("t\nv1 a 0 1\nm1 a a 0 d\n.model d nmos\n", "E104", "d"),
    ("t\nv1 a 0 1\nb1 b 0 v=1 i=2\nr1 b 0 1\n", "E103", "i"),
    ("t\nm1 a b c d = w=1u\n.model d nmos\n", "E104", "d"),
    ("t\nq1 a b c area=2\n", "E104", "area"),
    ("t\nr1 a b 1 2\n", "E105", "2"),
    ("t\nd1 a b dm x\n.model dm d\n", "E105", "x"),
    ("t\nv1 a 0 {2*x}\n", "E107", "x"),
    ("t\nv1 a 0\n+ {2*\n+ x}\n", "E107", "x"),
    ("t\nr1 a 0 1\n.modle x d\n", "E108", ".modle"),
    ("t\n#include x\n", "E109", "#include"),
    ("t\nd1 a 0 dx\n.model dy d\n", "E110", "dx"),
    ("t\nx1 a 0 sub\n", "E111", "sub"),
    ("t\nr1 a 0 1\nR1 b 0 1\n", "E113", "R1"),
    ("t\nr1 a 0 1\nf1 a 0 v1 2\n", "E114", "v1"),
    ("t\nb1 a 0 v=2+table(v(a),1,1,0,2)\n", "E120", "table"),
    ("t\nr1 a 0 {1/0}\n", "E121", "/"),
    ("t\nd1 a 0 dm\n.model dm d(ron=-1)\n", "E123", "ron"),
    ("t\ns1 a 0 b 0 dm\n.model dm d\n", "E126", "dm"),
    ("t\nr1 a 0 {foo(1)}\n", "E127", "foo"),
    ("t\nr1 a 0 2*3\n", "E106", "2*3"),
    ("t\nr1 a 0 {2}k\n", "E106", "k"),
    ("t\nr1 a 0 r='2'k\n", "E106", "k"),
    ("t\nr1 a 0 1,5\n", "E133", ","),
    ("t\nr1 a 0 1\n.param =5\n", "E128", "="),
    ("t\nr1 a 0 1\n.param = 5 x=2\n", "E128", "="),
    ("t\nr1 a 0 1\n.options =5 temp=30\n", "E103", "="),
    ("t\nr1 a 0 1\n.global = b\n", "E103", "="),
    ("* ngspice\ng1 0 a a 0 gain=2 m=2\n.control\n.endc\n", "E138", "gain"),
    ("t\ne1 a 0 a 0 2 gain=4\n", "E136", "gain"),
    ("t\nx1 a s m=2\n.subckt s c\ng1 0 c c 0 gain=2\n.ends\n", "W119", "g1 0 c c 0 gain=2"),
    ("t\nv1 a 0 1\n.dc v1 0 1 0\n", "E118", "v1"),
    ("r1 a 0 5\nr2 a 0 1\n", "W101", "r1 a 0 5"),
    ("t\nr1 a 0 1\n.end\nr2 a 0 1\n", "W102", "r2 a 0 1"),
    ("t\nR1 a 0 1M\n", "W103", "1M"),
    ("t\nC1 a 0 1F\nr1 a 0 1\n", "W104", "1F"),
    ("t\nr1 a 0 4k7\n", "W105", "4k7"),
    ("t\nr1 a 0 4R7\n", "W105", "4R7"),
    ("t\nr1 a 00 1\n", "W107", "r1 a 00 1"),
    ("t\nr1 a ground 1\n", "W107", "r1 a ground 1"),
    ("t\nr1 a 0 1\n.tran 1m 1\n", "W108", ".tran 1m 1"),
    ("t\nr1 a 0 1\n.control\nshell rm\n.endc\n", "W109", ".control"),
    ("t\nd1 a 0 dm\n.model dm d(rom=1)\n", "W110", "rom"),
    ("t\nr1 a 0 1 foo=2\n", "E136", "foo"),
    ("t\nr1 a 0 1_000\n", "E106", "1_000"),
    ("t\nr1 a 0 0x10\n", "E106", "0x10"),
    ("t\nr1 a 0 10k%\n", "W116", "10k%"),
    ("t\nr1 a 0 1\n.lib tt\nr2 a 0 1\n", "E119", ".lib tt"),
    ("t\nr1 a 0 1\n.meas op x max v(a)\n", "N103", ".meas op x max v(a)"),
    ("t\nr1 a 0 1\n.options reltol=1\n", "N105", "reltol"),
    ("t\nr1 a 0 r=1 resistance=2\n", "W122", "resistance"),
    ("t\nr1 a 0 1 r=2\n", "W122", "r"),
    ("t\nr1 a 0 1 m=2 noisy=0 m=3\n", "W122", "m"),
    ("t\nd1 a 0 dm\n.model dm d(n=1 is=1f n=2)\n", "W122", "n"),
    ("t\nx1 a s r=1 r=2\n.subckt s a r=1\nr1 a 0 {r}\n.ends\n", "W122", "r"),
    ("t\nr1 a 0 {r}\n.if (1)\n.param r=1\n.else\n.param r=2\n.endif\n", "W123", ".param r=2"),
    ("t\nr1 a 0 {r}\n.param r=3\n.if (0)\n.param r=1\n.endif\n", "W123", ".param r=1"),
]


@pytest.mark.parametrize(("text", "code", "excerpt"), CASES, ids=[f"{c[1]} {c[2]}" for c in CASES])
def test_a_diagnostic_points_at_its_cause(text, code, excerpt):
    matching = [d for d in found(text) if d.code == code]
    assert [place(d) for d in matching] == [excerpt]


@pytest.mark.parametrize(
    ("cards", "words"),
    {
        "m1 a a 0 d\n.model d nmos": "the bulk or the model is missing",
        "b1 b 0 v=1 i=2\nr1 b 0 1": "this source takes V= or I=",
    }.items(),
)
def test_a_diagnostic_says_what_to_do(cards, words):
    (diagnostic,) = found(f"t\nv1 a 0 1\n{cards}\n")
    assert words in diagnostic.message + (diagnostic.hint or "")


def test_a_diagnostic_carries_the_physical_line_of_a_continued_card():
    (diagnostic,) = [d for d in found("t\nR1 a\n+ 0\n*\n+ {Nope}\n") if d.code == "E107"]
    assert (diagnostic.span.line, diagnostic.span.text) == (5, "+ {Nope}")


def test_all_errors_of_a_deck_are_found_in_one_pass_in_its_order():
    text = "t\nr1 a\n.foo\nd1 a 0 nope\nz1 a b c m\nr2 a 0 {x}\n.dc v1 0 1 1\n"
    codes = [d.code for d in found(text)]
    assert codes == ["E104", "E108", "E110", "E115", "E107", "E131"]


def test_what_refers_to_a_broken_card_is_not_reported_again():
    assert [d.code for d in found("t\nv1 a 0 {nope}\nf1 a 0 v1 1\n.dc v1 0 1 1\n")] == ["E107"]


def test_an_error_inside_a_subcircuit_is_reported_once():
    text = "t\n" + "".join(f"x{k} a s\n" for k in range(9)) + ".subckt s a\nr1 a 0 {y}\n.ends\n"
    assert [d.code for d in found(text)] == ["E107"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("t\nr1 a 0 {lenght}\n.param length=1\n", "length"),
        ("t\nd1 a 0 dmo\n.model dmod d\n", "dmod"),
        ("t\nx1 a cel\n.subckt cell a\n.ends\n", "cell"),
        ("t\nr1 a 0 1\n.modle x d\n", "model"),
        ("t\nr1 a 0 {sqrr(2)}\n", "sqr"),
        ("t\nvin a 0 1\nf1 a 0 vinn 1\n", "vin"),
        ("t\nd1 a 0 dm\n.model dm d(rofff=1)\n", "roff"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(text, name):
    assert any(d.hint == f"did you mean {name!r}?" for d in found(text))


@pytest.mark.parametrize(
    ("cards", "code", "excerpt", "advice"),
    [
        ("v1 a 0 pwl file=wave.txt\nr1 a 0 1\n", "E115", "file", "write the value at t = 0"),
        ("i1 a 0 pwl(pwlfile='w.txt')\nr1 a 0 1\n", "E115", "pwlfile", "value at t = 0"),
        ("m1 a a 0 0 n\n.model n nmos level=54\n", "E123", "level", "parameters of level 1"),
        ("m1 a a 0 0 n\n.model n.1 nmos lmin=1u\n", "E110", "n", "none is chosen by its size"),
        ("r1 a 0 1\n.param x 5\n", "E128", "5", ".param name=value"),
        ("r1 a 0 1\n.func f x+1\n", "E128", "x", ".func name(x) {expression}"),
        ("vdrain a 0 1\n.dc vdrian 0 1 1\n", "E131", "vdrian", "did you mean 'vdrain'"),
        ("r1 a 0 {2*}\n", "E128", "}", "at the end a value is missing"),
        ("r1 a 0 {*2}\n", "E128", "*", "before '*2' a value is missing"),
        ("b1 a 0 v=v(a) 3\n", "E128", "3", "before '3' an operator is missing"),
        ("b1 a 0 v=v(a)=5\n", "E128", "=", "write == to compare"),
        ("e1 a 0 value={if(v(b)=5,1,2)}\n", "E128", "=", "write == to compare"),
        ("g1 a 0 table {v(b)=5} = (0,0) (1,1)\n", "E128", "=", "write == to compare"),
        ("r1 a 0 r={v(b) = 5 ? 1 : 2}\n", "E128", "=", "write == to compare"),
        ("x1 a s\n.subckt s b r=1k =5\nr1 b 0 {r}\n.ends\n", "E128", "=", "a name is missing"),
        ("x1 a s\n.subckt s b r={2=2}\nr1 b 0 {r}\n.ends\n", "E128", "=", "write == to compare"),
        ("r1 a 0 {2 k}\n", "E128", "k", "before 'k' an operator is missing"),
        ("r1 a 0 {2,3}\n", "E128", ",", "decimals need a point"),
        ("r1 a 0 {1 ? 2}\n", "E128", "}", "condition ? value : otherwise"),
        ("r1 a 0 {if(1,2)}\n", "E127", "if", "if(condition, value, otherwise)"),
        ("r1 a 0 {atan2(1)}\n", "E127", "atan2", "atan2(x, y)"),
        ("r1 a 0 {f(1)}\n.func f(u,v) {u+v}\n", "E127", "f", "f(u, v)"),
        ("b1 a 0 v=limit(v(a),2)\n", "E127", "limit", "limit(x, low, high)"),
        ("1r a 0 1k\n", "E109", "1r", "R1, C1, V1"),
        (".subckt\n.ends\n", "E104", ".subckt", ".subckt name node"),
        (
            "x1 a 0 s params r=1\n.subckt s p q r=2\nr1 p q {r}\n.ends\n",
            "E111",
            "params",
            "'params:'",
        ),
        (".include\n", "E104", ".include", '.include "file"'),
        (".ends\n", "E119", ".ends", "each .subckt ends in .ends"),
        ("n1 a 0 m\n", "E115", "n1", "by devices that are"),
        ("v1 a 0 1\n.dc v1 0 1 0\n", "E118", "v1", "start stop step"),
        ("v1 a 0 1\n.dc v1 0 1 1 v1 0 1 1\n", "E118", ".dc v1 0 1 1 v1 0 1 1", "leave out one"),
        ("v1 a 0 1\n.dc vx 0 1 1\n", "E131", "vx", "by their names"),
        ("e1 a 0 poly(2) a 0 1\n", "E104", "1", "Ename node+ node- POLY(n) control"),
        ("e1 a 0 poly a 0 1\n", "E106", "a", "POLY(n) control"),
        ("m1 a a 0 0 n\n.model n vdmos\n", "E126", ".model n vdmos", "level 1"),
        ("r1 a 0 rm 1k r=2k\n.model rm r\n", "E105", "r", "leave one of them out"),
        ("d1 a 0 dm 2 area=3\n.model dm d\n", "E105", "area", "leave one of them out"),
        ("q1 a a 0 qm 2 area=3\n.model qm npn\n", "E105", "2", "leave one of them out"),
    ],
)
def test_a_refusal_says_what_to_do(cards, code, excerpt, advice):
    (found_one,) = (d for d in found(f"t\n{cards}") if d.severity == "error")
    assert (found_one.code, place(found_one)) == (code, excerpt)
    assert advice in found_one.hint


@pytest.mark.parametrize("way", ["dev=5%", "lot 5%", "dev/gauss=5%", "lot/uniform 5%"])
def test_tolerances_of_models_are_told_from_slips(way):
    model = f"v1 a 0 1\nr1 a 0 rm 1k\n.model rm res(r=1 {way})\n"
    first = next(d for d in found(f"t\n{model}") if d.code == "W110")
    assert "--spread" in first.hint and place(first) == re.split("[ =]", way)[0]


def test_what_follows_an_unended_control_are_commands_as_in_ngspice():
    circuit = parse_netlist("t\nv1 a 0 1\nr1 a 0 1\n.control\nop\nr2 a 0 1\n.dc v1 0 1 1\n.end\n")
    assert "r2" not in circuit.element_names and not circuit.analyses
    (told,) = (d for d in circuit.diagnostics if d.code == "W117")
    assert (place(told), told.span.line) == (".control", 4) and "elements" in told.hint


def test_a_duplicate_shows_the_first_of_the_two():
    (diagnostic,) = found("t\nr1 a 0 1\nr1 b 0 1\n")
    assert diagnostic.labels[0].span.line == 2


def test_the_error_has_the_place_of_the_first_error():
    with pytest.raises(NetlistError) as caught:
        parse_netlist("t\nr1 a 0 1M\n  r2 a 0 {x}\n", name="deck.net")
    error = caught.value
    assert (error.file, error.line, error.column) == ("deck.net", 3, 11)
    assert error.excerpt == "  r2 a 0 {x}"
    assert "x" in error.hint


def test_a_plain_deck_has_nothing_to_report():
    text = "t\nv1 a 0 5\nr1 a b 1k\nd1 b 0 dm\n.model dm d(ron=0 roff=inf)\n.op\n.end\n"
    assert found(text) == ()


def test_every_code_is_listed():
    for text, *_ in CASES:
        for diagnostic in found(text):
            assert diagnostic.code in CODES
