"""The obvious calls work: decks by name or as text, values by name, and answers to slips."""

import networkx as nx
import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

DECK = "divider\n.param r=1k\nV1 in 0 6\nR1 in out {r}\nR2 out 0 2k\n"


def test_a_deck_is_solved_by_name_and_as_text(tmp_path):
    path = tmp_path / "divider.net"
    path.write_text(DECK)
    for given in (DECK, path, str(path), rs.parse_netlist(DECK)):
        assert rs.solve(given)["out"] == pytest.approx(4.0, rel=1e-14)
        assert rs.sweep(given, v1=[3.0, 6.0])["out"] == pytest.approx([2.0, 4.0])
        assert rs.run(given)[0].voltage("out") == pytest.approx(4.0, rel=1e-14)
        assert rs.check(given) == ()
        assert len(rs.monte_carlo(given, {"r*": 0.1}, 3)["out"]) == 3
        assert rs.transfer_function(given, "v(out)", "v1").gain == pytest.approx(2 / 3)
        assert rs.sensitivities(given, ["v(out)"])[0].value == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rs.solve("V1 a 0 1"), "at least two lines"),
        (lambda: rs.solve([1, 2]), "not list"),
        (lambda: rs.solve(rs.CircuitBuilder()), r"call its build\(\)"),
        (lambda: rs.solve(nx.path_graph(2)), "from_networkx"),
        (lambda: rs.solve(DECK, input={"v1": 1.0}), "did you mean inputs"),
        (lambda: rs.monte_carlo(DECK, {"r*": 0.1}, sample=3), "did you mean samples"),
        (lambda: rs.sweep(DECK, metod="newton"), "did you mean 'method'"),
        (lambda: rs.sweep(DECK, r1="newton"), "not a number such as"),
        (lambda: rs.sweep(DECK, r1=[10**400]), "r1 is too large"),
        (lambda: rs.solve(DECK, tolerance="tight"), "tolerance tight"),
        (lambda: rs.solve(DECK, inputs=[1, 2]), "inputs go by name"),
        (lambda: rs.solve(DECK, inputs={"v1": "abc"}), "'abc' of v1"),
        (lambda: rs.parse_netlist(DECK).with_values(["r1"]), "values go by name"),
        (lambda: rs.parse_netlist(DECK).with_values({"r1": "abc"}), "not a number such as"),
        (lambda: rs.parse_netlist(DECK).with_switches([True]), "go by name"),
        (lambda: rs.parse_netlist(DECK).with_parameters("r"), "parameters go by name"),
        (lambda: rs.parse_netlist(3), "read_netlist reads files"),
        (lambda: rs.parse_netlist(b"load"), "not bytes"),
        (lambda: rs.parse_netlist(DECK, dialct="ngspice"), "did you mean dialect"),
        (lambda: rs.parse_netlist(DECK, overrides=["r"]), "go by name"),
        (lambda: rs.format_netlist(rs.solve(DECK)), "not OperatingPoint"),
        (lambda: rs.monte_carlo(DECK, {"r*": 0.1}, 2.5), "samples must be a whole number"),
        (lambda: rs.monte_carlo(DECK, "10%"), "spreads go by name"),
        (lambda: rs.worst_case(DECK, "10%", ["v(out)"]), "spreads go by name"),
        (lambda: rs.solve(DECK)["r1"], r"i\(r1\) is its current"),
        (lambda: rs.solve(DECK)[None], "a name is needed"),
        (lambda: rs.solve(DECK).voltage(["out"]), "not list"),
        (lambda: rs.Circuit.from_networkx(3), "a graph of networkx"),
        (lambda: rs.Circuit.from_adjacency([[1.0, 2.0], [3.0]]), "rows differ in length"),
        (lambda: rs.Circuit.from_adjacency(3.0), "square matrix"),
        (lambda: rs.sweep(DECK, r11=[1.0]), "did you mean 'r1'"),
        (lambda: rs.sweep(DECK, v1=[[1.0], [2.0]]), "one dimension"),
        (lambda: rs.solve(DECK, inputs={"v1": np.array([1j])}), "real numbers, not complex"),
        (lambda: rs.solve(DECK, inputs={"v1": np.ma.masked_array([1.0], [1])}), "some are masked"),
        (lambda: rs.generators.as_built(np.array([1j])), "conductances must be real"),
        (lambda: rs.generators.crossbar(np.array([[1j]])), "conductances must be real"),
        (lambda: rs.generators.differential_pairs([["a"]], 1e-6, 1e-4), "weights must be real"),
        (lambda: rs.sweep(f"{DECK}E1 g 0 out 0 2", e1=[3.0]), "write its gain as a parameter"),
        (lambda: rs.solve(f"{DECK}G1 g 0 out 0 2", inputs={"g1": [3.0]}), "write its gain as"),
        (lambda: rs.sweep(rs.generators.ladder(2), v00=[1.0]), "did you mean 'v0'"),
        (lambda: rs.solve(DECK)["ouf"], "did you mean 'out'"),
        (lambda: rs.solve(DECK)["p(r9)"], "no element 'r9'"),
        (lambda: rs.solve(DECK)["q(r1)"], "not of the form"),
        (lambda: rs.solve(DECK, start={"out": "high"}), "not a number such as"),
        (lambda: rs.solve(DECK, start=[1.0]), "start from go by name"),
        (lambda: rs.sweep(DECK, "v1"), "what is swept goes by name"),
        (lambda: rs.sweep(DECK, [("v1", [1.0])]), "what is swept goes by name"),
        (lambda: rs.monte_carlo(DECK, {"r*": 0.1}, 3, seed="x"), "seed must be a whole number"),
        (lambda: rs.supply_nets(DECK), "a result of rs.solve"),
        (lambda: rs.solve_many([DECK], "v(out)"), "callables that return them"),
        (lambda: rs.generators.grid(2.5), "rows must be a whole number from 1 on"),
        (lambda: rs.CircuitBuilder().nodes("n", -1), "number of nodes must be a whole number"),
        (lambda: rs.CircuitBuilder().resistor(None, "a", "0", 1), "not NoneType"),
        (lambda: rs.CircuitBuilder().resistor("", "a", "0", 1), "not an empty one"),
        (lambda: rs.CircuitBuilder().diode("d1", "a", "0", vforward=1), "did you mean v_forward"),
        (lambda: rs.CircuitBuilder().switch("s1", "a", "0", control=("c",)), "two nodes"),
        (lambda: rs.CircuitBuilder().switch("s1", "a", "0", closed="off"), "True or False"),
        (lambda: rs.CircuitBuilder().add("diode", "d1", "a", "0"), "did you mean diodes"),
        (lambda: rs.CircuitBuilder().bipolar_transistor("q1", "cb"), "needs 3 nodes"),
        (lambda: rs.CircuitBuilder().bipolar_transistor("q1", "cbe", {"bff": 9}), "mean bf"),
    ],
)
def test_slips_are_answered_with_what_to_do(call, message):
    with pytest.raises(rs.UsageError, match=message):
        call()


def test_names_that_are_not_there_are_answered_with_those_that_are():
    with pytest.raises(AttributeError, match="did you mean solve"):
        _ = rs.slove
    with pytest.raises(AttributeError, match="did you mean resistor"):
        _ = rs.CircuitBuilder().resitor


def test_what_is_meant_is_clear_without_brackets_and_units():
    b = rs.CircuitBuilder()
    b.resistor("r1", 1, 0, "2k")  # nodes are numbers in SPICE
    b.voltage_source("v1", 1, 0, 4.0)
    circuit = b.build()
    op = rs.solve(circuit)
    assert op[1] == op.voltage(1) == 4.0 and op["i(r1)"] == pytest.approx(2e-3)
    assert list(op.columns("v(1)")) == ["v(1)"]
    values = circuit.with_values({"r1": "1k", "v1": "-500m"})
    assert rs.solve(values)["i(r1)"] == pytest.approx(-0.5e-3)
    assert rs.solve(circuit, inputs={"r1": ["1k", 4e3]})["i(r1)"] == pytest.approx([4e-3, 1e-3])
    assert rs.sweep(circuit, r1=(r for r in ("1k", "4k")))["i(r1)"] == pytest.approx([4e-3, 1e-3])
    overridden = rs.parse_netlist(DECK, overrides={"R": "3k"})
    assert rs.solve(overridden)["out"] == pytest.approx(rs.sweep(DECK, r=[3e3])["out"][0])
    (worst,) = rs.worst_case(circuit, {"r1": "10%"}, "i(r1)")
    assert worst.output == "i(r1)"
    net = tr.Network(rs.parse_netlist(DECK), "v1", "out")
    assert net.inputs == ("v1",)
    assert rs.sensitivities(circuit, "i(r1)")[0].output == "i(r1)"
    (spread,) = rs.statistics(rs.monte_carlo(circuit, {"r1": 0.1}, 3), "i(r1)")
    assert spread.output == "i(r1)"
    b = rs.CircuitBuilder()
    n = b.nodes([1, 2])
    b.resistors("r", n, 0, ["1k", "2k"])
    b.switch("s1", 1, 2, control=[1, 0])
    assert b.build().resistors.ohms.tolist() == [1e3, 2e3]


def test_a_circuit_of_nothing_is_solved_and_results_are_things_of_their_own():
    empty = rs.solve(rs.CircuitBuilder().build())
    assert empty.certificate.ok and empty.voltages == {}
    assert empty != rs.solve(DECK) and hash(empty) == hash(empty)
    one, other = empty.circuit, rs.solve(DECK).circuit
    assert {one: 1, other: 2}[other] == 2


def test_one_folder_to_include_from_is_not_taken_for_its_letters(tmp_path):
    outside = tmp_path / "outside.inc"
    outside.write_text("R1 a 0 1k\n")
    (tmp_path / "in").mkdir()
    with pytest.raises(rs.NetlistError, match="may not be read"):
        rs.parse_netlist(f"one\n.include {outside}\nV1 a 0 1\n", includes=str(tmp_path / "in"))


def test_a_missing_file_is_named():
    with pytest.raises(rs.NetlistError, match=r"nowhere\.net"):
        rs.solve("nowhere.net")


def test_sweeps_by_name_know_elements_parameters_switches_and_the_temperature():
    deck = DECK + "R3 out 0 1k tc1=0.1\nS1 out x c 0 sw\nRx x 0 1k\nRc c 0 1\n.model sw sw\n"
    got = rs.sweep(deck, v1=[6.0], r=[1e3, 2e3], s1=[0, 1], temp=[27.0, 37.0])
    assert list(got.sweep) == ["v1", "r", "s1", "temp"]
    expected = []
    for temp in (27.0, 37.0):
        for closed in (0, 1):
            for r in (1e3, 2e3):
                load = 1 / 2e3 + 1 / (1e3 * (1 + 0.1 * (temp - 27))) + closed / (1e3 + 1.0)
                expected.append(6.0 / (1 + r * load))
    assert got["out"] == pytest.approx(expected, rel=1e-8)  # its Roff is 1e12 ohm
    by_mapping = rs.sweep(deck, {"R": [1e3, 2e3]})
    assert by_mapping["out"] == pytest.approx(rs.sweep(deck, r=[1e3, 2e3])["out"])


def test_inputs_stand_beside_what_they_give():
    frame = rs.solve(DECK, inputs={"v1": [3.0, 6.0]}).to_pandas()
    assert list(frame["v1"]) == [3.0, 6.0]
    assert list(frame["v(out)"]) == pytest.approx([2.0, 4.0])


@pytest.mark.parametrize("inputs", [None, {"v1": [3.0, 6.0, 0.0]}])
def test_powers_are_voltage_times_current_and_sum_to_zero(inputs):
    op = rs.solve(DECK, inputs=inputs)
    for name in op.circuit.element_names:
        assert np.array_equal(op[f"p({name})"], op.power[name])
    assert np.abs(sum(op.power.values())).max() < 1e-15
    assert np.all(op["p(r1)"] == pytest.approx(op.current("r1") ** 2 * 1e3))


def test_print_takes_powers():
    circuit = rs.parse_netlist(DECK + ".print dc p(r1) @r2[p] v(out)\n")
    assert circuit.outputs == ("p(r1)", "p(r2)", "v(out)")
    assert rs.solve(circuit).columns() == {
        name: pytest.approx([value])
        for name, value in zip(circuit.outputs, (4e-3, 8e-3, 4.0), strict=True)
    }


# ---- circuits from graphs and matrices ----


def test_a_circuit_survives_the_way_through_a_graph():
    deck = DECK + "D1 out x d\nRx x 0 1k\nI1 0 x 1m\nC1 x 0 1n\n.model d d(vfwd=0.3 ron=2)\n"
    circuit = rs.parse_netlist(deck)
    again = rs.Circuit.from_networkx(circuit.to_networkx())
    before, after = rs.solve(circuit), rs.solve(again)
    assert after.voltages == pytest.approx(before.voltages)
    assert after.currents == pytest.approx(before.currents)


@pytest.mark.parametrize(
    ("way", "value"),
    [("ohms", 500.0), ("resistance", "0.5k"), ("siemens", 2e-3), ("conductance", "2m")],
)
def test_edges_say_their_resistance_in_four_ways(way, value):
    graph = nx.Graph()
    graph.add_edge("a", "gnd", **{way: value})
    graph.add_edge("b", "gnd", kind="current source", amps=1e-3, p="gnd", q="b", name="I9")
    graph.add_edge("a", "b", ohms=0)
    op = rs.solve(rs.Circuit.from_networkx(graph))
    assert op["a"] == pytest.approx(0.5)
    assert op.current("i9") == 1e-3


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([("a", "0", {})], "no resistance"),
        ([("a", "b", {"ohms": 1})], "which is the ground"),
        ([("a", "0", {"kind": "flux capacitor"})], "unknown kind"),
        ([("a", "0", {"kind": "voltage source"})], "needs volts"),
        ([("a", "0", {"kind": "switch", "closed": True})], "edge s0: a switch refers to others"),
        ([("a", "0", {"ohms": 1, "siemens": 1})], "says ohms and siemens"),
        ([("a", "0", {"ohms": "1k5"})], "not a number"),
        ([("a", "0", {"ohms": 1, "name": "r"}), ("a", "b", {"ohms": 1, "name": "R"})], "called r"),
        ([("a", "0", {"ohms": 1}), ("A", "0", {"ohms": 1})], "same name"),
    ],
)
def test_edges_that_say_too_little_are_refused(edges, message):
    with pytest.raises(rs.UsageError, match=message):
        rs.Circuit.from_networkx(nx.Graph(edges))


def test_points_are_picked_by_any_index_and_results_are_no_sequences():
    op = rs.sweep(
        "short\nV1 a 0 1\nR1 a b 1\nV2 b 0 0\nD1 b 0 d\n.model d d(vfwd=.5)", v2=[0, 1, 0.2]
    )
    assert list(op.unsolved) == [1]
    for rows in (1, -2, slice(1, 2), [1], np.array([False, True, False])):
        assert list(op.pick(rows).unsolved) == [0]
        assert op.pick(rows).sweep["v2"].tolist() == [1.0]
    assert op.pick(op.sweep["v2"] < 0.5)["b"].tolist() == [0.0, 0.2]
    with pytest.raises(TypeError, match=r"iterable|container"):
        assert "b" in op


def test_what_an_edge_of_a_diode_leaves_out_is_ideal():
    graph = nx.MultiGraph()
    graph.add_edge("a", "0", kind="diode", v_forward=0.5, p="a")
    graph.add_edge("a", "b", kind="diode", p="a")
    graph.add_edge("b", "0", ohms=100)
    graph.add_edge("0", "a", kind="current source", amps=0.01, p="0", name="i1")
    op = rs.solve(rs.Circuit.from_networkx(graph))
    assert op.voltages == {"a": 0.5, "b": 0.5}
    assert op.current("d0") == pytest.approx(0.005)
    with pytest.raises(rs.UsageError, match="ground='x' is no node of the graph"):
        rs.Circuit.from_networkx(graph, ground="x")


def test_a_matrix_of_conductances_gives_the_graph_laplacian():
    rng = np.random.default_rng(3)
    half = np.triu(rng.random((6, 6)), 1) * (rng.random((6, 6)) < 0.7)
    siemens = half + half.T + np.diag(np.ones(5), 1) + np.diag(np.ones(5), -1)
    circuit = rs.Circuit.from_adjacency(siemens, ground=2)
    laplacian = np.diag(siemens.sum(axis=0)) - siemens
    builder = rs.CircuitBuilder()
    names = ["n0", "n1", "0", "n3", "n4", "n5"]
    for k, name in enumerate(circuit.resistors.names):
        p, q = circuit.resistors.p[k], circuit.resistors.q[k]
        ohms = circuit.resistors.ohms[k]
        builder.resistor(name, circuit.nodes[p], circuit.nodes[q], ohms)
    builder.current_source("i", "0", "n0", 1.0)
    op = rs.solve(builder.build())
    keep = [k for k in range(6) if k != 2]
    expected = np.linalg.solve(laplacian[np.ix_(keep, keep)], np.eye(6)[0][keep])
    assert [op[names[k]] for k in keep] == pytest.approx(expected.tolist(), rel=1e-10)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 1]], "square"),
        ([[0, 1], [2, 0]], "symmetric"),
        ([[1, 1], [1, 0]], "diagonal"),
        ([[0, np.inf], [np.inf, 0]], "finite"),
    ],
)
def test_matrices_that_are_no_conductances_are_refused(matrix, message):
    with pytest.raises(rs.UsageError, match=message):
        rs.Circuit.from_adjacency(matrix)


def test_a_sparse_matrix_will_do():
    import scipy.sparse as sparse

    matrix = sparse.coo_array(([1.0, 1.0], ([0, 1], [1, 0])), shape=(2, 2))
    assert rs.Circuit.from_adjacency(matrix, names=["gnd", "x"]).nodes == ("0", "x")


def test_builders_take_spice_numbers():
    builder = rs.CircuitBuilder()
    builder.resistor("r1", "a", "0", "4.7k")
    builder.current_source("i1", "0", "a", "1m")
    builder.diode("d1", "a", "0", v_forward="600m")
    assert rs.solve(builder.build())["a"] == pytest.approx(0.6)
    with pytest.raises(rs.UsageError, match="r2 is not a number"):
        builder.resistor("r2", "a", "0", "4k7")


# ---- at the prompt and in notebooks ----


@pytest.mark.parametrize("size", [2, 30])
def test_what_is_shown_is_short_whatever_the_size(size):
    circuit = rs.generators.grid(size, seed=1)
    many = rs.monte_carlo(circuit, {"r*": 0.1}, 50)
    op = rs.solve(circuit)
    for value in (circuit, op, many, op.certificate):
        assert len(repr(value)) < 400
        if hasattr(value, "_repr_html_"):
            assert value._repr_html_().count("<tr>") < 50
            assert len(value._repr_html_()) < 20_000
    assert len(circuit.summary()) < 1000
    assert f"{len(circuit.resistors):,} resistors" in repr(circuit)


def test_names_in_notebooks_are_escaped():
    circuit = rs.parse_netlist("<b>\nV<1 a 0 1\nR1 a 0 1")
    assert "<b>" not in circuit._repr_html_() + rs.solve(circuit)._repr_html_()
    assert "&lt;b&gt;" in circuit._repr_html_()


def test_networks_and_trainers_say_what_they_are():
    net = tr.Network(rs.generators.ladder(2), ["v0"], ["n2"], "rs*")
    trainer = tr.Trainer(net)
    assert repr(net).endswith("1 input, 1 output, 2 trainable conductances>")
    trainer.fit([[1.0], [2.0]], [[0.1], [0.2]], 1)
    assert "1 epoch, cost" in repr(trainer)
    trainer.fit([[1.0], [2.0]], [[0.1], [0.2]], 99)
    assert len(trainer.history) == 100 and repr(trainer.history).startswith("<History: 100 epochs")
    assert trainer.history._repr_html_().count("<tr>") < 20
    lines = net.summary().splitlines()
    assert lines[-4:-1] == ["1 output: n2", "2 trainable conductances: rs0, rs1",
                            f"  {net.conductances.min():.4g} to {net.conductances.max():.4g} S, "
                            "bounds 1e-06 and inf S"]  # fmt: skip


@pytest.mark.parametrize("name", ["v1", "r", "temp"])
def test_a_sweep_without_values_is_told(name):
    deck = "t\nv1 a 0 1\nr1 a 0 {r}\n.param r=1k\n"
    with pytest.raises(rs.UsageError, match=f"the sweep of {name} has no values"):
        rs.sweep(deck, **{name: []})


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [
        (0, r"op.pick\(0\) for the point, op\['0'\] for the node"),
        (-1, r"op.pick\(-1\) for the point"),
        (np.int64(1), r"op.pick\(1\) for the point, op\['1'\] for the node"),
        (slice(0, 2), r"op.pick\(slice\(0, 2\)\) for points"),
        ([0, 1], r"op.pick\(\[0, 1\]\)"),
    ],
)
def test_points_of_many_are_not_taken_for_nodes(asked, remedy):
    op = rs.sweep(rs.parse_netlist("t\nV1 1 0 5\nR1 1 0 1k"), {"v1": [1, 2]})
    with pytest.raises(rs.UsageError, match=f"2 points go by names of outputs: write {remedy}"):
        op[asked]
    assert op["1"].tolist() == [1, 2] and op["0"].tolist() == [0, 0]
    # one point has but nodes to tell apart
    assert rs.solve(op.circuit)[1] == 5
