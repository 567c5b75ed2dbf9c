"""Writing circuits: what is written reads back the same, and runs in ngspice."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resnet_sim.errors import UsageError
from resnet_sim.model.builder import CircuitBuilder
from resnet_sim.model.devices import ControlledSources
from resnet_sim.model.numbers import LARGEST, in_range
from resnet_sim.model.requests import Analysis, Sweep
from resnet_sim.netlist import (
    exported_names,
    format_netlist,
    parse_netlist,
    read_netlist,
    write_netlist,
)

needs_ngspice = pytest.mark.skipif(not shutil.which("ngspice"), reason="ngspice is not installed")

# adding zero removes the sign of a negative zero, which sums do not keep
numbers = st.floats(-LARGEST, LARGEST).filter(in_range).map(lambda x: x + 0.0)
positive = st.floats(0, LARGEST).filter(in_range)
nodes = st.sampled_from(["0", "a", "b", "x1.m", "n+", "net/3", "a$b", "gnd"])
kinds = st.sampled_from("rrrvicldsxeghfb")
names = st.from_regex(r"[a-z][a-z0-9_.]{0,5}", fullmatch=True)


@st.composite
def circuits(draw):
    builder = CircuitBuilder(draw(st.sampled_from(["", "a title", "* odd", "r1 a b 1"])))
    controls = []
    for name in draw(st.lists(names, unique=True, max_size=8)):
        add_element(draw, builder, name, controls)
    if not controls:
        return builder.build()
    sweep = Sweep(controls[0], tuple(draw(st.lists(numbers, min_size=1, max_size=4))))
    return builder.build(analyses=(Analysis(), Analysis((sweep,))))


def add_element(draw, builder, name, controls):
    p, q, kind = draw(nodes), draw(nodes), draw(kinds)
    if kind == "r":
        builder.resistor(name, p, q, draw(st.one_of(numbers, st.just(np.inf))))
    elif kind == "v":
        same = builder.node(p) == builder.node(q)
        builder.voltage_source(name, p, q, 0.0 if same else draw(numbers))
        controls.append(name)
    elif kind == "i":
        builder.current_source(name, p, q, draw(numbers))
    elif kind == "c":
        builder.capacitor(name, p, q, draw(numbers))
    elif kind == "l":
        builder.inductor(name, p, q, draw(numbers))
    elif kind == "d":
        builder.diode(name, p, q, v_forward=draw(numbers), r_on=draw(positive))
    elif kind in "sx":
        control = None if kind == "x" else (draw(nodes), draw(nodes))
        if kind == "s" and controls and draw(st.booleans()):
            control = draw(st.sampled_from(controls))
        limits = {"threshold": draw(numbers), "hysteresis": draw(positive)}
        builder.switch(name, p, q, control=control, closed=draw(st.booleans()), **limits)
    elif kind == "e":
        builder.vcvs(name, p, q, draw(nodes), draw(nodes), draw(numbers))
    elif kind == "g":
        builder.vccs(name, p, q, draw(nodes), draw(nodes), draw(numbers))
    else:
        voltages = draw(st.dictionaries(nodes.filter(lambda n: n != "gnd"), numbers, max_size=3))
        currents = {c: draw(numbers) for c in controls[:2]} if kind in "fh" else {}
        builder.controlled_source(
            name,
            p,
            q,
            is_voltage=kind in "hb",
            voltages=tuple(voltages.items()),
            currents=tuple(currents.items()),
            constant=draw(numbers),
        )


def comparable(circuit):
    """Return everything electrical about a circuit as plain data."""
    tables = []
    for table in circuit.tables.values():
        columns = {f.name: getattr(table, f.name) for f in dataclasses.fields(table)}
        for place in ("file", "line"):  # crossbars have none
            columns.pop(place, None)
        tables.append({k: v.tolist() if hasattr(v, "tolist") else v for k, v in columns.items()})
    return circuit.nodes, tables, circuit.analyses


def same(one, two):
    return repr(comparable(one)) == repr(comparable(two))


def assert_read_back(circuit):
    text = format_netlist(circuit)
    if not circuit.n_elements:
        return
    again = parse_netlist(text)
    assert same(circuit, again)
    assert again.title == circuit.title.removeprefix("* ") or again.title == circuit.title
    assert format_netlist(again) == text


@given(circuits())
@settings(max_examples=120, deadline=None)
def test_a_written_circuit_reads_back_equal(circuit):
    assert_read_back(circuit)


@pytest.mark.long
@given(circuits())
@settings(max_examples=1000, deadline=None)
def test_many_written_circuits_read_back_equal(circuit):
    assert_read_back(circuit)


def test_a_deck_with_everything_reads_back_equal():
    text = """everything
v1 in 0 5
x1 in out cell r=2k
.subckt cell a b r=1k
r1 a m {r}
d1 m b dm
.model dm d(ron=1 roff=1g vfwd=.7 vrev=50 rrev=2)
.ends
s1 out 0 in 0 sm on
.model sm sw(ron=0 roff=inf vt=1 vh=.5)
w1 out 0 v1 wm
.model wm csw(it=1m)
e1 e 0 in out 2
f1 0 e v1 3
b1 e 0 i=2*v(in)-i(v1)+1
l1 e 0 1m
c1 e 0 1u
.dc v1 0 5 1 x1.r1 list 1 5 2
.save v(out) i(x1.r1)
.nodeset v(out)=1
"""
    circuit = parse_netlist(text)
    again = parse_netlist(format_netlist(circuit))
    assert same(circuit, again)
    assert again.nodeset == circuit.nodeset
    assert again.outputs == circuit.outputs


def test_terms_on_the_same_node_are_written_all_the_same():
    circuit = parse_netlist("t\nv1 a 0 1\ne1 b 0 a 0 1\nr1 b 0 1\n")
    c = circuit.controlled_sources
    doubled = ControlledSources(
        c.names, c.p, c.q, c.file, c.line, c.is_voltage, c.constant,
        np.array([0, 2]), np.array([False, False]), np.array([1, 1]), np.array([1.0, 2.0]),
    )  # fmt: skip
    again = parse_netlist(format_netlist(circuit.with_tables(controlled_sources=doubled)))
    assert again.controlled_sources.gain.tolist() == [3.0]


@pytest.mark.parametrize("name", ["a b", "a=b", "a{b}", "a;b", "a//b", "a'b", "a(b)"])
def test_a_name_that_can_not_be_written_is_refused(name):
    builder = CircuitBuilder()
    builder.resistor(name, "a", "0", 1.0)
    with pytest.raises(UsageError, match="can't be written"):
        format_netlist(builder.build())


def test_an_unknown_dialect_is_refused():
    with pytest.raises(UsageError, match="dialect"):
        format_netlist(CircuitBuilder().build(), "hspice")


def test_a_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path):
    circuit = parse_netlist("t\nr1 a 0 1\n")
    path = tmp_path / "out.net"
    path.write_text("old")
    path.chmod(0o600)
    write_netlist(circuit, path)
    assert same(circuit, read_netlist(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    builder = CircuitBuilder()
    builder.resistor("a b", "a", "0", 1.0)
    path = tmp_path / "out.net"
    path.write_text("old")
    with pytest.raises(UsageError):
        write_netlist(builder.build(), path)
    assert path.read_text() == "old"


# ---- other simulators ----


def test_ltspice_gets_diode_models_of_its_own_kind():
    circuit = parse_netlist("t\nv1 a 0 1\nd1 a b dm\nr1 b 0 1\n.model dm d(vfwd=.3)\n")
    text = format_netlist(circuit, "ltspice", r_on=1e-6, r_off=1e12)
    assert "D(Ron=1e-06 Roff=1000000000000.0 Vfwd=0.3)" in text
    assert same(circuit, parse_netlist(format_netlist(circuit)))


def test_names_in_the_export_are_known():
    circuit = parse_netlist(
        "t\nv1 a 0 1\nx1 a s\n.subckt s a\nr1 a m 0\nr2 m 0 1\nr3 m 0 inf\nd1 m 0 dm\n.ends\n"
        ".model dm d(vfwd=1)\n"
    )
    assert exported_names(circuit) == {
        "v1": "v1",
        "x1.r1": "v.x1.r1",
        "x1.r2": "r.x1.r2",
        "x1.d1": "a.x1.d1",
    }


def ngspice(circuit, tmp_path):
    """Run the exported deck; return vector name -> value of the operating point."""
    deck, raw = tmp_path / "deck.cir", tmp_path / "out.raw"
    deck.write_text(format_netlist(circuit, "ngspice"))
    command = ["ngspice", "-n", "-b", "-D", "filetype=ascii", "-r", str(raw), str(deck)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "singular matrix" not in run.stdout + run.stderr
    header, _, values = raw.read_text().partition("Values:\n")
    variables = [line.split()[1] for line in header.partition("Variables:\n")[2].splitlines()]
    return dict(zip(variables, map(float, values.split()[1:]), strict=True))


NGSPICE = {
    "divider": ("v1 a 0 6\nr1 a b 1k\nr2 b 0 2k\n", {"v(b)": 4, "i(v1)": -2e-3}),
    "conducting diode": ("v1 a 0 5\nr1 a b 1k\nd1 b 0 dm\n.model dm d(vfwd=.7)\n", {"v(b)": 0.7}),
    "blocking diode": ("v1 a 0 -5\nr1 a b 1k\nd1 b 0\n", {"v(b)": -5}),
    "real diode": (
        "v1 a 0 5\nr1 a b 1k\nd1 b 0 dm\n.model dm d(ron=1k vfwd=1 roff=1g)\n",
        {"v(b)": 3},
    ),
    "breakdown": (
        "v1 a 0 -5\nr1 a b 1k\nd1 b 0 dm\n.model dm d(vrev=2)\n",
        {"v(b)": -2},
    ),
    "shorts and coils": (
        "v1 a 0 2\nr0 a b 0\nl1 b c 1m\nr1 c 0 1\nc1 c 0 1u\n",
        {"v(c)": 2, "i(v.r0)": 2, "i(v.l1)": 2},
    ),
    "switches": (
        "v1 a 0 1\ns1 a b a 0 on\ns2 b c a 0 off\nrb b 0 1k\nrc c 0 1k\n"
        ".model on sw(vt=.5 ron=0 roff=inf)\n.model off sw(vt=2 ron=0 roff=inf)\n",
        {"v(b)": 1, "v(c)": 0},
    ),
    "current switch": (
        "v1 a 0 1\nvs a b 0\nr1 b 0 1\nw1 a c vs wm\nrc c 0 1k\n.model wm csw(it=.5 ron=0)\n",
        {"v(c)": 1},
    ),
    "fixed switches": (
        "v1 a 0 1\ns1 a b 0 0 sm on fixed\ns2 b c 0 0 sm off fixed\nrb b 0 1\nrc c 0 1\n"
        ".model sm sw(ron=0 roff=inf)\n",
        {"v(b)": 1, "v(c)": 0, "i(v.s1)": 1},
    ),
    "controlled sources": (
        "v1 a 0 1\nr1 a 0 1\ne1 b 0 a 0 2\nrb b 0 1\ng1 0 c b 0 3\nrc c 0 1\nf1 0 d v1 4\n"
        "rd d 0 1\nh1 e 0 v1 5\nre e 0 1\nb1 f 0 v=v(a)+2*v(b)-i(v1)+1\nrf f 0 1\n",
        {"v(b)": 2, "v(c)": 6, "v(d)": -4, "v(e)": -5, "v(f)": 7},
    ),
    "control by a controlled source": (
        "v1 a 0 1\ne1 b 0 a 0 2\nrb b 0 1\nf1 0 c e1 1\nrc c 0 1\nl1 b d 1m\nrd d 0 1\n"
        "h1 e 0 l1 3\nre e 0 1\n",
        {"v(c)": -4, "v(e)": 6},
    ),
    "subcircuit": (
        "v1 a 0 4\nx1 a 0 s\n.subckt s p q\nr1 p m 1\nvm m n 0\nr2 n q 1\nf1 0 z vm 1\n"
        "rz z 0 1\n.ends\n",
        {"v(x1.m)": 2, "i(v.x1.vm)": 2, "v(x1.z)": 2},
    ),
}


@needs_ngspice
@pytest.mark.parametrize(("cards", "expected"), NGSPICE.values(), ids=NGSPICE.keys())
def test_an_exported_deck_gives_the_known_answer_in_ngspice(cards, expected, tmp_path):
    found = ngspice(parse_netlist("t\n" + cards), tmp_path)
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=2e-5, abs=1e-5)


def test_a_sweep_of_a_source_whose_name_has_a_dot_reads_back():
    text = "t\nv0.0 a 0 1\nr1 a 0 1\n.dc v0.0 0 1 1\n"
    circuit = parse_netlist(text)
    assert [s.name for a in circuit.analyses for s in a.sweeps] == ["v0.0"]
    assert parse_netlist(format_netlist(circuit)).analyses == circuit.analyses
