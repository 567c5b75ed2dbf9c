"""Circuits with several states: a stable one is given, and the certificate says so."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from local_minima import states

import resnet_sim as rs

BISTABLE = """bistable node
R1 a 0 -1
D1 a p ideal
Vp p 0 1
D2 m a ideal
Vm m 0 -1
.model ideal D(Ron=0)
"""


def codes(op: rs.OperatingPoint) -> set[str]:
    return {d.code for d in op.diagnostics}


def test_a_bistable_node_is_at_one_of_its_ends():
    op = rs.solve(BISTABLE)
    assert abs(op["a"]) == pytest.approx(1.0)
    assert op.certificate.ok and op.certificate.stable is True
    assert op.unique == "one of several"
    for given, expected in ((0.7, 1.0), (-0.4, -1.0)):
        assert rs.solve(BISTABLE + f".nodeset v(a)={given}\n")["a"] == pytest.approx(expected)


def test_an_unstable_state_is_given_to_who_asks_for_it_and_is_called_one():
    op = rs.solve(BISTABLE + ".nodeset v(a)=0\n")
    assert op["a"] == pytest.approx(0.0, abs=1e-12)
    assert op.certificate.stable is False
    assert "W208" in codes(op)


def test_where_only_an_unstable_state_exists_the_answer_says_so():
    op = rs.solve("hill\nI1 0 a 1\nR1 a 0 -1\nR2 a 0 4\n")
    assert op["a"] == pytest.approx(-4.0 / 3.0)
    assert op.certificate.ok and op.certificate.stable is False and op.unique == "unique"
    (said,) = (d for d in op.diagnostics if d.code == "W208")
    assert said.message.endswith("the slightest disturbance leads away from it")


def test_what_bends_up_everywhere_is_stable_and_unique():
    for circuit in (rs.generators.grid(6, seed=1), rs.generators.ladder(3)):
        op = rs.solve(circuit)
        assert op.certificate.stable is True and op.unique == "unique"
    op = rs.solve("shunted\nV1 a 0 1\nR1 a b 1\nR2 b 0 -3\n")
    assert op.certificate.stable is True and "W208" not in codes(op)
    many = rs.solve("shunted\nV1 a 0 1\nR1 a b 1\n", inputs={"v1": np.arange(3.0)})
    assert many.certificate.stable is True


def test_what_a_table_adds_counts():
    # between a and ground 1 S, and 3 S above 1 V, beside a negative conductance
    table = "I1 0 a .1\nR2 a 0 m\n.model m R(table=(-2,-4, -1,-1, 1,1, 2,4))\n"
    for ohms, at, stable in ((-2.0, 0.2, True), (-0.5, 2.1, True), (-0.5, -0.1, None)):
        op = rs.solve(f"table\n{table}R1 a 0 {ohms}\n.nodeset v(a)={at}\n")
        assert op.certificate.ok and op["a"] == pytest.approx(at)
        assert op.certificate.stable is stable and ("W208" in codes(op)) == (stable is None)


def random_circuit(seed: int):
    """Nodes with conductances of either sign, held by diodes to supplies and to each other."""
    rng = np.random.default_rng(seed)
    free = int(rng.integers(1, 7))
    n = free + 3  # ground, high, low
    edges = [(k, 0, float(rng.normal(0.3, 1.0))) for k in range(3, n)]
    for k in range(3, n):
        for j in range(3, k):
            if rng.random() < 0.7:
                edges.append((k, j, float(rng.normal(0.0, 1.0))))
    high, low = 1.0, float(-rng.uniform(0.2, 1.0))
    diodes = [d for k in range(3, n) for d in ((k, 1, 0.0), (2, k, 0.0))]
    for _ in range(12 - len(diodes)):
        if free > 1 and rng.random() < 0.3:
            p, q = rng.choice(np.arange(3, n), 2, replace=False)
            diodes.append((int(p), int(q), float(rng.uniform(0.1, 0.5))))
    amps = np.concatenate((np.zeros(3), rng.normal(size=free)))
    b = rs.CircuitBuilder(f"random {seed}")
    names = ["0", "high", "low", *(f"n{k}" for k in range(free))]
    b.voltage_source("vh", "high", "0", high)
    b.voltage_source("vl", "low", "0", low)
    for k, (p, q, g) in enumerate(edges):
        b.resistor(f"r{k}", names[p], names[q], 1.0 / g)
    for k, (p, q, drop) in enumerate(diodes):
        b.diode(f"d{k}", names[p], names[q], v_forward=drop)
    for k in range(3, n):
        b.current_source(f"i{k}", "0", names[k], float(amps[k]))

    # supplies are ground, and drops from there, to the witness
    def held(node: int) -> tuple[int, float]:
        return (0, (0.0, high, low)[node]) if node < 3 else (node - 2, 0.0)

    told = []
    for p, q, drop in diodes:
        (a, va), (c, vc) = held(p), held(q)
        told.append((a, c, drop + vc - va))
    bare = [(held(p)[0], held(q)[0], g) for p, q, g in edges]
    return b.build(), (free + 1, bare, np.concatenate(([0.0], amps[3:])), told)


def agrees(seed: int) -> bool:
    """Solve, and compare with enumeration; tell whether there were several states."""
    circuit, parts = random_circuit(seed)
    known = states(*parts)
    op = rs.solve(circuit)
    v = op.node_voltages[[0, *range(3, len(circuit.nodes))]]
    assert op.certificate.ok, seed
    near = [minimum for w, minimum in known if np.allclose(v, w, atol=1e-6)]
    assert near == [True], seed
    assert op.certificate.stable is True, seed
    if op.unique == "unique":
        assert len(known) == 1, seed
    return len(known) > 1


def test_states_agree_with_enumeration():
    assert sum(agrees(seed) for seed in range(20)) > 5


@pytest.mark.long
def test_many_states_agree_with_enumeration():
    for seed in range(20, 2000):
        agrees(seed)


# ---- Hopfield networks ----


def hopfield(seed: int, n: int, spread: float) -> tuple[rs.Circuit, np.ndarray, np.ndarray]:
    """A network of hard sigmoids as a circuit, its matrix and its biases."""
    rng = np.random.default_rng(seed)
    w = np.triu(rng.normal(size=(n, n)) * spread / np.sqrt(n), 1)
    w, bias = w + w.T, rng.normal(size=n)
    b = rs.CircuitBuilder(f"Hopfield {n}")
    top = b.nodes(["one"])
    b.voltage_sources("vone", top, 0, 1.0)
    p, q = np.triu_indices(n, 1)
    units = b.nodes("s", n)
    b.resistors("rw", units[p], units[q], 1.0 / w[p, q])
    b.resistors("rs", units, 0, 1.0 / (1.0 - w.sum(axis=1)))
    b.current_sources("ib", 0, units, bias)
    b.diodes("du", units, np.repeat(top, n))
    b.diodes("dl", 0, units)
    return b.build(), np.eye(n) - w, bias


@numba.njit
def descent(k, bias, x):
    """Plain coordinate descent between 0 and 1."""
    moved = 1.0
    while moved > 1e-14:
        moved = 0.0
        for j in range(len(x)):
            left = bias[j]
            for i in range(len(x)):
                left -= k[j, i] * x[i]
            there = min(max(x[j] + left / k[j, j], 0.0), 1.0)
            moved = max(moved, abs(there - x[j]))
            x[j] = there


def descended(k: np.ndarray, bias: np.ndarray) -> float:
    """The energy where plain coordinate descent from zero ends."""
    x = np.zeros(len(bias))
    descent(k, bias, x)
    return float(0.5 * x @ k @ x - bias @ x)


@pytest.mark.parametrize(("n", "spread"), [(12, 1.0), (20, 2.0), (40, 3.0), (80, 3.0)])
def test_hopfield_networks_end_in_stable_states(n, spread):
    for seed in range(5):
        k = ends_in_a_stable_state(seed, n, spread)
        assert np.linalg.eigvalsh(k)[0] < 0


def ends_in_a_stable_state(seed: int, n: int, spread: float) -> np.ndarray:
    """Solve a network and look at its state; return its matrix."""
    circuit, k, bias = hopfield(seed, n, spread)
    op = rs.solve(circuit)
    x = np.array([op[f"s{j}"] for j in range(n)])
    assert op.certificate.ok and op.certificate.stable is True, seed
    assert 0.5 * x @ k @ x - bias @ x <= descended(k, bias) + 1e-9, seed
    inside = np.flatnonzero((x > 1e-9) & (x < 1 - 1e-9))
    assert not len(inside) or np.linalg.eigvalsh(k[np.ix_(inside, inside)])[0] > 0, seed
    return k


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_hopfield_networks_end_in_stable_states(block):
    for seed in range(100 * block, 100 * block + 100):
        rng = np.random.default_rng(seed)
        # 10 to 1,000 units, the lowest eigenvalue down to -5
        ends_in_a_stable_state(seed, int(10 * 100 ** rng.random()), rng.uniform(0.3, 3.0))


def test_a_start_chooses_the_state():
    circuit, _, _ = hopfield(1, 20, 3.0)
    found = set()
    for seed in range(6):
        start = np.random.default_rng(seed).integers(0, 2, 20)
        op = rs.solve(circuit, start={f"s{j}": float(x) for j, x in enumerate(start)})
        assert op.certificate.stable
        found.add(tuple(op.node_voltages.round(6)))
    assert len(found) > 1


def test_a_saddle_that_descent_starts_on_is_left():
    # 7 pairs of nodes that push each other apart; nothing at zero says which way
    lines = ["pairs", "Vh h 0 1", "Vl l 0 -1"]
    for k in range(7):
        lines += [f"Rc{k} a{k} b{k} -1"]
        for node in (f"a{k}", f"b{k}"):
            lines += [
                f"Rs{node} {node} 0 .6",
                f"Du{node} {node} h ideal",
                f"Dl{node} l {node} ideal",
            ]
    op = rs.solve("\n".join([*lines, ".model ideal D(Ron=0)"]))
    assert op.certificate.stable is True
    assert all(abs(op[f"a{k}"] - op[f"b{k}"]) == pytest.approx(2.0) for k in range(7))


def test_layered_hopfield_networks_are_that_energy():
    sizes = [5, 14, 6, 3]
    for seed in range(4):
        circuit = rs.generators.hopfield(sizes, spread=4.0, bias=0.5, seed=seed)
        x = np.random.default_rng(seed).uniform(0, 1, sizes[0])
        op = rs.solve(circuit.with_values({f"v{k}": float(u) for k, u in enumerate(x)}))
        assert op.certificate.ok and op.certificate.stable is True
        s = np.array([op[f"h{k}_{j}"] for k in (1, 2) for j in range(sizes[k])])
        s = np.concatenate((x, s, [op[f"o{j}"] for j in range(3)]))
        w = np.zeros((len(s), len(s)))
        starts = np.cumsum([0, *sizes])
        for name, ohms in zip(circuit.resistors.names, circuit.resistors.ohms, strict=True):
            if name.startswith("rw"):
                layer, i, j = map(int, name[2:].split("_"))
                a, b = starts[layer - 1] + i, starts[layer] + j
                w[a, b] = w[b, a] = 1.0 / ohms
        bias = np.concatenate((np.zeros(sizes[0]), circuit.current_sources.amps))
        slope = s - w @ s - bias
        free = (s > 1e-9) & (s < 1 - 1e-9)
        free[: sizes[0]] = False
        own = np.arange(len(s)) >= sizes[0]
        assert np.abs(slope[free]).max(initial=0) < 1e-9
        assert (slope[own & (s < 1e-9)] > -1e-9).all()
        assert (slope[own & (s > 1 - 1e-9)] < 1e-9).all()
        inside = np.eye(free.sum()) - w[np.ix_(free, free)]
        assert not free.any() or np.linalg.eigvalsh(inside)[0] > 0


TRIGGERS = {
    "jump": ("B1 o 0 V='v(p)>v(i) ? 10 : 0'", (0.0, 10.0), 4.0),
    "sign": ("B1 o 0 V='5*sgn(v(p,i))+5'", (0.0, 10.0), 4.0),
    "rails": ("B1 o 0 V='max(-5,min(5,100*v(p,i)))'", (-5.0, 5.0), 200.0 / 49.0),
    "table": ("E1 o 0 TABLE {v(p,i)} (-.1,-5) (.1,5)", (-5.0, 5.0), 100.0 / 24.0),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_rests_at_an_end_unless_it_is_asked_to_stand_between(name):
    """By hand: p = o / 2 rises faster than o asks for, wherever o is between its ends."""
    card, ends, between = TRIGGERS[name]
    deck = f"trigger\nV1 i 0 2\n{card}\nR1 o p 10k\nR2 p 0 10k\n"
    op = rs.solve(deck)
    assert op.certificate.ok and op.unique == "one of several"
    assert any(op.voltage("o") == pytest.approx(end) for end in ends)
    asked = rs.solve(deck, start={"o": between, "p": between / 2})
    assert asked.voltage("o") == pytest.approx(between)
    assert "W208" in [d.code for d in asked.diagnostics]


@pytest.mark.parametrize("name", [*TRIGGERS, "tanh"])
@pytest.mark.parametrize("upwards", [True, False])
def test_a_swept_trigger_stays_where_it_is_as_long_as_that_is_a_state(name, upwards):
    """By hand: at an end p is half of that, and the trigger turns when the input passes p."""
    card = TRIGGERS.get(name, ("B1 o 0 V='5*tanh(40*v(p,i))'", (-5.0, 5.0)))
    low, high = card[1]
    inputs = np.arange(-4.25, 9.5, 0.5)
    inputs = inputs if upwards else inputs[::-1]
    deck = f"trigger\nV1 i 0 0\n{card[0]}\nR1 o p 10k\nR2 p 0 10k\n"
    op = rs.sweep(deck, v1=inputs)
    by_parameter = rs.sweep(deck.replace("i 0 0", "i 0 {k}") + ".param k=0\n", k=inputs)
    np.testing.assert_allclose(by_parameter.voltage("o"), op.voltage("o"), atol=1e-9)
    end = high if upwards else low  # above p it is low, below it is high
    expected = np.where(inputs > end / 2, low, high)
    np.testing.assert_allclose(op.voltage("o"), expected, atol=1e-4)
    assert op.certificate.ok and not op.unsolved


def test_a_latch_and_gates_in_parallel_rest_at_their_ends():
    latch = "latch\nB1 q 0 V='v(n)>.5?0:1'\nB2 n 0 V='v(q)>.5?0:1'\nR1 q 0 1k\nR2 n 0 1k\n"
    op = rs.solve(latch)
    assert sorted((op.voltage("q"), op.voltage("n"))) == [0.0, 1.0]
    gate = "B# o# 0 V='5*sgn(v(p)-.1)'\nR# o# p 10k\n"
    both = f"gates\n{gate.replace('#', '1')}{gate.replace('#', '2')}R3 p 0 10k\n"
    op = rs.solve(both)
    assert op.voltage("o1") == op.voltage("o2") == pytest.approx(3 * op.voltage("p") / 2)
    assert abs(op.voltage("o1")) == 5.0 and not op.floating
