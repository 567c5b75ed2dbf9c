"""Parameters of element cards: implemented, harmless at DC or refused, none dropped."""

from pathlib import Path

import pytest
from parameter_table import rows

import resnet_sim as rs
from resnet_sim.errors import NetlistError
from resnet_sim.netlist.read.parameters import PARAMETERS, Effect, parameters_of


def solve(*cards):
    return rs.solve(rs.parse_netlist("\n".join(["a title", *cards, ".end"])))


def voltage(*cards):
    return solve(*cards).voltage("out")


def errors(*cards):
    with pytest.raises(NetlistError) as caught:
        rs.parse_netlist("\n".join(["a title", *cards, ".end"]))
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


# ---- LTspice's resistances within elements; expected values by hand ----


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        (["v1 out 0 12 rser=2", "r1 out 0 4"], 8.0),
        (["v1 out 0 12 Rser=0", "r1 out 0 4"], 12.0),
        (["v1 out 0 dc 12 ac 1 90 rser={1+1} cpar=3p", "r1 out 0 4"], 8.0),
        (["v1 out 0 3 portnum=1 z0=75", "r1 out 0 25"], 0.75),
        (["v1 in 0 12", "l1 in out 1m Rser=2 mfg=\"some one\"", "r1 out 0 4"], 8.0),
        (["v1 in 0 12", "l1 in out 1m rser=3 rpar=6 cpar=1p", "r1 out 0 4"], 8.0),
        (["v1 in 0 12", "l1 in out 1m rser=4 m=2", "r1 out 0 4"], 8.0),
        (["v1 in 0 12", "r1 in out 4", "c1 out 0 1u rpar=8 rser=5 lser=1n"], 8.0),
        (["v1 in 0 12", "r1 in out 4", "c1 out 0 1u rpar=8 m=2"], 6.0),
        (["i1 0 out 3 rpar=6", "r1 out 0 3"], 6.0),
        (["i1 0 out 3 rser=6", "r1 out 0 3"], 9.0),
        (["v1 in 0 12", "r1 in out 4", "i1 out 0 r=8"], 8.0),
        (["v1 in 0 12", "b1 out 0 v=v(in)/2 rser=2", "r1 out 0 4"], 4.0),
        (["v1 in 0 12", "b1 0 out i=v(in)/4 rpar=6", "r1 out 0 3"], 6.0),
        (["v1 in 0 1", "e1 out 0 vcvs in 0 3 scale=2"], 6.0),
        (["v1 in 0 2", "e1 out 0 vcvs poly(2) in 0 in 0 1 3 0 0 1"], 11.0),
        (["v1 in 0 2", "r1 out 0 1", "f1 0 out cccs poly(1) v1 1 3"], 1.0),
    ],
)  # fmt: skip
def test_resistances_within_elements_count(cards, expected):
    assert voltage(*cards) == pytest.approx(expected)


def test_currents_of_elements_with_resistances_are_those_of_the_whole():
    point = solve("v1 a 0 12 rser=2", "l1 a b 1m rser=1", "c1 b 0 1u rpar=3")
    assert [point.current(name) for name in ("v1", "l1", "c1")] == pytest.approx([-2, 2, 2])


@pytest.mark.parametrize(("volts", "amps"), [(5, 2), (0.1, 0.1), (-5, 0)])
def test_a_load_takes_its_current_and_delivers_none(volts, amps):
    point = solve(f"v1 a 0 {volts}", "r1 a out 1", "i1 out 0 2 load")
    assert point.current("i1") == pytest.approx(amps)


# ---- m= of instances ----


def test_m_of_an_instance_multiplies_everything_below():
    cards = [
        "v1 in 0 10",
        "r1 in out 1k",
        "x1 out 0 outer m=2",
        ".subckt outer p q",
        "xa p q cell m=3",
        "r2 p q 12k",
        ".ends",
        ".subckt cell p q",
        "i1 q p 0.5m",
        "r1 p q 24k m=2",
        "c1 p q 1u rpar=36k",
        "b1 q p i=v(p,q)/24k",
        ".ends",
    ]
    # by hand: 1k to 10 V; in mS 2/12 + 6/12 + 6/36 - 6/24; 6 * 0.5 mA
    expected = (10 + 3) / (1 + 2 / 12 + 6 / 12 + 6 / 36 - 6 / 24)
    assert voltage(*cards) == pytest.approx(expected)


def test_an_instance_of_n_in_parallel_is_like_n_instances():
    cell = [
        ".subckt cell p q c",
        "v1 p a 0.3 rser=100",
        "d1 a b dm",
        "r1 b q 2k",
        "f1 p q v1 0.2",
        "h1 h q v1 3k",
        "r2 h p 5k",
        "s1 p q c q sm",
        "w1 p b v1 wm",
        "y1 p q 1m ratio=0.5",
        "g1 p q c q 0.1m",
        "l1 p m 1u rser=4k",
        "c1 m q 1u rpar=1k",
        ".model dm d(ron=10 vfwd=0.6 roff=1meg)",
        ".model sm sw(ron=3k vt=1)",
        ".model wm csw(ron=2k it=0.4m)",
        ".ends",
    ]
    around = ["v9 in 0 9", "r9 in out 500", "vc c 0 2", *cell]
    one_by_one = [f"x{k} out 0 c cell" for k in range(3)]
    assert voltage(*around, "x1 out 0 c cell m=3") == pytest.approx(voltage(*around, *one_by_one))


def test_m_is_an_ordinary_parameter_where_a_subcircuit_has_it():
    cards = ["v1 in 0 2", "r1 in out 1k", "x1 out 0 s m=3", ".subckt s p q m=1", "r1 p q {m*1k}"]
    assert voltage(*cards, ".ends") == pytest.approx(1.5)


@pytest.mark.parametrize("count", ["0", "-1", "{0*1}"])
def test_so_many_in_parallel_must_be_above_zero(count):
    cell = [".subckt cell p q", "r1 p q 1k", ".ends"]
    assert errors(f"x1 a 0 cell m={count}", *cell) == ["E132"]
    assert errors(f"r1 a 0 1k m={count}") == ["E132"]


def test_large_subcircuits_are_multiplied_as_small_ones():
    many = [f"r{k} p q 100k" for k in range(100)]
    cards = ["v1 in 0 3", "r0 in out 1k", "x1 out 0 s m=2", ".subckt s p q", *many, ".ends"]
    assert voltage(*cards) == pytest.approx(1.0)


# ---- unknown ones ----


@pytest.mark.parametrize(
    "card",
    [
        "r1 a 0 1k foo=2", "c1 a 0 1u foo=2", "l1 a 0 1u foo=2", "v1 a 0 1 foo=2",
        "i1 a 0 1 foo=2", "d1 a 0 dm foo=2", "s1 a 0 b 0 sm foo=2", "w1 a 0 v1 wm foo=2",
        "e1 a 0 b 0 2 foo=2", "e1 a 0 vol='v(b)' foo=2", "b1 a 0 v=v(b) foo=2",
        "f1 a 0 v1 2 foo=2", "g1 a 0 b 0 2 foo=2", "h1 a 0 v1 2 foo=2", "y1 a 0 2 foo=2",
        "x1 a 0 cell foo=2", "v1 a 0 1 m=2", "e1 a 0 b 0 2 m=2",
    ],
)  # fmt: skip
def test_an_unknown_parameter_is_an_error(card):
    around = ["vb b 0 1", "v1 b 0 1" if "v1 " not in card[:3] else "", ".model dm d"]
    around += [".model sm sw", ".model wm csw", ".subckt cell p q", "r1 p q 1k", ".ends"]
    assert errors(card, *around) == ["E136"]


@pytest.mark.parametrize(
    "body",
    [
        ["r1 p q {foo}"],
        [".param foo=1", "r1 p q {foo}"],
        ["x1 p q inner", ".subckt inner p q", "r1 p q {foo}", ".ends"],
        [".if (foo > 1)", "r1 p q 2", ".endif"],
        ["r1 p q {k}", ".param k={2*foo/2}"],
    ],
)
def test_an_instance_may_give_what_its_subcircuit_uses_without_declaring_it(body):
    cards = ["v1 a 0 4", "r1 a out 2", "x1 out 0 cell foo=2", ".subckt cell p q", *body, ".ends"]
    assert voltage(*cards) == pytest.approx(2.0)


def test_every_parameter_is_implemented_harmless_or_refused_with_a_reason():
    for known in (*PARAMETERS.values(), parameters_of("y")):
        for parameter in known.values():
            assert parameter.effect in Effect
            assert parameter.text
            assert parameter.dialects


HARMLESS = [
    (letter, name)
    for letter in "rclvid"
    for name, parameter in PARAMETERS[letter].items()
    if parameter.effect is Effect.HARMLESS
]


@pytest.mark.parametrize(("letter", "name"), HARMLESS)
def test_what_is_harmless_changes_nothing(letter, name):
    cards = {"r": "2k", "c": "1u", "l": "1u", "v": "2", "i": "1m", "d": "dm"}
    around = ["vin in 0 9", "r0 in out 1k", "r9 x 0 1k", ".model dm d(ron=5)"]
    card = f"{letter}1 out x {cards[letter]}"
    assert voltage(*around, f"{card} {name}=3") == voltage(*around, card)
    assert voltage(*around, f"{card} {name}={{undefined}}") == voltage(*around, card)


# ---- temperature ----


@pytest.mark.parametrize(
    ("rest", "factor"),
    [
        ("tc1=1m", 1.1),
        ("tc=1m,10u", 1.2),
        ("tc1=1m temp=47", 1.02),
        ("tc1=1m dtemp=-20", 1.08),
        ("tce=2", 1.01**200),
        ("tce=2 tc1=1", 1.01**200),
        ("TC1 1m", 1.1),
    ],
)
def test_resistances_follow_the_temperature(rest, factor):
    ohms = solve("v1 a 0 1", f"r1 a 0 1k {rest}", ".temp 127").circuit.resistors.ohms[0]
    assert ohms == pytest.approx(1e3 * factor)


@pytest.mark.parametrize("card", ["c1 out 0 10n", "l1 in out 10u"])
def test_coefficients_of_reactances_are_harmless(card):
    more = [] if card[0] == "l" else ["r3 in out 1"]
    cards = ["v1 in 0 5", f"{card} TC=0,0", "r1 out 0 1k", *more]
    assert voltage(*cards) == pytest.approx(5, rel=0.01)


# ---- smooth switches ----

BAND = ["v1 in 0 5", "r1 in out 1k"]


@pytest.mark.parametrize(
    ("control", "on", "off", "closed"),
    [(3, 2, 1, True), (0, 2, 1, False), (0, 1, 2, True), (3, 1, 2, False), (2, 2, 1, True),
     (1, 2, 1, False), (1, 1, 2, True), (2, 1, 2, False)],
)  # fmt: skip
def test_pspice_switches_are_on_or_off_outside_their_band(control, on, off, closed):
    ohms = 1e3 if closed else 4e3
    for cards in (
        ["s1 out 0 c 0 m", f"vc c 0 {control}",
         f".model m vswitch(ron=1k roff=4k von={on} voff={off})"],
        ["w1 out 0 vc m", f"ic 0 c {control}m", "vc c 0 0",
         f".model m iswitch(ron=1k roff=4k ion={on}m ioff={off}m)"],
    ):  # fmt: skip
        assert voltage(*BAND, *cards) == pytest.approx(5 * ohms / (ohms + 1e3))


@pytest.mark.parametrize(
    "model",
    ["vswitch(ron=0 von=2 voff=1)", "vswitch(roff=inf von=1 voff=2)", "sw(vt=1.5 vh=-.5 ron=0)"],
)
def test_a_smooth_switch_without_two_resistances_is_refused_within_its_band(model):
    with pytest.raises(rs.TopologyError, match="s1") as caught:
        solve(*BAND, "s1 out 0 c 0 m", "vc c 0 1.5", f".model m {model}")
    assert caught.value.diagnostics[0].code == "E207"


def test_a_smooth_switch_that_holds_itself_is_found_fully_on():
    cards = ["s1 in out out 0 m", "v1 in 0 5", "r1 out 0 1k", "r2 in out 100k"]
    model = ".model m vswitch(ron=1 roff=1meg von=2 voff=1)"
    assert voltage(*cards, model) in (
        pytest.approx(5 * 1e3 / (1e3 + 1 / (1 + 1e-5)), rel=1e-6),
        pytest.approx(5 / (1 + 1 / (1e-2 + 1e-3)), rel=1e-6),
    )


def test_the_documented_table_is_the_registry():
    lines = (Path(__file__).parents[2] / "docs/netlist-syntax.md").read_text().splitlines()
    first = lines.index("| card | parameters | | what | in the decks of |") + 2
    assert lines[first : lines.index("", first)] == rows()


# ---- expressions without braces ----


@pytest.mark.parametrize(
    ("text", "ohms"),
    [
        ("ro=2*q", 6), ("ro = 1k/10", 100), ("ro=(1 + 2)*1k", 3000), ("ro=sqrt(q)*100", 173.20508),
        ("ro=-q+1k rx=q*2", 997), ("rx={q} ro=q**2", 9), ("params: ro=max(q, 2)", 3),
    ],
)  # fmt: skip
def test_parameters_of_subcircuits_may_be_expressions_without_braces(text, ohms):
    cell = "\n.subckt cell a ro=1k rx=1\nR1 a 0 {ro}\n.ends\n"
    for deck in (f"X1 a cell {text}{cell}", f"X1 a cell{cell.replace('ro=1k rx=1', text)}"):
        circuit = rs.parse_netlist(f"t\n.param q=3\nI1 0 a 1\n{deck}")
        assert circuit.resistors.ohms[0] == pytest.approx(ohms, rel=1e-7)


@pytest.mark.parametrize("text", ["ro=2 * q", "ro=(1+2) * q", "ro={q}*2", "ro='q' *2", "ro=2* q"])
def test_blanks_and_braces_end_a_value(text):
    # ngspice drops what follows
    with pytest.raises(rs.NetlistError, match=r"E10[356]"):
        rs.parse_netlist(
            f"t\n.param q=3\nX1 a cell {text}\n.subckt cell a ro=1\nR1 a 0 {{ro}}\n.ends"
        )
    with pytest.raises(rs.NetlistError, match=r"E10[356]"):
        rs.parse_netlist(f"t\n.param q=3\nX1 a cell\n.subckt cell a {text}\nR1 a 0 {{ro}}\n.ends")
