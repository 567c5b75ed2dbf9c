"""Titles, parameters, subcircuits, conditions, files, analyses."""

import pytest

from resnet_sim.errors import NetlistError, UsageError
from resnet_sim.model.requests import Analysis, Sweep
from resnet_sim.netlist import parse_netlist, read_netlist


def parse(*cards, **options):
    return parse_netlist("\n".join(["a title", *cards, ".end"]), **options)


def value(circuit, name="r1"):
    table, row = circuit.locate(circuit.element(name))
    return float({"resistors": circuit.resistors}[table].ohms[row])


def codes(circuit):
    return [d.code for d in circuit.diagnostics]


def errors(*cards, **options):
    with pytest.raises(NetlistError) as caught:
        parse(*cards, **options)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


def test_the_first_line_is_the_title_and_title_overrides_it():
    assert parse_netlist("My Title\nr1 a 0 1\n").title == "My Title"
    assert parse_netlist("* My Title\nr1 a 0 1\n").title == "My Title"
    assert parse_netlist("\nr1 a 0 1\n").title == ""
    assert parse(".title Another One", "r1 a 0 1").title == "Another One"


# ---- parameters ----


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("2**3**2", 64),
        ("2^3", 8),
        ("-2^2", -4),
        ("2*-3", -6),
        ("7/2", 3.5),
        ("7%4", 3),
        ("1k+1", 1001),
        ("1 > 2 ? 3 : 4", 4),
        ("1 ? (2 ? 3 : 4) : 5", 3),
        ("0 ? 1/0 : 5", 5),
        ("1 && 0 || 1", 1),
        ("!0 + 1", 2),
        ("1 == 1", 1),
        ("sqrt(16)+abs(-1)", 5),
        ("min(1,2,3)+max(1,2,3)", 4),
        ("log(exp(2))", 2),
        ("ln(exp(2))", 2),
        ("atan2(0,1)", 0),
        ("limit(5,0,3)", 3),
        ("if(1,2,3)", 2),
        ("sgn(-3)+u(2)+uramp(-1)", 0),
        ("int(2.7)+floor(-2.5)+ceil(.5)", 0),
        ("cos(pi)", -1),
        ("{1+{2}}", 3),
        ("pwr(-2,3)", 8),
        ("f(2)", 5),
        ("g(1,2)", 4),
        ("temper", 27),
    ],
)
def test_expressions_have_their_values(expression, result):
    cards = [
        ".func f(x) {2*x+1}",
        ".param g(x,y)='x+y+one' one=1",
        f"r1 a 0 {{({expression})+100}}",
    ]
    assert value(parse(*cards)) == pytest.approx(result + 100)


@pytest.mark.parametrize(
    "card",
    [".param b={2*a} a=3", ".param b='2*a' a=3", ".param b=2*a a=3", ".param b = 2*a, a = 3"],
)
def test_parameters_are_defined_in_any_order_and_form(card):
    assert value(parse(card, "r1 x 0 {b}")) == 6


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("nope", "E107"),
        ("nope(1)", "E127"),
        ("sqrt(1,2)", "E127"),
        ("1/0", "E121"),
        ("sqrt(-1)", "E121"),
        ("exp(1e6)", "E121"),
        ("1+", "E128"),
        ("(1", "E128"),
        ("", "E128"),
    ],
)
def test_a_wrong_expression_is_explained(expression, code):
    assert errors(f"r1 a 0 {{{expression}}}") == [code]


def test_parameters_that_depend_on_themselves_are_an_error_that_names_them():
    with pytest.raises(NetlistError, match="a -> b -> a"):
        parse(".param a={b} b={a}", "r1 x 0 {a}")


def test_overrides_replace_parameters_and_unknown_ones_are_refused():
    cards = (".param rr=1k k={rr*2}", "r1 a 0 {k}")
    assert value(parse(*cards, overrides={"RR": 5.0})) == 10
    with pytest.raises(UsageError, match="did you mean 'rr'"):
        parse(*cards, overrides={"rrr": 5.0})


def test_rebuild_elaborates_the_deck_anew():
    circuit = parse(".param rr=1k", "r1 a 0 {rr} tc1=1m", ".options temp=27")
    assert value(circuit.rebuild({"rr": 2e3})) == 2000
    assert value(circuit.rebuild({"temp": 127})) == pytest.approx(1100)
    assert value(circuit.rebuild({"rr": 2e3}).rebuild({"temp": 127})) == pytest.approx(2200)
    with pytest.raises(UsageError, match="no parameter 'nope'"):
        circuit.rebuild({"nope": 1})


# ---- subcircuits ----


def test_subcircuits_nest_and_pass_parameters():
    circuit = parse(
        "x1 a 0 outer r=2k",
        "x2 a 0 outer",
        ".subckt outer p q params: r=1k",
        "r1 p m {r}",
        "x1 m q inner k={r/2}",
        ".subckt inner p q k=1",
        "r1 p q {k}",
        ".ends",
        ".ends outer",
    )
    assert circuit.nodes == ("0", "a", "x1.m", "x2.m")
    assert {n: value(circuit, n) for n in circuit.element_names} == {
        "x1.r1": 2000,
        "x1.x1.r1": 1000,
        "x2.r1": 1000,
        "x2.x1.r1": 500,
    }


def test_an_instance_overrides_the_body_and_the_body_its_default():
    cell = (".subckt u a r=3k", ".param r=5k", "r1 a 0 {r}", ".ends")
    assert value(parse("x1 a u r=4k", *cell), "x1.r1") == 4000
    assert value(parse("x1 a u", *cell), "x1.r1") == 5000


def test_a_subcircuit_sees_the_parameters_of_the_one_that_contains_it():
    cards = (
        "x1 a s r=2k",
        ".subckt s a r=1k",
        "x2 a u",
        ".ends",
        ".subckt u a",
        "r1 a 0 {r}",
        ".ends",
    )
    assert value(parse(*cards), "x1.x2.r1") == 2000


def test_models_and_subcircuits_are_looked_up_where_the_text_stands():
    circuit = parse(
        ".model dm d(vfwd=1)",
        ".subckt s a b",
        ".model dm d(vfwd=2)",
        "d1 a b dm",
        "x1 a b other",
        ".ends",
        ".subckt other a b",
        "d1 a b dm",
        ".ends",
        "x1 p 0 s",
    )
    assert dict(zip(circuit.diodes.names, circuit.diodes.v_forward, strict=True)) == {
        "x1.d1": 2,
        "x1.x1.d1": 1,
    }


def test_global_nodes_and_ground_have_one_name_everywhere():
    circuit = parse(".global vdd", "x1 a s", ".subckt s a", "r1 a vdd 1", "r2 a gnd 1", ".ends")
    assert circuit.nodes == ("0", "a", "vdd")


def test_controls_and_probes_inside_a_subcircuit_are_its_own():
    circuit = parse(
        "x1 a s",
        ".subckt s p",
        "v1 p m 1",
        "r1 m 0 1",
        "f1 p 0 v1 2",
        "b1 q 0 v=v(m)+i(v1)",
        ".ends",
    )
    c = circuit.controlled_sources
    assert circuit.element_names[c.index[0]] == "x1.v1"
    assert circuit.nodes[c.index[1]] == "x1.m"


def test_the_wrong_number_of_ports_is_an_error():
    assert errors("x1 a s", ".subckt s a b", "r1 a b 1", ".ends") == ["E112"]


def test_a_subcircuit_that_contains_itself_is_an_error_that_names_it():
    with pytest.raises(NetlistError, match="s -> t -> s"):
        parse("x1 a s", ".subckt s a", "x1 a t", ".ends", ".subckt t a", "x1 a s", ".ends")


def test_expansion_is_counted_before_it_is_done():
    cards = ("x1 a s", "x2 a s", ".subckt s a", "r1 a 0 1", "r2 a 0 1", ".ends")
    assert parse(*cards, max_elements=4).n_elements == 4
    assert errors(*cards, max_elements=3) == ["E125"]


# ---- conditions ----


@pytest.mark.parametrize(("x", "ohms"), [(1, 10), (2, 20), (3, 30)])
def test_the_first_branch_that_holds_is_taken(x, ohms):
    circuit = parse(
        f".param x={x}",
        ".if (x == 1)",
        "r1 a 0 10",
        ".elseif (x == 2)",
        "r1 a 0 {y}",
        ".param y=20",
        ".else",
        "r1 a 0 30",
        ".endif",
    )
    assert value(circuit) == ohms


def test_conditions_are_decided_for_each_instance():
    cell = ".subckt s a k=0\n.if (k)\nr1 a 0 1\n.else\nr1 a 0 2\n.endif\n.ends"
    circuit = parse("x1 a s", "x2 a s k=1", cell)
    assert (value(circuit, "x1.r1"), value(circuit, "x2.r1")) == (2, 1)


@pytest.mark.parametrize("card", [".if (1)", ".endif", ".else", ".subckt s a", ".ends", ".endc"])
def test_what_lacks_its_other_half_is_an_error(card):
    assert errors("r1 a 0 1", card) == ["E119"]


# ---- files ----


def test_included_files_and_library_sections_are_found_beside_the_file(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.inc").write_text(".include B.inc\nr1 a 0 {rr}\n")
    (tmp_path / "parts" / "B.inc").write_text(".param rr=5\n")
    (tmp_path / "c.lib").write_text(".lib tt\nr2 a 0 1\n.endl\n.lib ff\nr2 a 0 2\n.endl\n")
    deck = tmp_path / "deck.net"
    deck.write_text('t\n.include "parts/a.inc"\n.lib c.lib ff\n')
    circuit = read_netlist(deck)
    assert (value(circuit), value(circuit, "r2")) == (5, 2)
    assert circuit.span(0).file.endswith("a.inc")
    assert circuit.sources[0].name == str(deck)


def test_a_library_section_that_is_missing_is_an_error(tmp_path):
    (tmp_path / "c.lib").write_text(".lib tt\nr2 a 0 1\n.endl\n")
    assert errors(".lib c.lib ss", "r1 a 0 1", directory=tmp_path) == ["E124"]


def test_unreadable_files_are_netlist_errors(tmp_path):
    for path in (tmp_path, tmp_path / "nope.net"):
        with pytest.raises(NetlistError, match="can't read"):
            read_netlist(path)
    assert errors(".include nope.inc", "r1 a 0 1", directory=tmp_path) == ["E101"]


def test_a_file_that_is_not_utf8_is_read_with_a_warning(tmp_path):
    path = tmp_path / "latin.net"
    path.write_bytes(b"t\nr1 a 0 10\xb5\n")
    circuit = read_netlist(path)
    assert value(circuit) == 1e-5
    assert codes(circuit) == ["W118"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "dos.net"
    path.write_bytes(b"\xef\xbb\xbftitle\r\nr1 a 0 1k\r\n+ tc1=0\r\n.end\r\n")
    circuit = read_netlist(path)
    assert (circuit.title, value(circuit)) == ("title", 1000)


def test_lines_may_end_as_on_the_old_macintosh(tmp_path):
    path = tmp_path / "mac.net"
    path.write_bytes(b"title\rr1 a 0 1k\r+ tc1=0\r.include part.inc\r.end\r")
    (tmp_path / "part.inc").write_bytes(b"r2 a 0 2k\rr3 a 0 3k\r")
    circuit = read_netlist(path)
    assert (circuit.title, value(circuit)) == ("title", 1000)
    assert circuit.element_names == ("r1", "r2", "r3")
    assert circuit.span(2).line == 2


# ---- analyses ----


def analyses(*cards):
    return parse("v1 a 0 1", "v2 b 0 1", "r1 a b 1", ".param k=1", "r2 a b {k}", *cards).analyses


def test_no_analysis_card_means_no_analyses():
    assert analyses() == ()
    assert analyses(".op") == (Analysis(),)


def test_the_first_variable_of_dc_is_the_innermost():
    (analysis,) = analyses(".dc v1 0 1 .5 r1 1 2 1")
    assert analysis.sweeps == (Sweep("v1", (0, 0.5, 1)), Sweep("r1", (1, 2)))
    assert analysis.name == "dc"


def test_a_step_that_is_no_binary_fraction_reaches_the_end():
    (analysis,) = analyses(".dc v1 0 1 0.1")
    assert len(analysis.sweeps[0].values) == 11


def test_a_step_that_does_not_divide_the_range_stops_short():
    assert analyses(".dc v1 0 1 .4")[0].sweeps[0].values == (0, 0.4, 0.8)
    assert analyses(".dc v1 1 0 -.4")[0].sweeps[0].values == pytest.approx((1, 0.6, 0.2))


@pytest.mark.parametrize(
    ("card", "sweep"),
    [
        (".step param k 1 3 1", Sweep("k", (1, 2, 3), "parameter")),
        (".step param k list 1 5 2", Sweep("k", (1, 5, 2), "parameter")),
        (".step v1 0 1 1", Sweep("v1", (0, 1))),
        (".step temp 0 50 25", Sweep("temp", (0, 25, 50), "temperature")),
        (".dc temp 0 50 25", Sweep("temp", (0, 25, 50), "temperature")),
        (".dc k 1 2 1", Sweep("k", (1, 2), "parameter")),
        (".temp 0 50", Sweep("temp", (0, 50), "temperature")),
    ],
)
def test_parameters_temperature_and_sources_are_swept(card, sweep):
    assert analyses(card) == (Analysis((sweep,)),)


def test_logarithmic_steps_have_points_per_decade_or_octave():
    assert analyses(".step dec param k 1 100 1")[0].sweeps[0].values == pytest.approx((1, 10, 100))
    assert analyses(".step oct param k 1 4 1")[0].sweeps[0].values == pytest.approx((1, 2, 4))


def test_steps_wrap_all_other_analyses():
    found = analyses(".op", ".dc v1 0 1 1", ".step param k list 1 2")
    step = Sweep("k", (1, 2), "parameter")
    assert found == (Analysis((step,)), Analysis((Sweep("v1", (0, 1)), step)))


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (".dc v1 0 1 0", "E118"),
        (".dc v1 0 1 -1", "E118"),
        (".dc v1 0 1", "E104"),
        (".dc", "E104"),
        (".dc v9 0 1 1", "E131"),
        (".step nope 0 1 1", "E131"),
        (".dc v1 0 1 1e-9", "E118"),
    ],
)
def test_a_wrong_sweep_is_an_error(card, code):
    assert errors("v1 a 0 1", "r1 a 0 1", card) == [code]


def test_outputs_and_nodesets_are_kept():
    circuit = parse(
        "v1 a 0 1", "r1 a b 1", "r2 b 0 1",
        ".print dc v(a) V(a,b) i(v1) @r1[i]", ".save all b", ".nodeset v(b)=.5 v(a)={2*3}",
    )  # fmt: skip
    assert circuit.outputs == ("v(a)", "v(a,b)", "i(v1)", "i(r1)", "v(b)")
    assert circuit.nodeset == {"b": 0.5, "a": 6}


def test_unknown_outputs_are_ignored_with_a_warning():
    circuit = parse("v1 a 0 1", ".print v(zz) i(r9) v(a)")
    assert circuit.outputs == ("v(a)",)
    assert codes(circuit) == ["W114", "W114"]


def test_outputs_may_be_voltages_of_elements_and_pins():
    cards = ("v1 a 0 1", "r1 a b 1k", "r2 b 0 1k", "q1 b a 0 qm", ".model qm npn")
    circuit = parse(*cards, ".print dc V(R1) V([b]) V(R1:1) v(R1:2) V(v1) v(q1) v(r1:3)")
    assert circuit.outputs == ("v(a,b)", "v(b)", "v(a)", "v(a,0)")
    assert codes(circuit) == ["W114", "W114"]
    # a node of that name comes first
    assert parse("v1 r1 0 1", "r1 r1 0 1k", ".print v(r1)").outputs == ("v(r1)",)
