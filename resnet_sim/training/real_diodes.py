"""From the ideal diode to a part that can be bought: what a trained network makes of that."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Floats, Ints
from ..errors import NetlistError, UsageError
from ..model.circuit import Circuit
from ..model.devices import DEVICES, Junctions, Table
from ..model.devices.device import number
from ..model.display import how_many
from ..model.names import selected
from .costs import Cost, CrossEntropy, SquaredError, is_labels
from .evaluate import predict, score
from .network import Network


def with_junctions(circuit: Circuit, rows: Ints, columns: Mapping[str, float]) -> Circuit:
    """Return the circuit with some of its piecewise-linear diodes as junctions.

    Names and nodes stay; only a number of an element may be another one.

    Parameters
    ----------
    circuit : Circuit
    rows : ndarray of int, shape (k,)
        Of ``circuit.diodes``.
    columns : mapping of str to float
        Columns of `Junctions`, the same for all of them.
    """
    if not len(rows):
        return circuit
    ideal = circuit.diodes
    kept = np.setdiff1d(np.arange(len(ideal)), rows)
    taken = ideal.some(rows)
    place = {name: getattr(taken, name) for name in ("names", "p", "q", "file", "line")}
    values: dict[str, Any] = {name: np.full(len(rows), value) for name, value in columns.items()}
    fresh = Junctions(**place, **values)
    old = circuit.tables.get("junctions")
    joined = _joined(old, fresh) if isinstance(old, Junctions) else fresh
    tables = {**circuit.tables, "diodes": ideal.some(kept), "junctions": joined}
    # what controls others has a number, and no diode controls: only what is behind them moves
    end, count = circuit.first["diodes"] + len(ideal), len(rows)
    tables = {name: device.moved(end, -count) for name, device in tables.items()}
    behind = 0
    for name in DEVICES:
        behind += len(tables[name]) if name in tables else 0
        if name == "junctions":
            break
    tables = {name: device.moved(behind - count, count) for name, device in tables.items()}
    return dataclasses.replace(circuit, tables=tables, rebuild=None)


def _joined(old: Table, fresh: Table) -> Table:
    """Return two tables of one device as one."""
    columns: dict[str, Any] = {}
    for column in dataclasses.fields(old):
        parts = getattr(old, column.name), getattr(fresh, column.name)
        is_tuple = isinstance(parts[0], tuple)
        columns[column.name] = (*parts[0], *parts[1]) if is_tuple else np.concatenate(parts)
    return dataclasses.replace(old, **columns)


#: parts by name -> the body of their D model, as in `examples/netlists`
PARTS: Mapping[str, str] = {
    "1n4148": "IS=2.52n N=1.752 RS=.568 BV=100 IBV=100u",
}

Part = str | Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Transfer:
    """What became of a network whose diodes are real.

    Attributes
    ----------
    net : Network
        With the real diodes, and what the other has learned; it can be trained on.
    diodes : tuple of str
        Which became real.
    ideal, real : ndarray of float, shape (B, n_outputs)
        Outputs before and after, V.
    before, after : float or None
        `Trainer.score` of either: the share of right classes, or ``1 - mse / variance``; None
        without targets.

    Examples
    --------
    >>> clamp = rs.parse_netlist("clamp\\nvin in 0 1\\nr1 in out 1k\\nd1 out 0")
    >>> net = tr.Network(clamp, ["vin"], ["out"])
    >>> found = tr.transfer(net, "1n4148", [[2.0]], [[0.0]])
    >>> found.diodes, found.shift.round(3)
    (('d1',), array([[0.6]]))
    """

    net: Network
    diodes: tuple[str, ...]
    ideal: Floats
    real: Floats
    before: float | None = None
    after: float | None = None

    @property
    def shift(self) -> Floats:
        """How far each output moves, shape (B, n_outputs), V."""
        return self.real - self.ideal

    def __str__(self) -> str:
        shift = np.abs(self.shift)
        if not shift.size:
            return "no samples"
        k, j = np.unravel_index(int(shift.argmax()), shift.shape)
        mean = np.sqrt((shift**2).mean())
        text = (
            f"{how_many(len(self.diodes), 'real diode')}: outputs move by {mean:.3g} V "
            f"(root mean square), at most {shift[k, j]:.3g} V: "
            f"{self.net.outputs.names[j]} of sample {k}"
        )
        if self.before is not None and self.after is not None:
            text += f"; score {self.before:.4g} before, {self.after:.4g} after"
        return text


def transfer(
    net: Network, part: Part, X: Any, Y: Any = None, *, diodes: str = "*", cost: Cost | None = None
) -> Transfer:
    """Tell how outputs and accuracy move when ideal diodes become real parts.

    What has been learned stays as it is.  To train with the part from the start give `Network`
    the circuit that `with_part` returns, to train on take `Transfer.net`.

    Parameters
    ----------
    net : Network
    part : str or mapping of str to float
        See `with_part`.
    X : array_like, shape (B, n_inputs)
        V or A.
    Y : array_like, optional
        Targets, V, or labels.
    diodes : str
        Those that become real: names and globs with commas between.
    cost : Cost, optional
        What decides on classes; by default the highest output.

    Raises
    ------
    UsageError
        If the part is no junction diode, or no diode is called like that.
    ConvergenceError, TopologyError
        If some sample has no operating point.

    Examples
    --------
    >>> b = rs.CircuitBuilder()
    >>> b.voltage_source("vin", "in", "0", 1.0)
    >>> b.resistor("r1", "in", "out", 1e3)
    >>> b.diode("d1", "out", "0")
    >>> net = tr.Network(b.build(), ["vin"], ["out"])
    >>> found = tr.transfer(net, "1n4148", [[-2.0], [2.0]])
    >>> found.ideal.ravel().round(3), found.real.ravel().round(3)
    (array([-2.,  0.]), array([-2. ,  0.6]))
    """
    names = _chosen(net.circuit, diodes)
    real = net.altered(lambda circuit: with_part(circuit, part, diodes=diodes))
    outputs = predict(net, X), predict(real, X)
    if Y is None:
        return Transfer(real, names, *outputs)
    cost = cost or (CrossEntropy() if is_labels(np.asarray(Y)) else SquaredError())
    return Transfer(real, names, *outputs, *(score(cost, found, Y) for found in outputs))


def with_part(circuit: Circuit, part: Part, *, diodes: str = "*") -> Circuit:
    """Return a circuit with a real part in place of its ideal diodes.

    Parameters
    ----------
    circuit : Circuit
    part : str or mapping of str to float
        ``"1n4148"``, the parameters of a D model as SPICE writes
        them, ``"IS=2.52n N=1.752 RS=.568"``, or as numbers, ``{"is": 2.52e-9}``.
    diodes : str
        Those that become real: names and globs with commas between.

    Raises
    ------
    UsageError
        If the part is no junction diode, or no diode is called like that.

    Examples
    --------
    >>> b = rs.CircuitBuilder()
    >>> b.current_source("i1", "0", "a", 1e-3)
    >>> b.diode("d1", "a", "0")
    >>> circuit = tr.with_part(b.build(), "IS=1e-14 N=1")
    >>> round(rs.solve(circuit).voltage("a"), 4)
    0.6551
    """
    columns = _columns(part)
    names = _chosen(circuit, diodes)
    table = circuit.diodes
    wanted = set(names)
    rows = np.array([k for k, name in enumerate(table.names) if name in wanted], dtype=np.int64)
    lost = rows[np.isfinite(table.v_reverse[rows])]
    if len(lost) and not np.isfinite(columns["breakdown"]):
        name = table.names[int(lost[0])]
        raise UsageError(f"{name} breaks down at {table.v_reverse[lost[0]]:g} V, the part does not")
    return with_junctions(circuit, rows, columns)


def _chosen(circuit: Circuit, wanted: str) -> tuple[str, ...]:
    """Return the names of the diodes that are meant."""
    if not len(circuit.diodes):
        raise UsageError("the circuit has no ideal diodes")
    globs = [glob.strip() for glob in wanted.split(",")]
    return selected(circuit.diodes.names, globs, "ideal diode")


def _columns(part: Part) -> dict[str, float]:
    """Return the columns of junctions that a part has, as a D model makes them."""
    from ..netlist import parse_netlist

    if isinstance(part, str):
        body = PARTS.get(part.strip().lower(), part)
        if "=" not in body:
            raise UsageError(
                f"no part is called {part!r}: there are {', '.join(PARTS)}, "
                "and parameters such as 'IS=2.52n N=1.752 RS=.568'"
            )
    else:
        body = " ".join(f"{key}={number('part', value)!r}" for key, value in part.items())
    deck = f"part\nr1 a 0 1\nd1 a 0 part\n.model part D({body})\n"
    try:
        table = parse_netlist(deck).tables.get("junctions")
    except NetlistError as error:
        raise UsageError(f"part {body!r}: {error.diagnostics[0].message}") from None
    if not isinstance(table, Junctions) or not len(table):
        raise UsageError(f"part {body!r} is no junction diode: give IS, N, RS")
    return {name: float(getattr(table, name)[0]) for name in table.own_columns()}
