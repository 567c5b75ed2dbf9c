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
from .jobs import failure
from .state import Reader, State

#: epochs of a run, and resistors of a circuit that is watched
MOST_EPOCHS, MOST_RESISTORS = 5_000, 500


def frames(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a run: its network first, then a frame an epoch, at last the deck that has learned.

    Parameters
    ----------
    data : mapping
        A state; ``inputs`` (sources), ``outputs`` (nodes or pairs), ``X``, ``Y`` (a row a
        sample) and ``epochs``.
    """
    try:
        circuit = Reader().circuit(State.of(data))
        if len(circuit.resistors) > MOST_RESISTORS:
            raise UsageError(f"more than {MOST_RESISTORS} resistors are too many to watch")
        yield from _run(circuit, data)
    except ResnetSimError as error:
        yield {"failed": failure(error)["diagnostics"]}


def _run(circuit: Circuit, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    outputs = [tuple(o) if isinstance(o, list) else o for o in data["outputs"]]  # pairs
    net = Network(circuit, data["inputs"], outputs, "r*")
    X, Y = np.array(data["X"], dtype=np.float64), np.array(data["Y"], dtype=np.float64)
    rate = 0.03 * float(np.median(1.0 / circuit.resistors.ohms))
    epochs = min(int(data.get("epochs", 200)), MOST_EPOCHS)
    trainer = Trainer(net, EquilibriumPropagation(), optimizer=Adam(lr=rate))
    yield {"network": _network(circuit), "epochs": epochs}
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
    return ((spots - low) / np.where(high > low, high - low, 1.0)).round(4).tolist()  # type: ignore[no-any-return]
