"""Backends against `OneByOne` on families of circuits; what is chosen, and in which words."""

import dataclasses
import pickle

import numpy as np
import pytest
from circuits import FAMILIES, random_circuit
from training_circuits import random_network

import resnet_sim as rs
from resnet_sim import generators as gen
from resnet_sim import training as tr
from resnet_sim.cli import main
from resnet_sim.compiled import policy
from resnet_sim.many import threads
from resnet_sim.many.backend import BACKENDS, Question, choose
from resnet_sim.many.correlation import product_sums
from resnet_sim.many.one_by_one import OneByOne
from resnet_sim.many.states import Nudge
from resnet_sim.many.trainable import select


@pytest.fixture(autouse=True)
def everything_pays():
    """Let no circuit be too small for a backend."""
    with policy.using(lanes=0, fewest_points=0, layers=0):
        yield


# ---- states ----


def ladder(*more):
    """Two inputs and a diode; `more` cards."""
    deck = ["ladder", "v1 in 0 1", "v2 up 0 2", "r1 in a 1", "r2 a 0 1", "d1 a b di", "r3 b 0 2"]
    deck += ["r4 b up 3", "i1 0 b .1", *more, ".model di d(ron=0 roff=inf vfwd=.1)"]
    return rs.parse_netlist("\n".join([*deck, ".model sw sw(ron=1 roff=inf vt=.6 vh=0)", ""]))


def asked(circuit, inputs, outputs, trainable="r*", biases=(), **options):
    pairs = tuple((o, "0") if isinstance(o, str) else o for o in outputs)
    return Question(
        circuit, tuple(inputs), outputs=pairs, trainable=select(circuit, trainable),
        biases=tuple(biases), **options,
    )  # fmt: skip


def boxed(diodes, seed, nodes=30):
    mixture = gen.Mixture(diodes=0.0, ground_diodes=diodes, grounds=0.05, sources=0.2)
    circuit = gen.random_graph(nodes, 6, mixture=mixture, volts={"n0": 1.0, "n1": -1.0}, seed=seed)
    return asked(circuit, ["v0", "v1"], ["n5", ("n6", "n7")], "r[0-9]*")


def in_layers(seed, crossbars, **options):
    circuit = gen.layered((3, 6, 5, 2), crossbars=crossbars, seed=seed, **options)
    inputs = [f"vp{k}" for k in range(3)] + [f"vn{k}" for k in range(3)]
    biases = circuit.current_sources.names
    return asked(circuit, inputs, ["o0", "o1"], "rw*", biases)


def transistors(seed):
    """Edges that are transistors, their gates and bulks held by sources."""
    rng = np.random.default_rng(seed)
    deck = ["edges", "v1 a 0 1", "v2 b 0 2", "vbulk k 0 -20", "r1 c 0 20", "r2 d a 50", "r3 e 0 30"]
    deck += ["i1 0 e 1m"]
    for number, ends in enumerate(["a c", "c d", "d e", "e b", "c e"]):
        p, q = ends.split()
        deck += [f"m{number} {p} g{number} {q} k edge"]
        deck += [f"vg{number} g{number} 0 {rng.uniform(2, 5):.3f}"]
    circuit = rs.parse_netlist("\n".join([*deck, ".model edge nmos(vto=0.7 kp=1e-3)", ".end"]))
    return asked(circuit, ["v1", "v2"], ["d", ("c", "e")], "r*", ["i1"])


def of_network(seed, amplifier):
    net = random_network(seed, amplifier)[0]
    return net._question


STATES = {
    "linear": lambda seed: boxed(0.0, seed),
    "boxes": lambda seed: boxed(0.5, seed),
    "diodes anywhere": lambda seed: of_network(seed, False),
    "amplifiers": lambda seed: of_network(seed, True),
    "layers of resistors": lambda seed: in_layers(seed, False),
    "crossbars": lambda seed: in_layers(seed, True, gain=2.0 if seed else None),
    "one-way source": lambda seed: asked(
        ladder("e1 c 0 a 0 2", f"r5 c b {1 + seed}"), ["v1", "v2"], ["b"], "r*", ["i1"]
    ),
    "transistors": lambda seed: transistors(seed),
    "switch": lambda seed: asked(ladder(f"s1 b 0 in {seed} sw"), ["v1", "v2"], ["b"]),
}


def close(found, wanted, relative):
    size = np.nanmax(np.abs(wanted), initial=1e-300)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=relative * size)


def compare(backend, question, seed, relative):
    """Compare all that a backend answers with one sample after the other."""
    exact = OneByOne(dataclasses.replace(question, precision="double"))
    rng = np.random.default_rng(seed)
    count, n_outputs = 5, len(question.outputs)
    g = question.learned
    u = np.concatenate((rng.normal(size=(count, len(question.sources))), np.ones((count, 1))), 1)
    free, wanted = backend.solve(g, u), exact.solve(g, u)
    close(free.voltages, wanted.voltages, relative)
    close(free.outputs, wanted.outputs, relative)
    np.testing.assert_array_equal(free.knee < 0, wanted.knee < 0)
    target = wanted.outputs + 0.01 * rng.normal(size=wanted.outputs.shape)
    force = 0.01 * rng.normal(size=(count, n_outputs))
    for nudge in (Nudge(0.1, target=target), Nudge(force=force), Nudge(0.1, target, force)):
        found = backend.nudged(g, u, nudge, free.on if free.start is None else free.start)
        close(found.voltages, exact.nudged(g, u, nudge).voltages, relative)
    change = found.voltages - free.voltages
    for one, other in zip(
        backend.correlate(change, free.voltages), exact.correlate(change, free.voltages),
        strict=True,
    ):  # fmt: skip
        close(one, other, 1e-9)
    # what is between ideal elements has an adjoint that nothing depends on
    by_g, _ = backend.correlate(free.adjoint(force), free.voltages)
    wanted_by_g, _ = exact.correlate(wanted.adjoint(force), wanted.voltages)
    close(by_g / backend.g_weight, wanted_by_g / exact.g_weight, 10 * relative)


@pytest.mark.parametrize("family", STATES)
def test_states_agree_with_those_found_one_by_one(family):
    for seed in range(3):
        double = STATES[family](seed)
        for precision, relative in (("double", 1e-9), ("single", 1e-5)):
            question = dataclasses.replace(double, precision=precision)
            for entry in BACKENDS:
                if entry.fits(question) is None:
                    compare(entry.load()(question), question, seed, relative)


# ---- operating points ----


def inputs_of(circuit, count, rng):
    """Return names and values of independent sources, shape (count, names)."""
    names, columns = [], []
    for table, column in ((circuit.voltage_sources, "volts"), (circuit.current_sources, "amps")):
        for name, value in zip(table.names, getattr(table, column).tolist(), strict=True):
            names.append(name)
            columns.append(value * rng.uniform(0.5, 1.5, count))
    return tuple(names), np.column_stack(columns) if columns else np.zeros((count, 0))


def one_at_a_time(circuit, names, row):
    try:
        return rs.solve(circuit.with_values(dict(zip(names, row.tolist(), strict=True))))
    except (rs.TopologyError, rs.ConvergenceError) as error:
        return error


@pytest.mark.parametrize("family", [*sorted(FAMILIES), "switch"])
def test_many_inputs_are_what_each_of_them_is(family):
    for seed in range(4):
        circuit = ladder("s1 b 0 a 0 sw") if family == "switch" else random_circuit(family, seed)
        names, values = inputs_of(circuit, 4, np.random.default_rng(seed))
        if not names:
            continue
        wanted = [one_at_a_time(circuit, names, row) for row in values]
        failing = [k for k, op in enumerate(wanted) if isinstance(op, Exception)]
        inputs = dict(zip(names, values.T, strict=True))
        if failing:
            first = wanted[failing[0]]
            with pytest.raises(type(first)) as caught:
                rs.solve(circuit, inputs=inputs)
            assert str(caught.value) == f"input {failing[0]}: {first}"
            assert getattr(caught.value, "elements", ()) == getattr(first, "elements", ())
            continue
        op = rs.solve(circuit, inputs=inputs)
        close(op.node_voltages, np.array([one.node_voltages for one in wanted]), 1e-9)
        assert op.certificate.ok == all(one.certificate.ok for one in wanted)
        assert {*op.floating} == {node for one in wanted for node in one.floating}
        assert {*op.nonunique} == {name for one in wanted for name in one.nonunique}
        assert {*op.diagnostics} == {d for one in wanted for d in one.diagnostics}
        np.testing.assert_array_equal(op.closed, [one.closed for one in wanted])


@pytest.mark.parametrize("values", [[1.0, 3.0, 1.5, 4.0], [[1.0], [2.0]], [1.0, np.nan]])
def test_bad_inputs_are_refused_whichever_backend_is_taken(values):
    circuit = rs.parse_netlist(
        "a\nv1 a 0 1\nr1 a b 1\nr2 b 0 1\nd1 a 0 d\n.model d d(vfwd=2 ron=0 roff=inf)\n"
    )
    messages = []
    for worth in (0, np.inf):
        with policy.using(lanes=worth), pytest.raises(rs.ResnetSimError) as caught:
            rs.solve(circuit, inputs={"v1": values})
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_bad_usage_ends_a_sweep_and_is_no_point_without_solution(monkeypatch):
    def refuse(*_):
        raise rs.UsageError("too large")

    monkeypatch.setattr("resnet_sim.point.engine.PointSolver.solve", refuse)
    with pytest.raises(rs.UsageError, match="too large"):
        rs.monte_carlo(ladder(), {"r*": 0.1}, 3, method="newton", executor="serial")


def test_the_lowest_input_without_solution_is_named_across_blocks():
    circuit = rs.parse_netlist(
        "a\nv1 a 0 1\nr1 a b 1\nr2 b 0 1\nd1 a 0 d\n.model d d(vfwd=2 ron=0 roff=inf)\n"
    )
    values = np.ones(3 * threads.PART)
    values[[threads.PART + 7, -1]] = 3.0
    with pytest.raises(rs.TopologyError, match=f"input {threads.PART + 7}: .*d1"):
        rs.solve(circuit, inputs={"v1": values})


def test_no_inputs_at_all():
    with policy.using(**policy.Policy()._asdict()):
        op = rs.solve(ladder(), inputs={"v1": np.zeros(0)})
    assert op.node_voltages.shape == (0, 5) and op.certificate.ok


# ---- the choice ----

LOOP = "loop\nv1 in 0 1\nr1 in a 1k\nr2 a b 1k\ne1 b 0 a 0 -10\n"


def questions():
    for make in STATES.values():
        yield make(0)
        yield dataclasses.replace(make(0), precision="single")
    for family in sorted(FAMILIES):
        circuit = random_circuit(family, 1)
        yield Question(circuit, inputs_of(circuit, 1, np.random.default_rng(0))[0], 1000)
    yield Question(ladder(), ("v1",), 1000, method="newton")
    yield Question(ladder(), (), 1000)
    yield Question(ladder("s1 b 0 a 0 sw"), ("v1",), 1000)
    yield Question(ladder("r9 a 0 0"), ("r9",), 1000)
    yield Question(rs.parse_netlist(LOOP), ("v1",), 1000)
    yield Question(rs.parse_netlist(LOOP + "q1 b a 0 qn\n.model qn npn\n"), ("v1",), 1000)


def test_every_refusal_has_words():
    for question in questions():
        reasons = [entry.fits(question) for entry in BACKENDS]
        for reason in reasons:
            assert reason is None or (len(reason.split()) >= 4 and "<" not in reason)
        assert None in reasons or question.precision == "single"


@pytest.mark.parametrize("entry", BACKENDS, ids=lambda entry: entry.name)
def test_every_backend_fits_some_family(entry):
    for kind in entry.answers:
        asked_so = [question for question in questions() if question.asks == kind]
        assert any(entry.fits(question) is None for question in asked_so)


def test_the_choice_is_the_same_each_time():
    for question in questions():
        found = []
        for asked_again in (question, question, dataclasses.replace(question)):
            try:
                choice = choose(asked_again)
                found.append((choice.entry, choice.reasons, str(choice)))
                assert not {choice.entry.name} & {*choice.reasons}
            except rs.UsageError as error:
                found.append(str(error))
        assert found[0] == found[1] == found[2]


def test_a_question_is_sent_without_what_was_found_out():
    question = STATES["boxes"](0)
    backend = choose(question).backend
    again = pickle.loads(pickle.dumps(backend))
    assert not again.question._found
    compare(again, question, 0, 1e-9)


def test_small_questions_are_not_worth_it():
    with policy.using(**policy.Policy()._asdict()):
        choice = choose(Question(ladder(), ("v1",), 8))
    few = f"8 points of 5 nodes, {ladder().n_elements} elements, are too few to pay"
    smooth = "there are no smooth laws"
    assert choice.reasons == {"lanes": few, "tangents": smooth, "linear": few}


def test_full_layers_count_by_their_elements():
    ends = [(f"a{i}", f"b{j}") for i in range(20) for j in range(60)]
    ends += [(f"b{i}", f"c{j}") for i in range(60) for j in range(20)]
    deck = ["layers", *(f"v{i} a{i} 0 1" for i in range(20)), *(f"d{j} b{j} 0" for j in range(60))]
    deck += [f"r{k} {p} {q} {1 + k % 7}" for k, (p, q) in enumerate(ends)]
    circuit = rs.parse_netlist("\n".join(deck))
    with policy.using(**policy.Policy()._asdict()):
        assert choose(Question(circuit, ("v1",), 64)).entry.name == "lanes"
        assert choose(Question(circuit, ("v1",), 16)).entry.name == "one by one"


def test_results_and_the_command_tell_what_was_chosen(tmp_path, capsys):
    deck, table = tmp_path / "deck.net", tmp_path / "table.csv"
    deck.write_text("a\nv1 in 0 1\nr1 in out 1\nr2 out 0 1\n.dc v1 0 1 .5\n")
    table.write_text("v1,v(out)\n1,.4\n2,.8\n")
    assert rs.solve(rs.read_netlist(deck)).solver.backend == ""
    (op,) = rs.run(rs.read_netlist(deck))
    assert op.solver.backend.startswith("backend: lanes (")
    found = rs.monte_carlo(rs.read_netlist(deck), {"r*": 0.1}, 10, method="newton")
    assert "not lanes: the method newton is asked for" in found.solver.backend
    learn = ["train", str(deck), "--data", str(table), "--input", "v1", "--output", "v(out)"]
    for command, words in (
        (["solve", str(deck)], "backend: lanes"),
        (["sweep", str(deck)], "backend: lanes"),
        ([*learn, "--epochs", "1"], "backend: layered"),
    ):
        assert main(command) == 0
        assert "backend" not in capsys.readouterr().err
        assert main([*command, "--debug"]) == 0
        assert words in capsys.readouterr().err


def test_a_network_is_chosen_by_the_same_rules():
    net = tr.Network(ladder(), ["v1", "v2"], ["b"], "r*", biases="i1")
    assert net.explain_backend() == str(choose(net._question))
    assert net.batched and "each with its own set" in net.explain_backend()


def test_lanes_leave_no_point_of_a_grid_to_others():
    """Diodes to ground hold nodes at zero: there the certificate allows next to nothing."""
    circuit = rs.generators.grid(12, seed=1)
    source = circuit.current_sources.names[0]
    values = np.linspace(-2.0, 2.0, 40)[:, None]
    choice = choose(Question(circuit, (source,), len(values)))
    assert choice.entry.name == "lanes"
    v, i = np.empty((40, len(circuit.nodes))), np.empty((40, circuit.n_elements))
    good = choice.backend.together.solve(values, v, i).good
    assert good.all()
    net = tr.Network(circuit, [source], ["n9_5"], "r*")
    assert net.free(values).detail.good.all()


CASCADE = """a cascade of one-way sources, a diode in every stage
v1 in 0 1
r1 in a 1k
d1 a 0 clamp
r2 a 0 2k
e1 b 0 a 0 3
r3 b c 1k
r4 c 0 1k
d2 c 0 soft
g1 0 d c 0 1m
r5 d 0 5k
r6 d f 1k
v2 f 0 .2
f1 0 h v2 2
r7 h 0 1k
d3 h 0 clamp
.model clamp d(vfwd=.5)
.model soft d(vfwd=.6 ron=10)
"""


def test_lanes_go_through_a_cascade_stage_by_stage():
    circuit = rs.parse_netlist(CASCADE)
    values = np.stack([np.linspace(-3, 3, 41), np.linspace(500, 2000, 41)], axis=1)
    choice = choose(Question(circuit, ("v1", "r3"), len(values)))
    assert choice.entry.name == "lanes"
    v, i = np.empty((41, len(circuit.nodes))), np.empty((41, circuit.n_elements))
    assert choice.backend.together.solve(values, v, i).good.all()
    found, single = choice.points(values), choice.backend.rescue.points(values)
    assert found.certificate.ok
    np.testing.assert_allclose(found.node_voltages, single.node_voltages, atol=1e-13)
    np.testing.assert_allclose(found.element_currents, single.element_currents, atol=1e-16)


def test_lanes_do_not_go_round_in_feedback():
    choice = choose(Question(rs.parse_netlist(LOOP), ("v1",), 40))
    assert choice.entry.name == "linear" and "feed back" in choice.reasons["lanes"]


@pytest.mark.parametrize("samples", [1, 8, 9, 32, 70])
def test_products_across_branches_are_those_of_numpy(samples):
    rng = np.random.default_rng(samples)
    p, q = rng.integers(0, 12, (2, 50))
    one, other = rng.normal(size=(2, samples, 12))
    one[0, 3] = other[0, 3] = np.nan  # floats in one sample
    terms = (one[:, p] - one[:, q]) * (other[:, p] - other[:, q])
    found = product_sums(p, q, one, other)
    np.testing.assert_allclose(found, np.nansum(terms, axis=0), rtol=0, atol=1e-13)
    squares = (other[:, p] - other[:, q]) ** 2 - (one[:, p] - one[:, q]) ** 2
    between = product_sums(p, q, one, other, 0.25)
    np.testing.assert_allclose(between, np.nansum(squares, axis=0) / 0.5, rtol=0, atol=1e-12)
    with policy.using(threads=3, tiles=0):
        again = product_sums(p, q, one, other), product_sums(p, q, one, other, 0.25)
    assert all(map(np.array_equal, again, (found, between)))
