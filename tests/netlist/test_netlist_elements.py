"""What element cards mean."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import resnet_sim as rs
from resnet_sim.errors import NetlistError, UsageError
from resnet_sim.model.numbers import plain_number, read_number
from resnet_sim.netlist import parse_netlist


def parse(*cards, **options):
    return parse_netlist("\n".join(["a title", *cards, ".end"]), **options)


def ohms(card, *more):
    return parse(card, *more).resistors.ohms[0]


def codes(circuit):
    return [d.code for d in circuit.diagnostics]


def errors(*cards, **options):
    with pytest.raises(NetlistError) as caught:
        parse(*cards, **options)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


# ---- numbers ----


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        (".5", 0.5),
        ("1e3", 1e3),
        ("1d3", 1e3),
        ("1e", 1),
        ("2t", 2e12),
        ("2g", 2e9),
        ("2meg", 2e6),
        ("2k", 2e3),
        ("2m", 2e-3),
        ("2mil", 2 * 25.4e-6),
        ("2u", 2e-6),
        ("2µ", 2e-6),
        ("2n", 2e-9),
        ("2p", 2e-12),
        ("2f", 2e-15),
        ("10kohm", 1e4),
        ("3v", 3),
        ("1megohm", 1e6),
        ("1.5e3k", 1.5e6),
        ("4k7", 4000),
        ("2r2", 2),
        ("0x10", 0),
        ("1_000", 1),
        ("1a", 1),
        ("1x", 1),
    ],
)
def test_a_number_has_the_value_that_ngspice_gives_it(text, value):
    assert read_number(text).value == pytest.approx(value, rel=1e-15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_by_repr_reads_back_exactly(value):
    assert plain_number(repr(value)) == value
    assert read_number(repr(value)).value == value


@given(st.integers(-9999, 9999), st.sampled_from([("k", 3), ("meg", 6), ("u", -6), ("p", -12)]))
def test_scale_factors_round_correctly(mantissa, scale):
    assert plain_number(f"{mantissa / 100}{scale[0]}") == float(f"{mantissa / 100}e{scale[1]}")


# ---- resistors ----


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("r1 a b 1k", 1e3),
        ("R1 a b 1K", 1e3),
        ("r1 (a,b) 1k", 1e3),
        ("r1 a , b 1k", 1e3),
        ("r1 (a) (b) = 1k", 1e3),
        ("r1 a b r=1k", 1e3),
        ("r1 a b resistance = {2*3}", 6),
        ("r1 a b '2*3'", 6),
        ("r1 a b {1k}", 1e3),
        ("r1 a b inf", math.inf),
        ("r1 a b -5", -5),
        ("r1 a b 1k tc1=1m temp=127", 1100),
        ("r1 a b 1k tc=1m,1u temp=127", 1110),
        ("r1 a b 1k dtemp=100 tc1=1m", 1100),
        ("r1 a b 1k m=2", 500),
        ("r1 a b 1k scale=3", 3000),
        ("r1 a b\n+ 1k", 1e3),
        ("r1 a\n* between\n\n+b 1k", 1e3),
        ("r1 a b 1k ; comment", 1e3),
        ("r1 a b 1k;comment", 1e3),
        ("r1 a b 1k $ comment", 1e3),
        ("r1 a b 1k // comment", 1e3),
        ("  r1 a b 1k", 1e3),
        ("\tr1\ta\tb\t1k\r", 1e3),
    ],
)
def test_a_resistor_has_its_value_in_every_form(card, value):
    circuit = parse(card)
    assert circuit.resistors.ohms[0] == pytest.approx(value)
    assert circuit.nodes == ("0", "a", "b")


def test_a_dollar_inside_a_name_is_part_of_it():
    assert parse("r1 a$b 0 1").nodes == ("0", "a$b")


def test_gnd_is_ground_in_any_case_and_names_are_folded():
    circuit = parse("R1 OUT Gnd 1k")
    assert circuit.nodes == ("0", "out")
    assert circuit.resistors.q[0] == 0


def test_temperature_comes_from_temp_or_options_relative_to_tnom():
    assert ohms("r1 a b 1k tc1=1m", ".temp 127") == pytest.approx(1100)
    assert ohms("r1 a b 1k tc1=1m", ".options temp=127") == pytest.approx(1100)
    assert ohms("r1 a b 1k tc1=1m", ".options temp=127 tnom=127") == pytest.approx(1000)


def test_a_resistor_model_gives_sheet_resistance_and_temperature_coefficients():
    model = ".model rm r(rsh=100 narrow=1u tc1=1m)"
    assert ohms("r1 a b rm l=11u w=3u", model) == pytest.approx(1100)
    assert ohms("r1 a b rm r=2k temp=127", model) == pytest.approx(2200)
    assert ohms("r1 a b 2k rm temp=127", model) == pytest.approx(2200)


def test_a_bare_parameter_is_a_value():
    assert ohms("r1 a b rr", ".param rr=3k") == 3000


def test_zero_ohms_is_an_ideal_short_with_a_note():
    circuit = parse("r1 a b 0", "r2 a b 0")
    assert list(circuit.resistors.ohms) == [0, 0]
    assert codes(circuit) == ["N102"]


def test_a_resistor_without_value_is_an_error():
    assert errors("r1 a b") == ["E129"]


# ---- independent sources ----


@pytest.mark.parametrize(
    ("rest", "value"),
    [
        ("5", 5),
        ("dc 5", 5),
        ("DC=5", 5),
        ("ac 1 5", 0),
        ("5 ac 1", 5),
        ("dc 5 ac 1 90", 5),
        ("pulse(1 2 3)", 1),
        ("dc 7 pulse(1 2 3)", 7),
        ("sin(2 1 1k)", 2),
        ("sin(2 1 1k 0 0 90)", 3),
        ("pwl(0 4 1 5)", 4),
        ("pwl 0 4 1 5", 4),
        ("exp(6 7)", 6),
        ("{2*3}", 6),
        ("", 0),
        ("dc", 0),
    ],
)
def test_a_source_has_its_dc_value_or_that_at_time_zero(rest, value):
    assert parse(f"v1 a 0 {rest}").voltage_sources.volts[0] == pytest.approx(value)
    assert parse(f"i1 a 0 {rest}").current_sources.amps[0] == pytest.approx(value)


def test_a_source_without_a_value_is_zero_with_a_warning():
    assert codes(parse("v1 a 0")) == ["W111"]


def test_a_shorted_voltage_source_is_an_error_unless_it_is_zero():
    assert errors("v1 a a 5") == ["E122"]
    assert errors("v1 0 gnd 5") == ["E122"]
    assert parse("v1 a a 0").voltage_sources.volts[0] == 0


# ---- diodes ----


def diode(model, *cards, **options):
    d = parse("d1 a b dm", f".model dm {model}", *cards, **options).diodes
    columns = ("v_forward", "r_on", "r_off", "v_reverse", "r_reverse")
    return tuple(float(getattr(d, column)[0]) for column in columns)


def test_a_diode_is_ideal_by_default():
    assert diode("d(vfwd=0)") == (0, 0, math.inf, math.inf, 0)
    assert parse("d1 a b").diodes.r_off[0] == math.inf


def junction(model, *cards, **options):
    table = parse("d1 a b dm", f".model dm {model}", *cards, **options).junctions
    return {f.name: float(getattr(table, f.name)[0]) for f in dataclasses.fields(table)[5:]}


def test_a_model_without_piecewise_linear_parameters_is_a_junction():
    bare = junction("d")
    assert (bare["saturation"], bare["emission"], bare["leak"]) == (1e-14, 1, 1e-12)
    assert bare["breakdown"] == bare["knee"] == math.inf
    given = junction("D(IS=2n N=1.7 RS=.5 CJO=4p TT=20n IKF=1m)", ".options gmin=0")
    assert (given["saturation"], given["emission"], given["series"]) == (2e-9, 1.7, 0.5)
    assert (given["leak"], given["knee"]) == (0, 1e-3)
    assert diode("d(is=1e-14 ron=2)") == (0, 2, math.inf, math.inf, 2)


def test_area_and_m_put_junctions_in_parallel():
    circuit = parse("d1 a b dm 2 m=3", ".model dm d(is=1f rs=6 ikf=1)")
    table = circuit.junctions
    assert table.saturation[0] == pytest.approx(6e-15)
    assert (table.series[0], table.knee[0]) == (1, 6)


@pytest.mark.parametrize("bad", ["is=0", "n=0", "rs=-1", "jtun=1n", "level=2", "bv=0", "tlev=1"])
def test_what_makes_no_junction_is_an_error(bad):
    assert errors("d1 a b dm", f".model dm d({bad})") == ["E123"]


ZENER = ".model dm d(is=1f bv=5 ibv=1m nbv=1 nr=1 ikf=1m ibvl=0 {})"


@pytest.mark.parametrize("dialect", ["auto", "ngspice"])
def test_parameters_that_ngspice_has_not_are_ignored_with_a_warning(dialect):
    text = "\n".join(("t", "d1 a b dm", "r1 b 0 1k", "v1 a 0 1", ".temp 77", ZENER))
    plain = parse_netlist(text.format(""), dialect=dialect)
    more = parse_netlist(text.format("tbv1=1m tbv2=1u tikf=2m ibvl=3u"), dialect=dialect)
    assert [d.code for d in more.diagnostics].count("W110") == 5  # one is the ibvl=0 of both
    assert more.junctions.breakdown[0] == plain.junctions.breakdown[0]
    assert more.junctions.knee[0] == plain.junctions.knee[0]


@pytest.mark.parametrize("dialect", ["ltspice", "pspice"])
def test_breakdown_and_knee_move_with_temperature_as_in_ltspice_and_pspice(dialect):
    text = f"t\nd1 a b dm\n.model dm d(bv=5 tbv1=1m tbv2=1u ikf=1m tikf=2m)\n.temp {27 + 50}"
    hot = parse_netlist(text, dialect=dialect).junctions
    same = text.replace("bv=5 tbv1=1m tbv2=1u", f"bv={5 * (1 + 50e-3 + 2500e-6)}")
    want = parse_netlist(same, dialect=dialect).junctions
    assert hot.breakdown[0] == pytest.approx(want.breakdown[0], rel=1e-12)
    assert hot.knee[0] == pytest.approx(1.1e-3, rel=1e-12)
    with pytest.raises(NetlistError, match="ibvl"):
        parse_netlist(text.replace("tikf", "ibvl"), dialect=dialect)


@pytest.mark.parametrize(
    "card", ["ako:base d(rs=3 n=1.5)", "AKO: base (rs=3 n=1.5)", "ako: base D rs=3 n=1.5"]
)
def test_a_model_may_be_another_one_but_for_some_parameters(card):
    inner = f".subckt s x\nd2 x 0 dn\n.model dn {card}\n.ends\nx1 a s"
    circuit = parse("d1 a b dn", f".model dn {card}", ".model base d(is=2f rs=1 vj=.7)", inner)
    table = circuit.junctions
    assert table.saturation.tolist() == [2e-15, 2e-15]
    assert table.series.tolist() == [3.0, 3.0]
    assert table.emission.tolist() == [1.5, 1.5]
    assert errors("d1 a b dn", ".model dn ako:dn d(is=1f)") == ["E110"]
    assert errors("d1 a b dn", ".model dn ako:no d(is=1f)") == ["E110"]


def test_a_unit_apart_from_its_number_is_told():
    with pytest.raises(NetlistError, match="leave out the blank before kω"):
        parse("r1 a 0 2.2 kΩ")


def test_how_diodes_are_read_can_be_chosen():
    assert codes(parse("d1 a b dm", ".model dm d(is=1f)", ".options diodes=ideal")) == ["N101"]
    assert codes(parse("d1 a b dm", ".model dm d(is=1f)", diodes="ideal")) == ["N101"]
    real = parse("d1 a b dm", ".model dm d(is=1f)", ".options diodes=ideal", diodes="real")
    assert len(real.junctions) == 1
    assert errors("r1 a b 1", ".options diodes=some") == ["E103"]
    with pytest.raises(UsageError, match="not known"):
        parse("r1 a b 1", diodes="some")


def test_junctions_can_be_made_of_straight_pieces():
    by_option = parse("d1 a b dm", ".model dm d(is=1f)", ".options diodes=pieces:8")
    assert codes(by_option) == ["N112"]
    assert by_option.segmented_diodes.count[0] == 8
    for own in (parse("d1 a b dm", ".model dm d(is=1f pieces=8)"),
                parse("d1 a b dm", ".model dm d(is=1f)", diodes="pieces:8")):  # fmt: skip
        assert own.segmented_diodes.least[0] == 1e-6
        assert own.segmented_diodes.count[0] == 8
    assert len(parse("d1 a b dm", ".model dm d(is=1f pieces=8)", diodes="ideal").diodes) == 1


@pytest.mark.parametrize("bad", ["pieces:0", "pieces:-2", "pieces:2.5", "pieces:1001", "pieces"])
def test_a_bad_number_of_pieces_is_told_what_to_write(bad):
    with pytest.raises(NetlistError, match="such as pieces:8"):
        parse("r1 a b 1", f".options diodes={bad}")
    with pytest.raises(UsageError, match="such as pieces:8"):
        parse("r1 a b 1", diodes=bad)


@pytest.mark.parametrize(
    "bad",
    ["pieces=0", "pieces=2.5", "pieces=1001", "pieces=3 isr=1n", "pieces=3 ikf=1",
     "pieces=3 ipieces=0", "pieces=3 vfwd=.7", "is=0 pieces=3"],
)  # fmt: skip
def test_what_makes_no_pieces_is_an_error(bad):
    assert errors("d1 a b dm", f".model dm d({bad})") == ["E123"]


def test_ltspice_parameters_describe_a_diode():
    given = diode("D(Ron=1 Roff=1g Vfwd=.7 Vrev=50 Rrev=2)")
    assert given == (0.7, 1, 1e9, 50, 2)
    assert diode("d(ron=3)") == (0, 3, math.inf, math.inf, 3)
    assert diode("sidiode(Ron=1 Roff=inf Vfwd=.7)") == (0.7, 1, math.inf, math.inf, 1)


def test_an_exponential_diode_is_idealised_with_a_note():
    circuit = parse("d1 a b dm", ".model dm d(is=1e-14 n=1 rs=2 bv=100)", diodes="ideal")
    assert codes(circuit) == ["N101"]
    assert diode("d(is=1e-14 rs=2 bv=100)", diodes="ideal") == (0, 2, math.inf, 100, 2)


def test_the_forward_drop_of_models_that_give_none_can_be_chosen():
    assert diode("d(is=1f)", ".options vfwd=0.7 diodes=ideal")[0] == 0.7
    assert diode("d(ron=1m)", forward_drop=0.6)[0] == 0.6
    assert codes(parse("d1 a b dm", ".model dm d(is=1f)", forward_drop=0.6)) == ["N105"]
    assert diode("d(vfwd=.3)", forward_drop=0.6)[0] == 0.3


def test_area_and_m_put_diodes_in_parallel():
    d = parse("d1 a b dm 2 m=3", ".model dm d(ron=6 roff=1k)").diodes
    assert (d.r_on[0], d.r_off[0]) == (1, 1000 / 6)


def test_a_sidiode_has_the_defaults_of_ngspice():
    assert diode("sidiode") == (0, 1, 1, math.inf, 1)
    assert diode("sidiode(roff=1k)") == (0, 1, 1000, math.inf, 1)
    assert errors("a1 x 0 dm", ".model dm sidiode(ron=10)") == ["E123"]


def test_an_ngspice_sidiode_device_is_a_diode():
    assert parse("a1 x 0 dm", ".model dm sidiode(ron=0)").diodes.names == ("a1",)


@pytest.mark.parametrize(
    "bad", ["ron=-1", "roff=0", "ron=2 roff=1", "vrev=-1", "vfwd=inf", "epsilon=1m", "ilimit=1"]
)
def test_an_impossible_diode_is_an_error(bad):
    assert errors("d1 a b dm", f".model dm d({bad})") == ["E123"]


# ---- switches ----


def test_a_voltage_switch_has_its_control_and_model():
    s = parse("r1 c d 1", "s1 a b c d sm on", ".model sm sw(vt=1 vh=.5)").switches
    assert (s.threshold[0], s.hysteresis[0], s.r_on[0], s.r_off[0]) == (1, 0.5, 1, 1e12)
    assert s.closed[0]
    assert s.ce[0] == -1


def test_a_current_switch_is_controlled_by_a_source():
    circuit = parse("v1 a 0 1", "w1 a b v1 wm", ".model wm csw(it=1m ih=0 ron=0 roff=inf)")
    s = circuit.switches
    assert circuit.element_names[s.ce[0]] == "v1"
    assert (s.threshold[0], s.r_on[0], s.r_off[0]) == (1e-3, 0, math.inf)


def test_pspice_switch_models_give_on_and_off_levels():
    s = parse("s1 a b c 0 sm", ".model sm vswitch(ron=0 von=3 voff=1)").switches
    assert (s.threshold[0], s.hysteresis[0], s.r_off[0]) == (2, -1, 1e6)


def test_a_negative_hysteresis_is_that_of_a_smooth_switch():
    assert parse("s1 a b c 0 sm", ".model sm sw(ron=0 vt=1 vh=-.5)").switches.hysteresis[0] == -0.5


# ---- controlled sources ----


def terms(card, *more):
    circuit = parse(card, "v1 a 0 1", "v2 b 0 1", *more)
    c = circuit.controlled_sources
    named = {}
    for of_current, index, gain in zip(c.of_current, c.index, c.gain, strict=True):
        name = circuit.element_names[index] if of_current else f"v({circuit.nodes[index]})"
        if gain and name != "v(0)":
            named[name] = named.get(name, 0) + gain
    return bool(c.is_voltage[0]), float(c.constant[0]), named


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("e1 o 0 a b 2", (True, 0, {"v(a)": 2, "v(b)": -2})),
        ("e1 o 0 (a,b) 2", (True, 0, {"v(a)": 2, "v(b)": -2})),
        ("g1 o 0 a 0 2m", (False, 0, {"v(a)": 2e-3})),
        ("f1 o 0 v1 3", (False, 0, {"v1": 3})),
        ("h1 o 0 v1 {3*2}", (True, 0, {"v1": 6})),
        ("e1 o 0 poly(2) (a,0) (b,0) 1 2 3", (True, 1, {"v(a)": 2, "v(b)": 3})),
        ("e1 o 0 poly(1) a 0 0 5", (True, 0, {"v(a)": 5})),
        ("e1 o 0 poly(1) a 0 1 5 0 0", (True, 1, {"v(a)": 5})),
        ("f1 o 0 poly(2) v1 v2 0 2 3", (False, 0, {"v1": 2, "v2": 3})),
        ("e1 o 0 value={2*v(a,b)+1}", (True, 1, {"v(a)": 2, "v(b)": -2})),
        ("e1 o 0 VALUE {2*v(a)}", (True, 0, {"v(a)": 2})),
        ("e1 o 0 vol='v(a)/4'", (True, 0, {"v(a)": 0.25})),
        ("g1 o 0 cur='i(v1)-v(b)'", (False, 0, {"v1": 1, "v(b)": -1})),
        ("b1 o 0 v=v(a)*(1+2)-i(v1)", (True, 0, {"v(a)": 3, "v1": -1})),
        ("b1 o 0 i={v(a)*k}", (False, 0, {"v(a)": 4})),
        ("b1 o 0 v=k > 3 ? v(a) : v(b)", (True, 0, {"v(a)": 1})),
        ("b1 o 0 v=twice(v(a))", (True, 0, {"v(a)": 2})),
        ("b1 o 0 v=(v(a)-v(a))*v(b)+1", (True, 1, {})),
    ],
)
def test_a_controlled_source_is_affine_in_voltages_and_currents(card, expected):
    assert terms(card, ".param k=4", ".func twice(x) {2*x}") == expected


@pytest.mark.parametrize("form", ["freq {v(a)} = (0,0,0)"])
def test_other_nonlinear_forms_are_refused(form):
    assert errors("v1 a 0 1", f"e1 b 0 {form}") == ["E120"]


@pytest.mark.parametrize(
    "form",
    [
        "table {v(a,b)} = (0,0) (1,2)",
        "table {v(a,b)}=(0,0),(1,2)",
        "table = {v(a,b)} = (0,0) (1,{k})",
        "table 'v(a,b)' 0 0 1 k",
        "a b table=(0,0,1,2)",
        "value={table(v(a)-v(b),0,0,1,k)}",
    ],
)
@pytest.mark.parametrize("letter", ["e", "g"])
def test_a_table_is_written_in_many_ways(letter, form):
    c = parse("v1 a 0 1", ".param k=2", f"{letter}1 o 0 {form}").behavioural_sources
    (call,) = c.formulas[0].calls
    assert call.name == "table"
    assert dict(call.arguments[0].voltages) == {1: 1.0, 3: -1.0}
    assert [some.constant for some in call.arguments[1:]] == [0, 0, 1, 2]
    assert c.is_voltage.tolist() == [letter == "e"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("table {v(a)} = (0,0) (1)", "E104"),
        ("table {v(a)}", "E104"),
        ("table v(a) (0,0) (1,2)", "E103"),
        ("table {v(a)} = (0,0) (1,x)", "E107"),
        ("table {v(a) = (0,0)", "E103"),
        ("table {q*v(a)} = (0,0) (1,1)", "E107"),
    ],
)
def test_a_bad_table_is_refused(form, code):
    assert errors("v1 a 0 1", f"e1 o 0 {form}") == [code]


@pytest.mark.parametrize("control", ["l1", "e1", "h1", "b1"])
def test_the_current_of_whatever_fixes_a_voltage_can_control(control):
    cards = ["v1 a 0 1", "l1 a b 1m", "e1 c 0 a 0 1", "h1 d 0 v1 1", "b1 e 0 v=1"]
    circuit = parse(*cards, f"f1 o 0 {control} 1")
    c = circuit.controlled_sources
    assert circuit.element_names[c.index[-1]] == control


def test_currents_of_other_elements_can_not_control():
    assert errors("r1 a 0 1", "f1 o 0 r1 1") == ["E114"]
    assert errors("f1 o 0 v9 1") == ["E114"]


# ---- others ----


def test_storage_elements_keep_their_values():
    circuit = parse("c1 a 0 1u ic=3", "l1 a b 1m")
    assert circuit.capacitors.farads[0] == 1e-6
    assert circuit.inductors.henries[0] == 1e-3


@pytest.mark.parametrize("card", ["q1 c b e qm", "m1 d g s b mm", "j1 d g s jm", "o1 a 0 b 0 lm"])
def test_a_device_that_is_not_supported_is_named(card):
    with pytest.raises(NetlistError, match=card.split()[0]):
        parse(card)


def test_a_name_that_is_prefixed_by_its_kind_is_that_of_a_flattened_element():
    assert parse("r.x1.r1 a 0 1").element_names == ("x1.r1",)


def test_elements_know_their_lines():
    circuit = parse("r1 a 0 1", "", "v1 a", "+ 0 5")
    assert [circuit.line(k) for k in range(2)] == [2, 4]
    assert circuit.span(0).text == "r1 a 0 1"


@pytest.mark.parametrize("letter", "efgh")
def test_a_gain_may_have_its_name(letter):
    control = "a 0" if letter in "eg" else "v1"
    deck = "t\n.param x=2\nv1 a 0 5\nr1 a 0 1\nrc c 0 2\n{letter}1 c 0 {control} {gain}\n"
    named, plain = (
        rs.solve(parse_netlist(deck.format(letter=letter, control=control, gain=gain)))["c"]
        for gain in ("gain={x+1}", "3")
    )
    assert named == plain != 0
