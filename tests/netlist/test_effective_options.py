"""Options and cards that change a result are done, or refused; nothing of the kind is read over."""

import pytest
from ngspice_tools import requires_ngspice

import resnet_sim as rs
from resnet_sim.errors import NetlistError
from resnet_sim.ngspice.process import simulate


def told(deck):
    """Return what ngspice says of an operating point."""
    plot = simulate(deck).plot
    return dict(zip(plot.names, plot.values[0], strict=True))


SIZED = """sizes in microns
.options scale=1u
V1 d 0 3
V2 g 0 .6
M1 d g 0 0 nm w=10 l=1 ad=4e3 as=4e3
M2 g d x x pm w=20 l=2 nrd=2
R1 d x rm l=10 w=2
R2 x 0 1k
.model nm nmos(level=1 vto=.2 kp=1e-4 ld=.1u js=1e-3 rsh=10)
.model pm pmos(level=1 vto=-.3 kp=4e-5)
.model rm r(rsh=10 narrow=.1u short=.2u)
.op
.end
"""


@requires_ngspice
def test_sizes_are_scaled_as_in_ngspice():
    ours, theirs = rs.run(SIZED)[0], told(SIZED)
    for name in ("d", "g", "x"):
        assert ours.voltage(name) == pytest.approx(theirs[f"v({name})"], rel=1e-7)
    for name in ("v1", "v2"):
        assert ours.current(name) == pytest.approx(theirs[f"i({name})"], rel=1e-6)


DIVIDER = "a divider\nV1 a 0 2\nR1 a b 1k\nR2 b 0 1k\n"


@pytest.mark.parametrize(
    ("option", "dialect"),
    [
        ("rseries=1m", "ltspice"),
        ("minres=1m", "xyce"),
        ("gmindc=1u", "hspice"),
        ("gdcpath=1n", "hspice"),
        ("scalm=1u", "hspice"),
        ("wl", "hspice"),
    ],
)
def test_options_that_would_change_something_are_refused(option, dialect):
    for spoken in ("auto", dialect):
        with pytest.raises(NetlistError, match="is not supported") as caught:
            rs.parse_netlist(f"{DIVIDER}.options {option}\n", dialect=spoken)
        (said,) = (d for d in caught.value.diagnostics if d.severity == "error")
        assert (said.code, said.span.line, said.span.column) == ("E115", 5, 10)
    # to others they are nothing
    assert rs.solve(f"{DIVIDER}.options {option}\n", dialect="ngspice").voltage("b") == 1


@pytest.mark.parametrize("option", ["minres=0", "gmindc=1e-12", "scalm=1", "rseries=0"])
def test_options_that_say_what_is_so_anyway_are_none(option):
    assert rs.solve(f"{DIVIDER}.options {option}\n").voltage("b") == 1


@pytest.mark.parametrize("value", ["0", "-1u", "inf"])
def test_a_scale_is_positive(value):
    with pytest.raises(NetlistError, match="scale"):
        rs.parse_netlist(f"{DIVIDER}.options scale={value}\n")


def test_xyce_holds_voltages_that_others_only_begin_with():
    text = f"{DIVIDER}.ic v(b)=3\n"
    with pytest.raises(NetlistError, match="holds the voltages"):
        rs.parse_netlist(text, dialect="xyce")
    for dialect in ("auto", "ngspice", "ltspice", "pspice", "hspice"):
        assert rs.solve(text, dialect=dialect).voltage("b") == 1


TWICE = """what counts
V1 a 0 5
R1 a b 1k
D1 b 0 dm
X1 a c cell
R2 c 0 1k
.model dm d(is=1e-14)
.subckt cell p q
R1 p q 1k
.ends
.model dm d(is=1e-9)
.subckt cell p q
R1 p q 3k
.ends
.op
.end
"""


@requires_ngspice
def test_the_first_of_two_definitions_counts_as_in_ngspice():
    ours, theirs = rs.run(TWICE)[0], told(TWICE)
    assert ours.voltage("c") == 2.5
    for name in ("b", "c"):
        # the second model has 0.3 V less; ngspice's tolerance is 1e-3
        assert ours.voltage(name) == pytest.approx(theirs[f"v({name})"], rel=1e-4)
    assert [d.code for d in ours.circuit.diagnostics] == ["W115", "W115"]


def test_the_same_definition_again_is_nothing_to_warn_of():
    text = "t\nV1 a 0 1\nD1 a 0 dm\n.model dm d(vfwd=2)\n.MODEL dm  D(vfwd=2)"
    assert not rs.parse_netlist(text).diagnostics
