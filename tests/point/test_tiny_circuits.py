"""Linear circuits of a few elements, anything across anything, against exact nodal analysis.

Sources stand across sources, control themselves and each other; most such circuits have no
solution, or many, and then what has one must have it, and the rest must be said to have none.
"""

import math
from fractions import Fraction
from random import Random

import pytest
from rationals import ONE, ZERO, add, solve_dense

import resnet_sim as rs

#: those whose current is an unknown
BRANCHES = "vehl"
#: letter, name, both ends, what controls, value
Element = tuple[str, str, str, str, tuple[str, ...], Fraction]


def tiny(seed: int) -> list[Element]:
    """Return a few elements between a few nodes."""
    rng = Random(seed)
    nodes = ["0", *(f"n{k}" for k in range(1, rng.randint(2, 6)))]
    kinds = rng.choice(["rviefgh", "rrrvefgh", "rrvf", "rrvhf", "rreg", "rrviefghl", "rvfl"])
    letters = ["v", *rng.choices(kinds, k=rng.randint(2, 3 * len(nodes)))]
    sensed = [f"{letter}{k}" for k, letter in enumerate(letters) if letter in BRANCHES]
    found = []
    for k, letter in enumerate(letters):
        control = {"e": rng.sample(nodes, 2), "g": rng.sample(nodes, 2)}.get(letter, [])
        control = [rng.choice(sensed)] if letter in "fh" else control
        value = Fraction(rng.choice([1, 2, 3, -1, -2, 4, 5])) / rng.choice([1, 1, 2])
        value = abs(value) if letter == "r" and rng.random() < 0.9 else value
        value = ZERO if letter == "l" else value
        found.append((letter, f"{letter}{k}", *rng.sample(nodes, 2), tuple(control), value))
    return found


def deck(elements: list[Element]) -> str:
    cards = (f"{n} {p} {q} {' '.join(c)} {float(x):g}" for _, n, p, q, c, x in elements)
    return "\n".join(["tiny", *cards, ""])


def solutions(elements: list[Element]) -> dict[str, Fraction | None] | None:
    """Return the voltages and the currents of `BRANCHES`, None for each that may be anything.

    None if the circuit has no solution.
    """
    nodes = {n for e in elements for n in (*e[2:4], *(e[4] if e[0] in "eg" else ()))} - {"0"}
    leaving = {node: {} for node in ("0", *sorted(nodes))}
    laws = []
    for letter, name, p, q, control, value in elements:
        volts = {f"v({p})": Fraction(1)}
        add(volts, {f"v({q})": Fraction(1)}, Fraction(-1))
        sensed = {f"i({c})": value for c in control}
        if letter in "eg":
            sensed = {f"v({control[0]})": value, f"v({control[1]})": -value}
        sensed = sensed or {ONE: value}
        amps = {key: x / value for key, x in volts.items()} if letter == "r" else sensed
        if letter in BRANCHES:
            amps = {f"i({name})": Fraction(1)}
            add(volts, sensed, Fraction(-1))
            laws.append(volts)
        add(leaving[p], amps, Fraction(1))
        add(leaving[q], amps, Fraction(-1))
    del leaving["0"]
    names = [f"v({node})" for node in leaving]
    names += [f"i({e[1]})" for e in elements if e[0] in BRANCHES]
    rows = [
        [*(row.get(name, ZERO) for name in names), -row.get(ONE, ZERO)]
        for row in (*leaving.values(), *laws)
    ]
    found = solve_dense(rows, len(names))
    if found is None:
        return None
    moves = [any(direction[k] for direction in found[1]) for k in range(len(names))]
    return {n: None if m else x for n, x, m in zip(names, found[0], moves, strict=True)}


def check(seed: int) -> bool:
    """Compare a tiny circuit with its witness; tell whether it has exactly one solution."""
    elements = tiny(seed)
    text, exact = deck(elements), solutions(elements)
    told = f"tiny({seed})\n{text}"
    try:
        op = rs.solve(text)
    except (rs.TopologyError, rs.ConvergenceError) as error:
        assert exact is None, f"{told}{error}"
        return False
    assert exact is not None, told
    assert op.certificate.ok, told
    for name, value in exact.items():
        ours, which = op[name], name[2:-1]
        if value is not None:
            assert ours == pytest.approx(float(value), rel=1e-9, abs=1e-9), f"{told}{name}"
        elif op.unique != "one of several":
            said = math.isnan(ours) or which in op.nonunique or which in op.floating
            assert said, f"{told}{name} may be anything, not {ours}"
    return None not in exact.values()


def test_tiny_circuits_are_solved_as_exact_equations_are():
    assert sum(map(check, range(400))) > 100


@pytest.mark.parametrize("seed", [2704, 8400, 20876])
def test_sources_that_pass_on_nothing_but_rounding_are_certified(seed):
    check(seed)


def test_what_corrections_of_corrections_leave_contradicts_nothing():
    """1e-51 of what is 3.5 A elsewhere, where a row should be all zero."""
    check(15600)


@pytest.mark.parametrize("seed", [1133, 3746, 10247, 10626, 11741])
def test_what_drifts_as_a_whole_carries_what_it_carried(seed):
    """Currents are defined though nodes float."""
    check(seed)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_many_tiny_circuits_are_solved_as_exact_equations_are(block):
    assert sum(map(check, range(1000 * (block + 1), 1000 * (block + 2)))) > 300


@pytest.mark.parametrize("card", ["V1 c 0 1", "E1 c 0 a 0 1", "H1 c 0 va -1k"])
@pytest.mark.parametrize("gain", [2.0, -0.5, 1e3])
def test_a_source_may_drive_the_current_that_controls_it(card, gain):
    """What is left over at the node: i + 1 mA + gain i = 0."""
    name = card.split()[0]
    op = rs.solve(f"own\nVa a 0 1\nRa a 0 1k\n{card}\nR2 c 0 1k\nF1 c 0 {name} {gain}\n")
    assert op.certificate.ok
    assert op.current(name) == pytest.approx(-1e-3 / (1 + gain), rel=1e-12)


def test_a_current_that_closes_a_loop_is_known_to_later_stages():
    """The H says what it carries, and the F what is left for v1: 2 i - i + 1 - 1 = 0."""
    op = rs.solve("loops\nF0 a 0 V1 2\nV1 0 a -1\nH3 0 a H3 1\nI4 0 a 1\n")
    assert op.certificate.ok
    assert op.current("h3") == -1.0
    assert op.current("v1") == pytest.approx(0.0, abs=1e-15)


def test_what_a_loop_moves_floats_with_what_it_hangs_on():
    op = rs.solve("adrift\nV0 a b .5\nE1 b c a c 3\n")
    assert op.floating == ("a", "b", "c")
    assert op.voltage("b", "c") == pytest.approx(-0.75)
