"""Whole columns of elements give the circuit that the same elements give one by one."""

import dataclasses
import math
import time

import numpy as np
import pytest

from resnet_sim import Circuit, CircuitBuilder, UsageError

N = 5


def rows(circuit: Circuit) -> list:
    tables = [dataclasses.asdict(table) for table in circuit.tables.values()]
    return [
        {
            key: value.tolist() if isinstance(value, np.ndarray) else value
            for key, value in t.items()
        }
        for t in tables
    ]


def one_by_one() -> Circuit:
    b = CircuitBuilder()
    for k in range(N):
        b.node(f"n{k}")
    for k in range(N):
        b.resistor(f"r{k}", f"n{k}", "0", 1.0 + k)
        b.voltage_source(f"v{k}", f"n{k}", "gnd", 2.0)
        b.current_source(f"i{k}", "0", f"n{k}", -k)
        b.diode(f"d{k}", f"n{k}", "n0", v_forward=0.1 * k, r_on=1e-3, r_off=1e6 + k)
    b.resistor("r_last", "n1", "new", math.inf)
    return b.build()


def by_column() -> Circuit:
    b = CircuitBuilder()
    n = b.nodes("N", N)
    b.resistors("R", n, 0, 1.0 + np.arange(N))
    b.voltage_sources([f"V{k}" for k in range(N)], n, 0, 2.0)
    b.current_sources("i", np.zeros(N, dtype=int), n, -np.arange(N))
    b.diodes("d", n, n[0], v_forward=0.1 * np.arange(N), r_on=1e-3, r_off=1e6 + np.arange(N))
    b.resistor("r_last", "n1", "new", math.inf)
    return b.build()


def test_columns_and_rows_give_the_same_circuit():
    assert rows(by_column()) == rows(one_by_one())
    assert by_column().nodes == one_by_one().nodes


def test_columns_and_rows_may_alternate_and_keep_their_order():
    b = CircuitBuilder()
    n = b.nodes(["a", "b", "A"])
    b.resistor("first", "a", "b", 1.0)
    b.resistors("x", n, 0, [1.0, 2.0, 3.0])
    b.resistor("between", "b", "0", 4.0)
    b.resistors(["last"], n[:1], n[1:2], 5.0)
    table = b.build().resistors
    assert table.names == ("first", "x0", "x1", "x2", "between", "last")
    assert table.ohms.tolist() == [1.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert (table.p.tolist(), table.q.tolist()) == ([1, 1, 2, 1, 2, 1], [2, 0, 0, 0, 0, 2])
    assert b.build().nodes == ("0", "a", "b")


def test_a_source_of_a_column_can_be_what_controls():
    b = CircuitBuilder()
    n = b.nodes("n", 3)
    b.inductor("l", "n0", "n1")
    b.voltage_sources("v", n, 0, 1.0)
    b.voltage_source("w", "n0", "0")
    b.cccs("f", "n1", "0", "v2", 3.0)
    b.ccvs("h", "n1", "0", "w", 3.0)
    circuit = b.build()
    assert [circuit.element_names[k] for k in circuit.controlled_sources.index] == ["v2", "w"]


def test_arrays_of_the_caller_stay_as_they_are():
    b = CircuitBuilder()
    ohms, n = np.ones(3), b.nodes("n", 3)
    b.resistors("r", n, 0, ohms)
    circuit = b.build()
    ohms[0] = n[0] = 7
    assert circuit.resistors.ohms.tolist() == [1.0, 1.0, 1.0]
    assert circuit.resistors.p.tolist() == [1, 2, 3]


@pytest.mark.parametrize("known", [[], ["b"]])
def test_nodes_are_made_once(known):
    b = CircuitBuilder()
    for name in known:
        b.node(name)
    numbers = b.nodes(["a", "b", "gnd", "A", "0", "c"])
    assert numbers[[2, 4]].tolist() == [0, 0]
    assert numbers[0] == numbers[3] == b.node("a")
    assert sorted(b.build().nodes) == ["0", "a", "b", "c"]
    assert b.nodes("n", 0).tolist() == []


def test_no_rows_are_no_rows():
    b = CircuitBuilder()
    none = b.nodes([])
    b.resistors("r", none, none, 1.0)
    b.diodes([], none, none)
    assert b.build().n_elements == 0


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda b, n: b.resistors(["ra", "RA"], n[:2], 0, 1.0), "two elements called ra"),
        (lambda b, n: b.resistors(["ra", "R1"], n[:2], 0, 1.0), "two elements called r1"),
        (lambda b, n: b.resistors("q", n, 0, [1, math.nan, 1]), "nan of q1 is not finite"),
        (lambda b, n: b.resistors("q", n, 0, -math.inf), "-inf of q0 is not finite"),
        (lambda b, n: b.voltage_sources("q", n, 0, math.inf), "inf of q0 is not finite"),
        (lambda b, n: b.diodes("q", n, 0, v_forward=[0, 0, math.nan]), "-v_reverse <= v_forward"),
        (lambda b, n: b.diodes("q", n, 0, v_forward=math.inf), "inf of q0 is not finite"),
        (lambda b, n: b.diodes("q", n, 0, r_on=[1, -1, 1]), "0 <= r_on"),
        (lambda b, n: b.diodes("q", n, 0, r_on=2.0, r_off=1.0), "0 <= r_on"),
        (lambda b, n: b.diodes("q", n, 0, v_reverse=math.nan), "-v_reverse"),
        (lambda b, n: b.resistors("q", n, 4, 1.0), "within 0 to 3"),
        (lambda b, n: b.resistors("q", n, -1, 1.0), "within 0 to 3"),
        (lambda b, n: b.resistors("q", n, ["n0", "n1", "n2"], 1.0), "node numbers"),
        (lambda b, n: b.resistors("q", n, 0, [1.0, 2.0]), "3 names"),
        (lambda b, n: b.resistors(["qa"], n, 0, 1.0), "1 names"),
        (lambda b, n: b.resistors("q", n, 0, np.ones((3, 1))), "3 names"),
        (lambda b, n: b.nodes("n"), "how many"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_no_trace(add, message):
    b = CircuitBuilder()
    n = b.nodes("n", 3)
    b.resistors("r", n, 0, 1.0)
    with pytest.raises(UsageError, match=message):
        add(b, n)
    assert b.build().n_elements == 3
    b.resistors(["ra", "q0"], n[:2], 0, 1.0)


def test_building_is_fast():
    count = 200_000
    best = math.inf
    for _ in range(3):
        started = time.process_time()
        b = CircuitBuilder()
        n = b.nodes("n", count + 1)
        b.resistors("r", n[1:], n[:-1], 1.0)
        assert b.build().n_elements == count
        best = min(best, time.process_time() - started)
    # a quarter of what a busy machine does
    assert count / best > 200_000


def test_columns_may_be_empty_and_a_builder_builds_again():
    b = CircuitBuilder()
    n = b.nodes("n", 3)
    b.resistors("e", n[:0], n[:0], 1.0)
    b.resistors("r", n, 0, 1.0)
    b.resistors("none", n[:0], n[:0], 1.0)
    first = b.build().resistors
    assert (first.names, first.file.tolist()) == (("r0", "r1", "r2"), [-1, -1, -1])
    b.resistors("s", n, 0, 2.0)
    assert b.build().resistors.ohms.tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    empty = CircuitBuilder()
    empty.resistors("e", [], [], 1.0)
    empty.resistors("f", [], [], 1.0)
    assert empty.build().n_elements == 0
