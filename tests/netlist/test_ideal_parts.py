"""Built-in parts, lossless lines, transfer functions at s = 0, and HSPICE's limits of sources."""

import pytest

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.errors import NetlistError


def solve(*cards, **options):
    return rs.solve(rs.parse_netlist("\n".join(["a title", *cards, ".end"]), **options))


SUPPLIES = ("vp vcc 0 9", "vm vee 0 -9")
INVERTER = ("v1 in 0 {u}", "r1 in m 2k", "r2 m out 10k")


# ---- built-in parts ----


@pytest.mark.parametrize(
    "level", ["level.2", "level2", "level.3a", "level.4", "UniversalOpamp2", "uopamp_lvl2"]
)
@pytest.mark.parametrize(("u", "expected"), [(1, -5), (3, -8.5), (-3, 8.5)])
def test_an_amplifier_reaches_its_rails(level, u, expected):
    rail = "vrail" if level.startswith("uopamp") else "rail"
    card = f"xu1 0 m vcc vee out {level} Avol=1g GBW=10Meg {rail}=0.5"
    op = solve(f".param u={u}", *SUPPLIES, *INVERTER, card, builtin_parts=True)
    assert op["out"] == pytest.approx(expected, rel=1e-7)


def test_an_amplifier_drives_no_more_than_its_limit():
    cards = ("v1 a 0 5", "xu1 a out vcc vee out level.2 ilimit=3m rin=1e18", "r1 out 0 1k")
    op = solve(*SUPPLIES, *cards, builtin_parts=True)
    assert op["out"] == pytest.approx(3, rel=1e-12)


def test_amplifiers_without_rails_have_their_gain():
    cards = ("xu1 0 a b opamp aol=3k", "r1 b 0 1k", "xu2 a 0 0 0 c level.1 avol=2k", "r2 c 0 1")
    op = solve("v1 a 0 1m", *cards, builtin_parts=True)
    assert op["b"] == pytest.approx(3)
    assert op["c"] == pytest.approx(2)


def test_the_amplifier_of_kicad_has_its_offset_and_resistance():
    cards = ("v1 a 0 2", "xu1 a b vcc vee b kicad_builtin_opamp", "r1 b 0 90")
    # gain (2 - .01 - b) behind 10 ohm
    expected = 20e3 * 1.99 / (20e3 + 100 / 90)
    assert solve(*SUPPLIES, *cards, builtin_parts=True)["b"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "drop"), [("diode", 0.7), ("schottky", 0.3), ("led", 2), ("zener", 0.7)]
)
@pytest.mark.parametrize("dialect", ["auto", "ngspice", "ltspice"])
def test_diodes_have_their_drop(model, drop, dialect):
    cards = ("v1 a 0 8", "r1 a b 1k", f"d1 b 0 {model}", "r2 a c 1k", "d2 0 c zener")
    op = solve(*cards, builtin_parts=True, dialect=dialect)
    assert op["b"] == pytest.approx(drop, rel=1e-9)
    assert op["c"] == pytest.approx(5.1, rel=1e-9)


def test_the_deck_has_the_first_word():
    own = (".subckt opamp p q r", "e1 r 0 p q 7", ".ends", ".model led d(vfwd=1 ron=0)")
    op = solve("v1 a 0 1", "x1 a 0 b opamp", "r1 b c 1k", "d1 c 0 led", *own, builtin_parts=True)
    assert op["b"] == pytest.approx(7)
    assert op["c"] == pytest.approx(1)
    assert not [d for d in op.diagnostics if d.code == "N111"]


def test_parts_stand_in_only_when_asked_and_are_told(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text("t\nV1 a 0 1\nX1 b a b opamp\nR1 b 0 1k\nD1 b c led\nR2 c 0 1k\n")
    assert main(["solve", str(deck)]) == 2
    assert capsys.readouterr().err.count("--builtin-parts has an ideal part") == 2
    assert main(["solve", "--builtin-parts", str(deck)]) == 0
    err = capsys.readouterr().err
    assert "opamp is a built-in part" in err
    assert "led is a built-in part" in err


def test_they_are_there_at_every_point_of_a_sweep():
    cards = (
        ".param u=1",
        *SUPPLIES,
        *INVERTER,
        "xu1 0 m vcc vee out level.2",
        ".step param u 0 1 1",
    )
    (op,) = rs.run(rs.parse_netlist("\n".join(["t", *cards]), builtin_parts=True))
    assert op["out"] == pytest.approx([0, -5], abs=1e-4)


# ---- lines ----


def test_a_lossless_line_is_a_short():
    op = solve("v1 a 0 3", "t1 a 0 b 0 z0=75 td=2n ic=0,0,0,0", "r1 b 0 1k")
    assert op["b"] == 3
    assert op.current("t1") == pytest.approx(3e-3)


def test_a_line_whose_ports_have_no_common_node_passes_on_voltage_and_current():
    op = solve("v1 a 0 3", "rg g 0 1k", "t1 a g b h z0=50 f=1meg nl=0.25", "r1 b h 1k", "r2 h 0 1k")
    # round the loop: 3 V over r1 and rg; what leaves at b comes back at h
    assert op["b"] - op["h"] == pytest.approx(1.5, rel=1e-12)
    assert op.current("t1") == pytest.approx(1.5e-3, rel=1e-12)
    assert op["h"] == pytest.approx(0, abs=1e-12)


# ---- transfer functions ----


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("e1 o 0 laplace {v(a)} = {5/(1+s*1u)}", 10),
        ("e1 o 0 LAPLACE {2*V(a)} {(s^2+4)/(s+2)}", 8),
        ("g1 0 o laplace {v(a)}={1m*exp(-s*3n)}", 2),
        ("e1 o 0 a 0 Laplace=7/(1+.1*s)**2", 14),
        ("e1 o 0 a 0 laplace={k/(1+s)} window=1 nfft=64", 6),
        ("e1 o 0 laplace a 0 3 1 / 1.5 2 1", 4),
    ],
)
@pytest.mark.parametrize("dialect", ["auto", "ltspice", "hspice"])
def test_a_transfer_function_is_its_gain_at_zero(card, expected, dialect):
    op = solve(".param k=3", "v1 a 0 2", card, "r1 o 0 1k", dialect=dialect)
    assert op["o"] == pytest.approx(expected, rel=1e-12)


def test_an_integrator_has_no_gain_at_zero():
    with pytest.raises(NetlistError, match="division by zero"):
        solve("v1 a 0 2", "e1 o 0 laplace {v(a)} {1/s}", "r1 o 0 1k")


# ---- HSPICE's limits ----


@pytest.mark.parametrize("u", [-3, -0.5, 0.2, 4])
@pytest.mark.parametrize(
    ("card", "law"),
    [
        ("e1 o 0 a 0 3 max=5 min=-2", lambda u: min(max(3 * u, -2), 5)),
        ("e1 o 0 vcvs a 0 max=+5 min=-2 3", lambda u: min(max(3 * u, -2), 5)),
        ("e1 o 0 vcvs a 0 3 min=1", lambda u: max(3 * u, 1)),
        ("e1 o 0 vol='3*v(a)' max=4 min=-1", lambda u: min(max(3 * u, -1), 4)),
        ("e1 o 0 vol='v(a)*v(a)' max=4", lambda u: min(u * u, 4)),
        ("g1 0 o a 0 2m abs=1 max=4m", lambda u: min(abs(2 * u), 4)),
        ("h1 o 0 v1 2k max=1", lambda u: min(-2 * u, 1)),
        ("f1 0 o v1 2 min=-1m", lambda u: max(-2 * u, -1)),
        ("g1 0 o a 0 2m max=4m m=3", lambda u: min(6 * u, 4)),
    ],
)  # fmt: skip
def test_limits_of_sources(card, law, u):
    op = solve(f"v1 a 0 {u}", "r1 a 0 1k", card, "r2 o 0 1k")
    assert op["o"] == pytest.approx(law(u), rel=1e-12)
