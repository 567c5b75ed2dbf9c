"""Generated circuits have the structure they promise, and known solutions."""

import dataclasses
import fnmatch
import itertools
from fractions import Fraction

import networkx
import numpy as np
import pytest

from resnet_sim import Circuit, UsageError, format_netlist, parse_netlist, solve
from resnet_sim import generators as gen

near = pytest.approx
UNIFORM = gen.UNIFORM


def select(circuit: Circuit, glob: str) -> list[str]:
    return fnmatch.filter(circuit.element_names, glob)


def cards(circuit: Circuit) -> dict[str, tuple]:
    """Elements by name: what they are, node names, values."""
    found = {}
    for table in circuit.tables.values():
        skipped = {"names", "p", "q", "file", "line", "ptr", "of_current", "index", "gain"}
        columns = [f.name for f in dataclasses.fields(table) if f.name not in skipped]
        for row, name in enumerate(table.names):
            values = [getattr(table, c)[row].item() for c in columns]
            if table.kind == "controlled source":
                terms = slice(table.ptr[row], table.ptr[row + 1])
                of = zip(table.of_current[terms], table.index[terms], strict=True)
                values += [(circuit.element_names if c else circuit.nodes)[k] for c, k in of]
                values += table.gain[terms].tolist()
            ends = circuit.nodes[table.p[row]], circuit.nodes[table.q[row]]
            found[name] = (table.kind, *ends, *values)
    return found


def weights(sizes, seed):
    """Random weights and biases of a network, about half negative."""
    rng = np.random.default_rng(seed)
    w = [rng.standard_normal(shape) for shape in itertools.pairwise(sizes)]
    return w, [rng.standard_normal(size) for size in sizes[1:]]


SMALL = {
    "grid": lambda seed: gen.grid(4, 5, seed=seed),
    "grid3d": lambda seed: gen.grid3d(3, seed=seed),
    "random_graph": lambda seed: gen.random_graph(30, 4, seed=seed),
    "small_world": lambda seed: gen.small_world(30, seed=seed),
    "driven": lambda seed: gen.random_graph(30, 4, volts={"n3": 1.0, "n7": -1.0}, seed=seed),
    "ladder": lambda seed: gen.ladder(20, diodes=0.4, sources=0.4, seed=seed),
    "crossbar": lambda seed: gen.crossbar(4, 3, seed=seed),
    "wired": lambda seed: gen.crossbar(4, 3, wire=2.0, load=5.0, seed=seed),
    "power_grid": lambda seed: gen.power_grid(5, 4, pads=2, clamps=0.5, amps=1.0, seed=seed),
    "half": lambda seed: gen.layered([3, 4, 5, 2], seed=seed, amplification=9.0),
    "kendall": lambda seed: gen.layered(
        [3, 4, 5, 2], diodes="antiparallel", gain=4.0, output_pairs=True, seed=seed
    ),
    "relu": lambda seed: gen.relu_network(*weights([3, 4, 2], seed), x=[1.0, -2.0, seed + 0.5]),
}


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_a_seed_stands_for_one_circuit(make):
    assert cards(make(3)) == cards(make(3))
    assert cards(make(3)) != cards(make(4))


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("seed", range(8))
def test_generated_circuits_are_solvable_and_connected(make, seed):
    circuit = make(seed)
    point = solve(circuit)
    assert point.certificate.ok
    assert not point.floating


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_generated_circuits_survive_being_written_and_read(make):
    circuit = make(1)
    again = parse_netlist(format_netlist(circuit))
    assert cards(again) == cards(circuit)
    assert again.title == circuit.title
    ours, theirs = solve(circuit).voltages, solve(again).voltages
    assert {n: theirs[n] for n in ours} == near(ours, rel=1e-9, abs=1e-12)


def test_a_generator_of_random_numbers_serves_as_a_seed():
    rng = np.random.default_rng(3)
    first, second = gen.grid(4, 5, seed=rng), gen.grid(4, 5, seed=rng)
    assert cards(first) == cards(gen.grid(4, 5, seed=3))
    assert cards(second) != cards(first)


# ---- graphs ----


def edges(circuit: Circuit) -> networkx.Graph:
    graph = networkx.MultiGraph()
    graph.add_nodes_from(circuit.nodes[1:])
    drawn = cards(circuit)
    graph.add_edges_from(drawn[name][1:3] for name in select(circuit, "r[0-9]*"))
    return graph


def test_the_mixture_counts_exactly():
    circuit = gen.grid(30)
    counts = {g: len(select(circuit, g)) for g in ("r[0-9]*", "rg*", "d[0-9]*", "dg*", "i*")}
    assert counts == {"r[0-9]*": 2 * 30 * 29, "rg*": 9, "d[0-9]*": 180, "dg*": 90, "i*": 45}
    ohms = circuit.resistors.ohms[: counts["r[0-9]*"]]
    assert 0.1 <= ohms.min() < 0.12 < 8 < ohms.max() <= 10
    # log-uniform: a quarter of them in each half decade
    assert np.histogram(np.log10(ohms), np.linspace(-1, 1, 5))[0] == near(435, rel=0.2)
    of = cards(circuit)
    pairs = {frozenset(of[name][1:3]) for name in select(circuit, "r[0-9]*")}
    diodes = [frozenset(of[name][1:3]) for name in select(circuit, "d[0-9]*")]
    assert set(diodes) <= pairs
    assert len(set(diodes)) == len(diodes)


def test_a_grid_has_the_edges_of_a_grid():
    graph = edges(gen.grid(3, 4))
    assert networkx.is_isomorphic(networkx.Graph(graph), networkx.grid_2d_graph(3, 4))
    assert sorted(graph["n1_2"]) == ["n0_2", "n1_1", "n1_3", "n2_2"]
    cube = networkx.Graph(edges(gen.grid3d(3, 2, 4)))
    assert networkx.is_isomorphic(cube, networkx.grid_graph((3, 2, 4)))


@pytest.mark.parametrize(("nodes", "degree"), [(2, 1), (60, 59), (60, 40), (200, 3), (50, 1.96)])
def test_random_graphs_are_connected_and_simple(nodes, degree):
    graph = edges(gen.random_graph(nodes, degree, seed=nodes))
    assert graph.number_of_edges() == round(nodes * degree / 2)
    assert networkx.Graph(graph).number_of_edges() == graph.number_of_edges()
    assert networkx.number_of_selfloops(graph) == 0
    assert networkx.is_connected(graph)


def test_a_small_world_is_a_ring_with_short_cuts():
    ring = networkx.Graph(edges(gen.small_world(40, 6, 0.0)))
    assert networkx.is_isomorphic(ring, networkx.circulant_graph(40, [1, 2, 3]))
    rewired = networkx.Graph(edges(gen.small_world(40, 6, 0.3)))
    assert rewired.number_of_edges() == 120
    assert networkx.average_shortest_path_length(rewired) < 3


def between(circuit: Circuit) -> float:
    """The resistance that the source v0 of 1 V sees."""
    return -1.0 / solve(circuit).current("v0")


@pytest.mark.parametrize(
    ("make", "p", "q", "ohms"),
    [
        (lambda **v: gen.grid(2, **v), "n0_0", "n1_1", 1),
        (lambda **v: gen.grid(3, **v), "n0_0", "n2_2", Fraction(3, 2)),
        (lambda **v: gen.grid(4, **v), "n0_0", "n3_3", Fraction(13, 7)),
        (lambda **v: gen.grid3d(2, **v), "n0_0_0", "n0_0_1", Fraction(7, 12)),
        (lambda **v: gen.grid3d(2, **v), "n0_0_0", "n0_1_1", Fraction(3, 4)),
        (lambda **v: gen.grid3d(2, **v), "n0_0_0", "n1_1_1", Fraction(5, 6)),
        (lambda **v: gen.random_graph(12, 11, **v), "n3", "n8", Fraction(2, 12)),
        (lambda **v: gen.small_world(10, 2, 0.0, **v), "n0", "n3", Fraction(3 * 7, 10)),
    ],
)
def test_resistances_of_uniform_graphs(make, p, q, ohms):
    assert between(make(mixture=UNIFORM, volts={p: 1.0, q: 0.0})) == near(float(ohms), rel=1e-12)


def test_a_uniform_grid_is_as_symmetric_as_its_sources():
    n = 7
    point = solve(gen.grid(n, mixture=UNIFORM, volts={"n0_0": 1.0, "n6_6": 0.0}))
    v = np.array([[point.voltage(f"n{i}_{j}") for j in range(n)] for i in range(n)])
    assert v == near(v.T, rel=1e-12)
    assert v + v[::-1, ::-1] == near(np.ones((n, n)), rel=1e-12)
    assert np.fliplr(v).diagonal() == near(np.full(n, 0.5), rel=1e-12)


def test_nothing_but_edges_touches_driven_nodes():
    everything = gen.Mixture(diodes=9, ground_diodes=1, grounds=1, sources=1)
    circuit = gen.random_graph(20, 6, mixture=everything, volts={"n4": 2.0, "n5": -3.0})
    touching = {k for k, card in cards(circuit).items() if {"n4", "n5"} & set(card[1:3])}
    assert touching - {"v0", "v1"} <= set(select(circuit, "r[0-9]*"))
    assert len(select(circuit, "i*")) == 18
    point = solve(circuit)
    assert (point.voltage("n4"), point.voltage("n5")) == (2.0, -3.0)


# ---- ladder, crossbar, power grid ----


@pytest.mark.parametrize("sections", [1, 2, 10])
def test_a_ladder_of_ohms_shows_fibonacci_numbers(sections):
    f = [1, 1]
    while len(f) < 2 * sections + 2:
        f.append(f[-1] + f[-2])
    assert between(gen.ladder(sections)) == near(f[2 * sections] / f[2 * sections - 1], rel=1e-12)
    point = solve(gen.ladder(sections))
    assert point.voltage(f"n{sections}") == near(1 / f[2 * sections], rel=1e-12)


def test_diodes_of_a_ladder_short_their_section_or_block():
    """Without sources voltage falls from n0 on: forward diodes conduct, all others block."""
    circuit = gen.ladder(30, series=0.01, diodes=0.5)
    drawn, point = cards(circuit), solve(circuit)
    assert len(select(circuit, "d*")) == 15
    for name in select(circuit, "d*"):
        p, q = (int(node[1:]) for node in drawn[name][1:3])
        assert abs(p - q) == 1
        assert min(p, q) >= 1
        assert (point.current(name) > 0) == (p < q)


def test_a_crossbar_multiplies_a_matrix():
    rng = np.random.default_rng(1)
    g, v = rng.uniform(0, 1, (5, 4)) * (rng.random((5, 4)) < 0.7), rng.standard_normal(5)
    g[0] = 1.0
    point = solve(gen.crossbar(5, 4, conductances=g, volts=v))
    assert [point.current(f"vs{j}") for j in range(4)] == near(v @ g, rel=1e-12)
    point = solve(gen.crossbar(5, 4, conductances=g, volts=v, load=0.5))
    loaded = v @ g / (g.sum(axis=0) + 2.0)
    assert [point.voltage(f"col{j}") for j in range(4)] == near(loaded, rel=1e-12)


def test_a_crossbar_of_one_row_with_wire_is_a_ladder():
    point = solve(gen.crossbar(1, 5, conductances=np.full((1, 5), 0.5), volts=[3.0], wire=0.25))
    ohms = 2.0
    for _ in range(4):
        ohms = 1 / (1 / 2.0 + 1 / (0.25 + ohms))
    assert point.current("v0") == near(-3.0 / ohms, rel=1e-12)
    assert len(select(point.circuit, "rw*")) == 5
    tall = gen.crossbar(3, 2, wire=0.25)
    assert (len(select(tall, "rr*")), len(select(tall, "rc*"))) == (3, 4)


def test_a_power_grid_resembles_the_benchmark():
    circuit = gen.power_grid()
    volts = circuit.voltage_sources.volts
    assert len(circuit.resistors) == 29_964
    assert (len(volts), len(select(circuit, "vd[0-9]*")) * 2) == (14_298, 14_258)
    assert np.count_nonzero(volts) == 20
    assert len(circuit.current_sources) == 10_800


def test_a_power_grid_delivers_what_its_loads_draw():
    circuit = gen.power_grid(12, 9, pads=3, vias=0.3)
    point, drawn = solve(circuit), cards(circuit)
    for net, side in (("d", -1), ("g", 1)):
        loads = sum(drawn[name][3] for name in select(circuit, f"i{net}*"))
        pads = sum(point.current(name) for name in select(circuit, f"v{net}p*"))
        assert pads == near(side * loads, rel=1e-9)
    assert max(v for k, v in point.voltages.items() if k.startswith("nd")) <= 1.8
    assert min(v for k, v in point.voltages.items() if k.startswith("ng")) >= 0.0


def test_a_power_grid_without_loads_has_no_drops():
    point = solve(gen.power_grid(4, 4, loads=0.0, pads=1))
    supply = [v for k, v in point.voltages.items() if k.startswith("nd")]
    assert supply == near([1.8] * 32, rel=1e-12)


def test_clamps_conduct_only_when_the_supply_collapses():
    calm = solve(gen.power_grid(6, 6, pads=1, clamps=1.0, amps=1e-6))
    assert {calm.current(name) for name in select(calm.circuit, "dc*")} == {0.0}
    # 0.25 ohm at either pad and 26 A on the average: far more than 1.8 V
    short = solve(gen.power_grid(6, 6, pads=1, clamps=1.0, amps=1.0))
    assert max(short.current(name) for name in select(short.circuit, "dc*")) > 0.1
    drops = [short.voltage(f"ng1_{k}", f"nd1_{k}") for k in ("0_0", "3_3", "5_5")]
    assert max(drops) <= 1e-9


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: gen.grid(0),
        lambda: gen.grid(2, volts={"n9_9": 1.0}),
        lambda: gen.Mixture(diodes=-0.1),
        lambda: gen.Mixture(siemens=0.0),
        lambda: gen.Mixture(amps=np.nan),
        lambda: gen.random_graph(10, 1.0),
        lambda: gen.random_graph(10, 10.0),
        lambda: gen.small_world(10, 3),
        lambda: gen.small_world(10, 4, 1.5),
        lambda: gen.ladder(0),
        lambda: gen.crossbar(2, 0),
        lambda: gen.hopfield("43"),
        lambda: gen.hopfield([4, 3.0]),
        lambda: gen.layered("43"),
        lambda: gen.layered([4]),
        lambda: gen.crossbar(2, 2, conductances=[1.0, 2.0]),
        lambda: gen.crossbar(1, 1, conductances=[[-1.0]]),
        lambda: gen.crossbar(1, 1, wire=-1.0),
        lambda: gen.power_grid(1, 5),
        lambda: gen.power_grid(4, 4, pads=17),
        lambda: gen.power_grid(5, 5, vias=1.5),
        lambda: gen.grid(2, seed=-1),
        lambda: gen.layered([2, 1], seed=1.5),
    ],
)
def test_impossible_arguments_are_refused(wrong):
    with pytest.raises(UsageError):
        wrong()
