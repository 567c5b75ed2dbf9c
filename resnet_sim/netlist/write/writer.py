"""Circuit to netlist text, in the dialect that this package reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...errors import UsageError
from ...model.circuit import TABLES, Circuit
from ...model.requests import Analysis, Sweep

#: names that survive being written and read
_WRITABLE = re.compile(r"(?!\$)(?:[^\s,()={}'\";/\x00-\x1f\x7f]|/(?!/))+").fullmatch

#: table -> first letter of its cards; controlled sources have four and B
#: a current in a formula
_CURRENT = re.compile(r"\bi\(\s*([^\s,()]+)\s*\)")
_LETTERS = {
    "resistors": "r",
    "crossbars": "r",
    "capacitors": "c",
    "inductors": "l",
    "voltage_sources": "v",
    "current_sources": "i",
    "diodes": "d",
}


class Writer:
    """Writes one circuit; dialects derive from it.

    Attributes
    ----------
    names : dict of str to str
        Element -> its name in the text; elements that are left out are missing.
    """

    #: whether a deck without .op computes nothing
    needs_op = False

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.names: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._nodes = [_checked(node, "node") for node in circuit.nodes]

    def text(self) -> str:
        """Return the whole deck."""
        title = " ".join(self.circuit.title.split())
        for table in TABLES:
            for row, name in enumerate(getattr(self.circuit, table).names):
                letter = self.letter(table, row)
                if letter:
                    self.names[name] = written_name(_checked(name, "element"), letter)
        cards = [
            line for table, row in _original_order(self.circuit) for line in self.card(table, row)
        ]
        models = [f".model {name} {body}" for body, name in self._models.items()]
        ending = [*self.nodesets(), *self.analyses(), *self.outputs(), *self.requests(), ".end"]
        return "\n".join([f"* {title}".rstrip() if title else "", *cards, *models, *ending]) + "\n"

    def letter(self, table: str, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        if table == "switches":
            return "w" if self.circuit.switches.ce[row] >= 0 else "s"
        if table == "controlled_sources":
            return self.controlled_letter(row)
        if table == "crossbars" and not self.circuit.crossbars.siemens[row]:
            return ""
        return _LETTERS[table]

    def card(self, table: str, row: int) -> Iterator[str]:
        """Yield the lines of an element."""
        columns = getattr(self.circuit, table)
        if columns.names[row] not in self.names:
            return
        name = self.names[columns.names[row]]
        head = f"{name} {self._nodes[columns.p[row]]} {self._nodes[columns.q[row]]}"
        yield from getattr(self, f"_{table}")(head, row)

    def model(self, body: str, letter: str) -> str:
        """Return the name of a model, which is made where it is new."""
        return self._models.setdefault(body, f"{letter}mod{len(self._models) + 1}")

    # ---- elements ----

    def _resistors(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.resistors.ohms[row])}"

    def _crossbars(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.crossbars.ohms[row])}"

    def _capacitors(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.capacitors.farads[row])}"

    def _inductors(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.inductors.henries[row])}"

    def _voltage_sources(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.voltage_sources.volts[row])}"

    def _current_sources(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {_value(self.circuit.current_sources.amps[row])}"

    def _diodes(self, head: str, row: int) -> Iterator[str]:
        yield f"{head} {self.model(self.diode_model(row), 'd')}"

    def diode_model(self, row: int) -> str:
        """Return type and parameters of a diode's model."""
        d = self.circuit.diodes
        columns = (d.r_on, d.r_off, d.v_forward, d.v_reverse, d.r_reverse)
        values = [_value(column[row]) for column in columns]
        keys = ("Ron", "Roff", "Vfwd", "Vrev", "Rrev")
        return f"D({' '.join(f'{k}={v}' for k, v in zip(keys, values, strict=True))})"

    def _switches(self, head: str, row: int) -> Iterator[str]:
        s = self.circuit.switches
        if s.ce[row] >= 0:
            control = self.names[self.circuit.element_names[s.ce[row]]]
        elif s.cp[row] >= 0:
            control = f"{self._nodes[s.cp[row]]} {self._nodes[s.cn[row]]}"
        else:
            control = "0 0"
        state = "on" if s.closed[row] else "off"
        fixed = " fixed" if s.fixed[row] else ""
        yield f"{head} {control} {self.model(self.switch_model(row), 's')} {state}{fixed}"

    def switch_model(self, row: int) -> str:
        """Return type and parameters of a switch's model."""
        s = self.circuit.switches
        kind, letter = ("csw", "i") if s.ce[row] >= 0 else ("sw", "v")
        return (
            f"{kind}(Ron={_value(s.r_on[row])} Roff={_value(s.r_off[row])} "
            f"{letter}t={_value(s.threshold[row])} {letter}h={_value(s.hysteresis[row])})"
        )

    # ---- controlled sources ----

    def terms(self, row: int) -> list[tuple[bool, int, float]]:
        """Return the terms of a controlled source: of a current?, index, gain."""
        c = self.circuit.controlled_sources
        return [
            (bool(c.of_current[k]), int(c.index[k]), float(c.gain[k]))
            for k in range(c.ptr[row], c.ptr[row + 1])
        ]

    def controlled_letter(self, row: int) -> str:
        """Return e, f, g, h where that form says everything, otherwise b."""
        c, terms = self.circuit.controlled_sources, self.terms(row)
        if c.constant[row] == 0:
            if [t[0] for t in terms] == [False, False] and terms[0][2] == -terms[1][2]:
                return "e" if c.is_voltage[row] else "g"
            if [t[0] for t in terms] == [True]:
                return "h" if c.is_voltage[row] else "f"
        return "b"

    def _controlled_sources(self, head: str, row: int) -> Iterator[str]:
        c, terms = self.circuit.controlled_sources, self.terms(row)
        letter = self.letter("controlled_sources", row)
        if letter in "eg":
            (_, p, gain), (_, q, _) = terms
            yield f"{head} {self._nodes[p]} {self._nodes[q]} {_value(gain)}"
        elif letter in "fh":
            _, source, gain = terms[0]
            yield f"{head} {self.control_name(source)} {_value(gain)}"
        else:
            parts = [_value(c.constant[row])]
            for of_current, index, gain in terms:
                what = (
                    f"i({self.control_name(index)})" if of_current else f"v({self._nodes[index]})"
                )
                parts.append(f"{'+' if gain >= 0 else '-'}{_value(abs(gain))}*{what}")
            yield f"{head} {'V' if c.is_voltage[row] else 'I'}={{{''.join(parts)}}}"

    def control_name(self, element: int) -> str:
        """Return the name under which an element's current is referred to."""
        return self.names[self.circuit.element_names[element]]

    # ---- dot cards ----

    def nodesets(self) -> Iterator[str]:
        """Yield .nodeset cards."""
        for node, volts in self.circuit.nodeset.items():
            yield f".nodeset v({_checked(node, 'node')})={_value(volts)}"

    def analyses(self) -> Iterator[str]:
        """Yield .op and .dc cards."""
        analyses = self.circuit.analyses or ((Analysis(),) if self.needs_op else ())
        for analysis in analyses:
            if not analysis.sweeps:
                yield ".op"
                continue
            sweeps = [self.sweep(sweep) for sweep in analysis.sweeps]
            if any(sweep is None for sweep in sweeps):
                names = ", ".join(sweep.name for sweep in analysis.sweeps)
                yield f"* left out: the sweep of {names} can't be written for this circuit"
                continue
            yield f".dc {' '.join(str(sweep) for sweep in sweeps)}"

    def sweep(self, sweep: Sweep) -> str | None:
        """Return a sweep as it stands in a .dc card, None if it can't be written."""
        if sweep.of not in ("element", "switch") or sweep.name not in self.names:
            # the values of parameters are already part of the elements
            return None
        name = self.names[sweep.name]
        regular = _regular(sweep.values)
        return f"{name} {regular}" if regular else self.listed(name, sweep.values)

    def listed(self, name: str, values: Sequence[float]) -> str | None:
        """Return an irregular sweep, None where the dialect has no such thing."""
        return f"{name} list {' '.join(_value(value) for value in values)}"

    def requests(self) -> Iterator[str]:
        """Yield .sens, .tf and .meas cards."""

        def written(formula: str) -> str:
            return _CURRENT.sub(lambda m: f"i({self.names.get(m[1], m[1])})", formula)

        for wanted in self.circuit.derivatives:
            output, source = written(wanted.output), self.names.get(wanted.source, "")
            yield f".tf {output} {source}" if source else f".sens {output}"
        for m in self.circuit.measures:
            words = [".meas dc", m.name, m.operation, written(m.expression)]
            if m.when is not None:
                condition = f"{written(m.when[0])}={written(m.when[1])}"
                number = m.edge[1] or "last"
                when = "" if m.operation == "when" else "when "
                words.append(f"{when}{condition} {m.edge[0]}={number}")
            places = (("at", m.at), ("from", m.start), ("to", m.stop))
            words += [f"{name}={_value(value)}" for name, value in places if value is not None]
            yield " ".join(filter(None, words))

    def outputs(self) -> Iterator[str]:
        """Yield a .save card."""
        outputs = []
        for output in self.circuit.outputs:
            element = output[2:-1] if output.startswith("i(") else ""
            outputs.append(f"i({self.names[element]})" if element in self.names else output)
        if outputs:
            yield f".save {' '.join(outputs)}"


def written_name(name: str, letter: str) -> str:
    """Return the name of an element as its card must have it.

    The first letter tells the kind: ``x1.r1`` becomes ``r.x1.r1``, which the reader undoes.
    """
    return name if name[0] == letter and name[1:2] != "." else f"{letter}.{name}"


def _checked(name: str, what: str) -> str:
    if not _WRITABLE(name):
        raise UsageError(f"{what} {name!r} can't be written to a netlist: rename it")
    return name


def _value(value: float) -> str:
    # repr gives the shortest text that reads back as the same number
    return repr(float(value))


def _regular(values: Sequence[float]) -> str | None:
    """Return ``start stop step`` if that gives exactly these values."""
    if len(values) == 1:
        return f"{_value(values[0])} {_value(values[0])} 1.0"
    step = values[1] - values[0]
    stop = values[0] + (len(values) - 1) * step
    if not step or any(values[0] + k * step != value for k, value in enumerate(values)):
        return None
    return f"{_value(values[0])} {_value(stop)} {_value(step)}"


def _original_order(circuit: Circuit) -> Iterator[tuple[str, int]]:
    """Yield (table, row) so that reading numbers the nodes as they are numbered here.

    Elements keep their order within a table; between tables, one comes as soon as the
    nodes that are new with it are the next ones.
    """
    waiting = {table: 0 for table in TABLES if len(getattr(circuit, table))}
    seen = 0
    while waiting:
        for table, row in waiting.items():
            new = _next_nodes(circuit, table, row, seen)
            if new is not None:
                break
        else:
            # no such order exists: the circuit was not built element by element
            table, row = next(iter(waiting.items()))
            new = _highest(circuit, table, row, seen)
        seen = new
        yield table, row
        waiting[table] += 1
        if waiting[table] == len(getattr(circuit, table)):
            del waiting[table]


def _touched(circuit: Circuit, table: str, row: int) -> list[int]:
    """Return the nodes of an element in the order in which the reader meets them."""
    columns = getattr(circuit, table)
    nodes = [int(columns.p[row]), int(columns.q[row])]
    if table == "switches" and columns.cp[row] >= 0 and not columns.fixed[row]:
        return [int(columns.cp[row]), int(columns.cn[row]), *nodes]
    if table == "controlled_sources":
        terms = range(columns.ptr[row], columns.ptr[row + 1])
        nodes += [int(columns.index[k]) for k in terms if not columns.of_current[k]]
    return nodes


def _next_nodes(circuit: Circuit, table: str, row: int, seen: int) -> int | None:
    for node in _touched(circuit, table, row):
        if node > seen + 1:
            return None
        seen = max(seen, node)
    return seen


def _highest(circuit: Circuit, table: str, row: int, seen: int) -> int:
    return max(seen, *_touched(circuit, table, row))
