"""Whatever is given to a public function: it is taken, or the answer says what is wrong with it."""

import math

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.errors import ResnetSimError

CIRCUIT = rs.parse_netlist(
    "t\n.param k=2\nv1 a 0 1\nv2 b 0 2\nr1 a c 1k\nr2 b c {k*1k}\nr3 c 0 3k\ns1 c 0 a 0 sm\n"
    ".model sm sw(vt=5 ron=10 roff=1e6)\n"
)
NETWORK = tr.Network("n\nv1 a 0 1\nv2 b 0 1\nr1 a o 1k\nr2 b o 1k\nr3 o 0 2k", ["v1", "v2"], ["o"])
OP = rs.solve(CIRCUIT)
SAMPLES = rs.monte_carlo(CIRCUIT, {"r1": 0.1}, 3)
X, Y = np.ones((3, 2)), np.full((3, 1), 0.5)


def trainer():
    return tr.Trainer(NETWORK, "adjoint", "squared", "sgd")


CALLS = {
    "solve": rs.solve,
    "solve(method=)": lambda odd: rs.solve(CIRCUIT, method=odd),
    "solve(tolerance=)": lambda odd: rs.solve(CIRCUIT, tolerance=odd),
    "solve(start=)": lambda odd: rs.solve(CIRCUIT, start=odd),
    "solve(start={a:})": lambda odd: rs.solve(CIRCUIT, start={"a": odd}),
    "solve(inputs=)": lambda odd: rs.solve(CIRCUIT, inputs=odd),
    "solve(inputs={v1:})": lambda odd: rs.solve(CIRCUIT, inputs={"v1": odd}),
    "sweep": lambda odd: rs.sweep(CIRCUIT, odd),
    "sweep(v1=)": lambda odd: rs.sweep(CIRCUIT, v1=odd),
    "sweep(k=)": lambda odd: rs.sweep(CIRCUIT, k=odd),
    "sweep(s1=)": lambda odd: rs.sweep(CIRCUIT, s1=odd),
    "run": rs.run,
    "read_netlist": rs.read_netlist,
    "parse_netlist": rs.parse_netlist,
    **{
        f"parse_netlist({name}=)": lambda odd, name=name: rs.parse_netlist(
            "t\nv1 a 0 1\n", **{name: odd}
        )
        for name in (
            "overrides",
            "forward_drop",
            "diodes",
            "dialect",
            "directory",
            "includes",
            "max_elements",
        )
    },
    "with_settings": CIRCUIT.with_settings,
    "with_settings(r1)": lambda odd: CIRCUIT.with_settings({"r1": odd}),
    "with_parameters": CIRCUIT.with_parameters,
    "with_switches": CIRCUIT.with_switches,
    "with_switches(s1)": lambda odd: CIRCUIT.with_switches({"s1": odd}),
    "with_conductances": CIRCUIT.with_conductances,
    "node": CIRCUIT.node,
    "element": CIRCUIT.element,
    "voltage": OP.voltage,
    "current": OP.current,
    "value": OP.value,
    "table": OP.table,
    "columns": OP.columns,
    "sensitivities": lambda odd: rs.sensitivities(CIRCUIT, odd),
    "transfer_function": lambda odd: rs.transfer_function(CIRCUIT, odd, "v1"),
    "transfer_function source": lambda odd: rs.transfer_function(CIRCUIT, "v(c)", odd),
    "monte_carlo": lambda odd: rs.monte_carlo(CIRCUIT, odd, 3),
    "monte_carlo(r1)": lambda odd: rs.monte_carlo(CIRCUIT, {"r1": odd}, 3),
    "monte_carlo(samples=)": lambda odd: rs.monte_carlo(CIRCUIT, {"r1": 0.1}, odd),
    **{
        f"monte_carlo({name}=)": lambda odd, name=name: rs.monte_carlo(
            CIRCUIT, {"r1": 0.1}, 3, **{name: odd}
        )
        for name in ("seed", "distribution", "sweep", "chunk", "executor")
    },
    "solve_many": lambda odd: rs.solve_many(odd, "v(c)"),
    "solve_many outputs": lambda odd: rs.solve_many([CIRCUIT], odd),
    "worst_case": lambda odd: rs.worst_case(CIRCUIT, odd, "v(c)"),
    "worst_case outputs": lambda odd: rs.worst_case(CIRCUIT, {"r1": 0.1}, odd),
    "worst_case(vertices=)": lambda odd: rs.worst_case(CIRCUIT, {"r1": 0.1}, "v(c)", vertices=odd),
    "statistics": lambda odd: rs.statistics(SAMPLES, odd),
    "statistics limits": lambda odd: rs.statistics(SAMPLES, {"v(c)": odd}),
    "supply_nets": lambda odd: rs.supply_nets(OP, odd),
    "measure": rs.measure,
    "format_netlist": lambda odd: rs.format_netlist(CIRCUIT, odd),
    "crossbar": lambda odd: rs.crossbar_currents([[1e-3, 1e-3]], odd),
    "from_adjacency": rs.Circuit.from_adjacency,
    "builder name": lambda odd: rs.CircuitBuilder("t").resistor(odd, "a", "b", 1),
    "builder node": lambda odd: rs.CircuitBuilder("t").resistor("r1", odd, "b", 1),
    "builder value": lambda odd: rs.CircuitBuilder("t").resistor("r1", "a", "b", odd),
    "Network inputs": lambda odd: tr.Network(NETWORK.circuit, odd, ["o"]),
    "Network outputs": lambda odd: tr.Network(NETWORK.circuit, ["v1"], odd),
    **{
        f"Network({name}=)": lambda odd, name=name: tr.Network(
            NETWORK.circuit, ["v1"], ["o"], **{name: odd}
        )
        for name in ("trainable", "biases", "g_min", "g_max", "precision", "parameters", "devices")
    },
    "free": NETWORK.free,
    "forward": NETWORK.forward,
    "rule": lambda odd: tr.Trainer(NETWORK, odd),
    "cost": lambda odd: tr.Trainer(NETWORK, "adjoint", odd),
    "optimizer": lambda odd: tr.Trainer(NETWORK, "adjoint", "squared", odd),
    "predict": lambda odd: trainer().predict(odd),
    "score": lambda odd: trainer().score(odd, Y),
    "score targets": lambda odd: trainer().score(X, odd),
    "fit inputs": lambda odd: trainer().fit(odd, Y, 1),
    "fit targets": lambda odd: trainer().fit(X, odd, 1),
    "fit epochs": lambda odd: trainer().fit(X, Y, odd),
    **{
        f"fit({name}=)": lambda odd, name=name: trainer().fit(X, Y, 1, **{name: odd})
        for name in ("batch_size", "validation", "callbacks", "early_stopping", "shards", "threads")
    },
    "gradient inputs": lambda odd: tr.gradient(NETWORK, odd, Y, "adjoint", "squared"),
    "gradient targets": lambda odd: tr.gradient(NETWORK, X, odd, "adjoint", "squared"),
}
ODD = {
    "nan": math.nan,
    "text": "abc",
    "bytes": b"abc",
    "object": object(),
    "complex": 1 + 2j,
    "numbers": [1, 2, 3],
    "texts": ["1k", "x"],
    "ragged": [[1, 2], [3]],
    "empty": np.empty(0),
    "array": np.ones((2, 2)),
    "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
    "set": {1, 2},
    "mapping": {"zz": 1},
    "negative": -5,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", CALLS)
def test_odd_arguments_are_taken_or_answered(call):
    for name, odd in ODD.items():
        try:
            CALLS[call](odd)
        except ResnetSimError as error:
            assert str(error)
        except Exception as error:
            raise AssertionError(f"{call} of {name}: {error!r}") from error


@pytest.mark.parametrize(
    ("call", "odd", "words"),
    [
        ("solve(method=)", ["newton"], "the method is a word, not list"),
        ("solve(start={a:})", [1, 2], "must be one number, not 2"),
        ("sensitivities", math.nan, "outputs are needed, such as .* not nan"),
        ("with_switches(s1)", math.nan, "closed .True. or open .False., not nan"),
        ("with_settings", [1], "go by name"),
        ("read_netlist", 3, "is a path, not 3"),
        ("parse_netlist(forward_drop=)", math.nan, "finite voltage"),
        ("parse_netlist(max_elements=)", "many", "whole number from 1 on"),
        ("statistics limits", 0.5, "are a pair, such as .* not float"),
        ("monte_carlo(chunk=)", 0.5, "chunk must be a whole number from 1 on, not 0.5"),
        ("score targets", 0.5, "targets have shape"),
        ("gradient targets", [], "there are no targets"),
        ("fit(threads=)", "two", "threads must be a whole number"),
        ("fit(callbacks=)", 1, "functions of the trainer"),
    ],
)
def test_the_answer_says_what_is_wrong(call, odd, words):
    with pytest.raises(rs.UsageError, match=words):
        CALLS[call](odd)


def test_names_that_differ_by_capitals_alone_are_one():
    for call in (CIRCUIT.with_values, CIRCUIT.with_settings, NETWORK.circuit.with_values):
        with pytest.raises(rs.UsageError, match="v1 is given twice"):
            call({"V1": 1.0, "v1": 2.0})
    with pytest.raises(rs.UsageError, match="inputs: v2 is given twice"):
        rs.solve(CIRCUIT, inputs={"v2": [1.0], "v1": [1.0], "V2": [2.0]})
    op = rs.solve(CIRCUIT, inputs={"V2": [1.0, 2.0]})
    assert list(op.sweep) == ["v2"]


def test_inputs_may_be_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"V2": [0.0, 3.0], "v1": [1.0, 2.0]}, index=[7, 8])
    wanted = rs.solve(CIRCUIT, inputs={"v1": [1.0, 2.0], "v2": [0.0, 3.0]})
    assert rs.solve(CIRCUIT, inputs=frame)["c"].tolist() == wanted["c"].tolist()


@pytest.mark.parametrize("odd", [{"r1": 1.0}, "abc", [1j, 1j, 1j], [1, 2], None])
def test_conductances_are_numbers(odd):
    with pytest.raises(rs.UsageError, match="conductances"):
        NETWORK.conductances = odd


def test_switches_are_swept_over_open_and_closed_alone():
    circuit = rs.parse_netlist(
        "switch\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k\ns1 b 0 a 0 sw\n.model sw sw(vt=9 ron=0)\n"
    )
    assert rs.sweep(circuit, s1=[0, True]).voltage("b").round(6).tolist() == [0.5, 0.0]
    for values in ([2], [0, 0.5], [-1]):
        with pytest.raises(rs.UsageError, match=r"s1 is a switch: it is swept over 0 \(open\) and"):
            rs.sweep(circuit, s1=values)
