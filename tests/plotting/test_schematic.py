"""Schematics keep to the rules of the drawing board, on every example and on random circuits."""

from __future__ import annotations

import functools
import itertools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resnet_sim as rs
from resnet_sim import plotting
from resnet_sim.cli import main
from resnet_sim.plotting.circuits import is_schematic
from resnet_sim.plotting.schematic import Schematic, redrawn, schematic
from resnet_sim.plotting.schematic.geometry import Box
from resnet_sim.plotting.schematic.svg import to_svg

ROOT = Path(__file__).parents[2] / "examples"
DECKS = sorted([*(ROOT / "netlists").glob("*.net"), *(ROOT / "training").glob("*.net")])
PAGE = ROOT.parent / "docs" / "pictures.md"
SMALL = [deck for deck in DECKS if is_schematic(rs.read_netlist(deck))]


@functools.cache
def drawn_of(deck: Path) -> tuple[rs.Circuit, Schematic]:
    circuit = rs.read_netlist(deck)
    try:
        op = rs.solve(circuit)
    except rs.ResnetSimError:
        op = None
    return circuit, schematic(circuit, op)


# ---- the rules, written without a look at how they are kept ----


def overlap(a: Box, b: Box) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 1e-9 and min(a[3], b[3]) - max(a[1], b[1]) > 1e-9


def box_of(segment) -> Box:
    (x0, y0), (x1, y1) = segment
    return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def touches(segment, box: Box) -> bool:
    """Tell whether a line and the inside of a box have a point in common."""
    s = box_of(segment)
    return (
        s[0] < box[2] - 1e-9
        and s[2] > box[0] + 1e-9
        and s[1] < box[3] - 1e-9
        and s[3] > box[1] + 1e-9
    )


def faults(drawn: Schematic) -> list[str]:
    found = [f"{net} is not wired throughout" for net in drawn.broken]
    found += [f"{net} has no name" for net in drawn.unnamed]
    texts = list(drawn.texts())
    for a, b in itertools.combinations(texts, 2):
        if overlap(a.box, b.box):
            found.append(f"{a.text} and {b.text} overlap")
    for a, b in itertools.combinations(drawn.symbols, 2):
        if any(overlap(x, y) for x in a.bodies for y in b.bodies):
            found.append(f"{a.name} lies on {b.name}")
    for text in texts:
        for symbol in drawn.symbols:
            if any(overlap(text.box, body) for body in symbol.bodies) and text not in symbol.texts:
                found.append(f"{text.text} lies on {symbol.name}")
    for net, segments in drawn.wires.items():
        for segment in segments:
            (x0, y0), (x1, y1) = segment
            if (x0 == x1) == (y0 == y1):
                found.append(f"a wire of {net} is not at right angles")
            for symbol in drawn.symbols:
                if any(touches(segment, body) for body in symbol.bodies):
                    found.append(f"a wire of {net} runs through {symbol.name}")
                for pin in symbol.pins:
                    s = box_of(segment)
                    if pin.net != net and s[0] <= pin.x <= s[2] and s[1] <= pin.y <= s[3]:
                        found.append(f"a wire of {net} touches a pin of {pin.net}")
            found += [f"a wire of {net} under {t.text}" for t in texts if touches(segment, t.box)]
    return found + confusions(drawn)


def confusions(drawn: Schematic) -> list[str]:
    """Return where wires of different nodes share more than a crossing."""
    found = []
    pieces = [(net, box_of(s)) for net, some in drawn.wires.items() for s in some]
    for (a, s), (b, t) in itertools.combinations(pieces, 2):
        meets = s[0] <= t[2] and t[0] <= s[2] and s[1] <= t[3] and t[1] <= s[3]
        if a != b and meets:
            flat, steep = (s, t) if s[1] == s[3] else (t, s)
            crosses = flat[0] < steep[0] < flat[2] and steep[1] < flat[1] < steep[3]
            if not crosses or (s[1] == s[3]) == (t[1] == t[3]):
                found.append(f"wires of {a} and {b} touch")
    return found


def joined(drawn: Schematic, net: str) -> bool:
    """Tell whether all pins of a node hang together by its wires."""
    graph = nx.Graph()
    for (x0, y0), (x1, y1) in drawn.wires[net]:
        xs, ys = range(min(x0, x1), max(x0, x1) + 1), range(min(y0, y1), max(y0, y1) + 1)
        nx.add_path(graph, [(x, y) for x in xs for y in ys])
    pins = {(p.x, p.y) for symbol in drawn.symbols for p in symbol.pins if p.net == net}
    graph.add_nodes_from(pins)
    return nx.is_connected(graph)


@pytest.mark.parametrize("deck", SMALL, ids=lambda path: path.stem)
def test_every_example_keeps_to_the_rules(deck):
    _, drawn = drawn_of(deck)
    assert not faults(drawn)
    assert all(joined(drawn, net) for net in drawn.wires)


@pytest.mark.parametrize("deck", SMALL, ids=lambda path: path.stem)
def test_every_element_is_there_once_with_its_nodes(deck):
    circuit, drawn = drawn_of(deck)
    shown = {name.partition(":")[0] for name in circuit.element_names}
    assert sorted(s.name for s in drawn.symbols) == sorted(shown)
    p, q = circuit.terminals
    for name, *ends in zip(circuit.element_names, p.tolist(), q.tolist(), strict=True):
        symbol = next(s for s in drawn.symbols if s.name == name.partition(":")[0])
        pins = {pin.net for pin in symbol.pins}
        supplies = {text.text for text in symbol.texts if text.kind == "node"}
        assert {circuit.nodes[end] for end in ends} - {"0"} <= pins | supplies


RESISTORS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda ends: ends[0] != ends[1]),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(RESISTORS, st.integers(0, 2**32 - 1))
def test_random_circuits_keep_to_the_rules(ends, seed):
    cards = ["r{k} n{a} n{b} 1k", "d{k} n{a} n{b}", "v{k} n{a} n{b} 1", "q{k} n{a} n{b} 0 m"]
    rng = np.random.default_rng(seed)
    lines = [
        rng.choice(cards).format(k=k, a=a, b=b).replace("n0", "0") for k, (a, b) in enumerate(ends)
    ]
    deck = "\n".join(["random", *lines, "rg n1 0 1k", ".model m npn"])
    drawn = schematic(rs.parse_netlist(deck))
    assert not [fault for fault in faults(drawn) if "no name" not in fault]


# ---- what a person looks for ----


def test_sources_are_at_the_left_and_ground_below():
    _, drawn = drawn_of(ROOT / "netlists" / "divider.net")
    place = {s.name: s.bodies[0] for s in drawn.symbols}
    assert place["v1"].left < place["r1"].left < place["r1"].right < place["r2"].left
    (height,) = {pin.y for s in drawn.symbols if s.name == "r1" for pin in s.pins}
    assert {y for segment in drawn.wires["out"] for _, y in segment} == {height}  # straight
    for name in ("v1", "r2"):  # what leads to ground hangs down
        assert place[name].top < height


def test_voltages_and_currents_are_told_with_arrows():
    _, drawn = drawn_of(ROOT / "netlists" / "divider.net")
    told = {text.text for text in drawn.texts()}
    assert {"in 10 V", "out 2.5 V", "r1 3 kΩ", "→ 2.5 mA", "↑ 2.5 mA", "↓ 2.5 mA"} <= told


@pytest.mark.parametrize(
    ("deck", "conducting"),
    [
        ("bridge-rectifier", {"d1", "d4"}),
        ("zener", {"dz"}),  # backwards
        ("zener-regulator", {"d1"}),
        ("switch-matrix", {"s11", "s22"}),
        ("floating-node", set()),
    ],
)
def test_what_conducts_is_red(deck, conducting):
    _, drawn = drawn_of(ROOT / "netlists" / f"{deck}.net")
    assert {s.name for s in drawn.symbols if s.on} == conducting
    kinds = {s.name: s.kind for s in drawn.symbols}
    for name in conducting:
        expected = {"s": "closed switch", "d": "zener" if "zener" in deck else "diode"}[name[0]]
        assert kinds[name] == expected


def test_operational_amplifiers_are_triangles_and_supplies_are_named():
    _, drawn = drawn_of(ROOT / "netlists" / "inverting-amplifier.net")
    assert {s.kind for s in drawn.symbols if s.name == "e1"} == {"amplifier"}
    _, drawn = drawn_of(ROOT / "netlists" / "common-emitter.net")
    assert "vcc" not in drawn.wires
    assert [t.text for s in drawn.symbols for t in s.texts].count("vcc") == 4  # and its source


def test_a_crossbar_is_one_symbol():
    b = rs.CircuitBuilder()
    b.voltage_source("v1", "a", "0", 1.0)
    b.resistor("r1", "a", "b", 1.0)
    b.crossbar("x", ["a", "b"], ["c", "d", "e"], np.ones((2, 3)))
    b.resistor("r2", "c", "0", 1.0)
    circuit = b.build()
    drawn = schematic(circuit, rs.solve(circuit))
    assert [s.kind for s in drawn.symbols].count("crossbar") == 1
    assert not faults(drawn)


@pytest.mark.parametrize(
    ("deck", "boxes"),
    [
        ("subcircuit", {"x1": {"in", "a"}, "x2": {"in", "b"}, "x3": {"in", "c"}}),
        ("deep-resistive-network", {"xh1": {"h1", "a1"}, "xg2": {"g2", "b2"}}),
    ],
)
def test_subcircuits_may_stay_closed(deck, boxes):
    circuit = rs.read_netlist(ROOT / "netlists" / f"{deck}.net")
    drawn = schematic(circuit, rs.solve(circuit), boxes=True)
    assert not faults(drawn)
    assert not [s.name for s in drawn.symbols if "." in s.name]
    for name, nodes in boxes.items():
        (box,) = [s for s in drawn.symbols if s.name == name]
        supplies = {text.text for text in box.texts if text.kind == "node"}
        assert {pin.net for pin in box.pins} | supplies == nodes
        assert box.kind == "box"


def test_closed_subcircuits_make_room_for_a_schematic(tmp_path):
    body = "\n".join(f"r{k} a n{k} 1k\ns{k} n{k} b 1k".replace("s", "rs") for k in range(40))
    deck = tmp_path / "deck.net"
    deck.write_text(f"t\nv1 in 0 1\nx1 in out many\nr1 out 0 1\n.subckt many a b\n{body}\n.ends\n")
    circuit = rs.read_netlist(deck)
    assert not is_schematic(circuit)
    assert is_schematic(circuit, boxes=True)
    assert main(["graph", str(deck), "--boxes", "-o", str(tmp_path / "p.svg")]) == 0
    assert "x1: subcircuit of 80 elements" in (tmp_path / "p.svg").read_text()


@pytest.mark.parametrize(
    "lines",
    [
        [f"v{k} n{k} 0 1\nr{k} n{k} 0 1k" for k in range(29)],  # many pieces
        [f"r{k} n{k} n{k + 1} 1k" for k in range(59)],  # one long chain
        [f"r{k} a{k}_with_a_long_name b 1k" for k in range(40)],
        ["r1 a a 1k", "d1 a a", "r2 a 0 1k"],  # both ends at one node
    ],
)
def test_odd_circuits_are_drawn(lines):
    drawn = schematic(rs.parse_netlist("\n".join(["odd", "rg n0 0 1", *lines])))
    assert not [fault for fault in faults(drawn) if "no name" not in fault]


def test_the_same_circuit_gives_the_same_picture():
    circuit, drawn = drawn_of(ROOT / "netlists" / "maximum.net")
    assert to_svg(schematic(circuit, rs.solve(circuit))) == to_svg(drawn)


# ---- files ----


def test_svg_and_pages_need_no_matplotlib_and_tell_values_on_hover(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    deck = str(ROOT / "netlists" / "divider.net")
    for name in ("p.svg", "p.html"):
        assert main(["graph", deck, "-o", str(tmp_path / name)]) == 0
    page = (tmp_path / "p.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>r1: resistor 3 kΩ, 2.5 mA from in to out</title>" in page
    assert not re.findall(r"(?:src|href)=", page)
    root = ElementTree.parse(tmp_path / "p.svg").getroot()
    assert root.tag.endswith("svg")


def test_names_are_text_and_not_markup(tmp_path):
    circuit = rs.parse_netlist("a <b> & c\nv1 x<y 0 1\nr1 x<y 0 1k")
    ElementTree.fromstring(to_svg(schematic(circuit)).encode())


def test_a_schematic_is_drawn_into_given_axes():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    figure = plotting.draw_circuit(drawn_of(ROOT / "netlists" / "divider.net")[0], ax=axes)
    assert figure is axes.figure
    assert "r1 3 kΩ" in [text.get_text() for text in axes.texts]


def test_a_transistor_is_one_element_however_many_currents_it_has():
    stages = "\n".join(
        f"rb{k} c{k} b{k} 10k\nq{k} c{k + 1} b{k} e{k} m\nrc{k} vcc c{k + 1} 4.7k\nre{k} e{k} 0 1k"
        for k in range(14)
    )
    deck = f"amplifier\nvcc vcc 0 12\nvin c0 0 .7\n{stages}\n.model m npn"
    circuit = rs.parse_netlist(deck)
    assert circuit.n_elements > 60
    assert is_schematic(circuit)
    drawn = schematic(circuit)
    assert len(drawn.symbols) == 58
    assert not faults(drawn)


def test_larger_circuits_are_graphs():
    circuit = rs.generators.grid(8)
    assert not is_schematic(circuit)
    assert plotting.draw_circuit(circuit).axes


@pytest.mark.parametrize("picture", re.findall(r"\((pictures/.*svg)\)", PAGE.read_text()))
def test_pictures_in_the_documents_are_those_of_today(picture, tmp_path):
    stem = Path(picture).stem
    target = tmp_path / "picture.svg"
    assert main(["graph", str(ROOT / "netlists" / f"{stem}.net"), "-o", str(target)]) == 0
    assert target.read_text() == (PAGE.parent / picture).read_text()


# ---- other values in the same places ----


def roomy(path: Path) -> tuple[rs.Circuit, Schematic]:
    circuit = rs.read_netlist(path)
    return circuit, schematic(circuit, rs.solve(circuit), roomy=True)


def test_values_that_change_leave_everything_where_it_is():
    circuit, drawn = roomy(ROOT / "netlists" / "bridge-rectifier.net")
    for volts in (-12.0, 0.0, 123.4):
        turned = circuit.with_values({"v1": volts, "rload": 2.2e3})
        other = redrawn(drawn, turned, rs.solve(turned))
        assert other.wires == drawn.wires and other.dots == drawn.dots
        # what is told is what a new picture tells, wherever it stands there
        fresh = schematic(turned, rs.solve(turned))
        said = [" ".join(text.text for text in found.texts()) for found in (other, fresh)]
        arrows = str.maketrans("→←↑↓", "    ")
        assert len({tuple(sorted(text.translate(arrows).split())) for text in said}) == 1
        assert not faults(other)


def test_a_switch_is_thrown_where_it_is():
    circuit, drawn = roomy(ROOT / "netlists" / "switch-matrix.net")
    held = circuit.with_switches({"s12": True})
    other = redrawn(drawn, held, rs.solve(held))
    kinds = [{s.name: s.kind for s in found.symbols}["s12"] for found in (drawn, other)]
    assert kinds == ["open switch", "closed switch"]
    assert not faults(other)


@pytest.mark.parametrize("deck", ["V1 b 0 1\nR1 a b 1k", "V1 a 0 1\nR2 a b 1k", "V1 a 0 1"])
def test_another_circuit_does_not_fit_into_a_picture(deck):
    circuit = rs.parse_netlist("one\nV1 a 0 1\nR1 a b 1k\nR3 b 0 1k\n")
    drawn = schematic(circuit, rs.solve(circuit), roomy=True)
    other = rs.parse_netlist(f"other\n{deck}\nR3 b 0 1k\nR4 b 0 1k\n")
    assert redrawn(drawn, other, rs.solve(other)) is None


def test_texts_that_grow_ask_for_another_layout_where_there_is_no_room():
    circuit = rs.parse_netlist("zero\nV1 a 0 0\nR1 a b 1k\nR2 b 0 1k\n")
    turned = circuit.with_values({"v1": 1.2345})  # currents of 0 A become arrows and digits
    op = rs.solve(turned)
    assert redrawn(schematic(circuit, rs.solve(circuit)), turned, op) is None
    assert redrawn(schematic(circuit, rs.solve(circuit), roomy=True), turned, op)


def test_a_minus_is_flat_however_a_source_is_turned():
    for deck in ("V1 a 0 1\nR1 a 0 1k", "V1 a b 1\nR1 a 0 1k\nR2 b 0 1k"):
        circuit = rs.parse_netlist(f"source\n{deck}\n")
        (source,) = [s for s in schematic(circuit).symbols if s.name == "v1"]
        (minus,) = [shape for shape in source.shapes if shape.sign]
        (x0, y0), (x1, y1) = minus.points
        assert y0 == pytest.approx(y1) and x0 != pytest.approx(x1)
