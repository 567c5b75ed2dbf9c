"""A training run to watch: conductances and costs, epoch by epoch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import ResnetSimError, UsageError
from ..model.circuit import Circuit
from ..netlist import format_netlist
from ..training import Adam, EquilibriumPropagation, Network, Trainer
from ..training.data.tables import parse_table
from ..training.named import output
from .jobs import failure
from .state import Reader, State

#: epochs of a run, and resistors of a circuit that is watched
MOST_EPOCHS, MOST_RESISTORS = 5_000, 500


def frames(data: Mapping[str, Any], reader: Reader) -> Iterator[dict[str, Any]]:
    """Yield a run: its network first, then a frame an epoch, at last the deck that has learned.

    Parameters
    ----------
    data : mapping
        A state; ``inputs`` (sources), ``outputs`` (nodes or pairs), ``X``, ``Y`` (a row a
        sample) and ``epochs``; or ``csv``, the text of a table whose columns are called like
        sources and outputs.
    reader : Reader
    """
    try:
        circuit = reader.circuit(State.of(data))
        if len(circuit.resistors) > MOST_RESISTORS:
            raise UsageError(f"more than {MOST_RESISTORS} resistors are too many to watch")
        samples = _of_table(circuit, str(data["csv"])) if "csv" in data else {}
        yield from _run(circuit, {**data, **samples}, samples)
    except ResnetSimError as error:
        yield {"failed": failure(error)["diagnostics"]}


def _of_table(circuit: Circuit, text: str) -> dict[str, Any]:
    """Return what a table of samples says, and which nodes are to be marked."""
    table = parse_table("the table", text)
    known = {*circuit.voltage_sources.names, *circuit.current_sources.names}
    names = [title.lower() for title in table.header]
    inputs = [k for k, name in enumerate(names) if name in known]
    targets = [k for k, name in enumerate(names) if name not in known]
    if not inputs or not targets:
        raise UsageError(
            "the first line of the table names sources and outputs: v1,v2,out or v1,"
            '"v(o1,o2)"; each other line is a sample, in volts and amperes'
        )
    outputs = [output(names[k]) for k in targets]
    places = [circuit.element(names[k]) for k in inputs]
    ends = {circuit.nodes[end[k]] for k in places for end in circuit.terminals} - {"0"}
    watched = {node for pair in outputs for node in (pair if isinstance(pair, tuple) else (pair,))}
    return {
        "inputs": [names[k] for k in inputs],
        "outputs": outputs,
        "X": table.numbers(inputs).tolist(),
        "Y": table.numbers(targets).tolist(),
        "columns": [table.header[k] for k in inputs],
        "sources": sorted(ends),
        "watched": sorted(watched),
    }


def _run(
    circuit: Circuit, data: Mapping[str, Any], samples: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    outputs = [tuple(o) if isinstance(o, list) else o for o in data["outputs"]]  # pairs
    net = Network(circuit, data["inputs"], outputs, "r*")
    X, Y = np.array(data["X"], dtype=np.float64), np.array(data["Y"], dtype=np.float64)
    rate = 0.03 * float(np.median(1.0 / circuit.resistors.ohms))
    epochs = min(int(data.get("epochs", 200)), MOST_EPOCHS)
    trainer = Trainer(net, EquilibriumPropagation(), optimizer=Adam(lr=rate))
    yield {"network": _network(circuit), "epochs": epochs, "samples": samples}
    yield _frame(trainer, X, Y, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one epoch at a time is no trend
        for epoch in range(epochs):
            trainer.fit(X, Y, 1)
            yield _frame(trainer, X, Y, epoch + 1)
    yield {"deck": format_netlist(net.circuit)}


def _frame(trainer: Trainer, X: Any, Y: Any, epoch: int) -> dict[str, Any]:
    """Return where a run is: mean squared error (V^2), answers (V), conductances (S)."""
    answers = trainer.predict(X)
    siemens = 1.0 / trainer.net.circuit.resistors.ohms
    return {
        "epoch": epoch,
        "cost": float(((answers - Y) ** 2).mean()),
        "answers": answers.tolist(),
        "siemens": siemens.tolist(),
    }


def _network(circuit: Circuit) -> dict[str, Any]:
    """Return the nodes at their places, and what joins them."""
    p, q = circuit.terminals
    edges = []
    for table in (circuit.resistors, circuit.diodes):
        first = circuit.first[table.plural]
        ends = zip(p[first:].tolist(), q[first:].tolist(), table.names, strict=False)
        edges += [[name, table.kind, a, b] for a, b, name in ends]
    return {"nodes": list(circuit.nodes), "places": _places(circuit, edges), "edges": edges}


def _places(circuit: Circuit, edges: list[list[Any]]) -> list[list[float]]:
    """Return a place in the unit square for each node."""
    import networkx

    graph: Any = networkx.Graph()
    graph.add_edges_from((a, b) for _, _, a, b in edges)
    found = networkx.kamada_kawai_layout(graph)
    spots = np.array([found.get(k, (0.0, 0.0)) for k in range(len(circuit.nodes))])
    low, high = spots.min(axis=0), spots.max(axis=0)
    return ((spots - low) / np.where(high > low, high - low, 1.0)).round(4).tolist()
