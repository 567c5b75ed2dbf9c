"""Circuit to netlist text, in the dialect that this package reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...errors import UsageError
from ...model.circuit import Circuit
from ...model.devices import Device
from ...model.devices.device import text as _value
from ...model.outputs import NODE
from ...model.requests import Analysis, Measure, Sweep
from ...model.spelling import spelled
from .following import cards as parameter_cards
from .following import formulas

#: names that survive being written and read
_WRITABLE = re.compile(r"(?!\$)(?:[^\s,()={}'\";/\x00-\x1f\x7f]|/(?!/))+").fullmatch

#: a name of KiCad's, such as net-(r1-pad2)
_BRACKETED = re.compile(rf"(?=.*\(){NODE}").fullmatch

#: a current in a formula
_CURRENT = re.compile(r"\b([ip])\(\s*([^\s,()]+)\s*\)")


class Writer:
    """Writes one circuit; dialects derive from it.

    Attributes
    ----------
    names : dict of str to str
        Element -> its name in the text; elements that are left out are missing.
    """

    #: whether a deck without .op computes nothing
    needs_op = False
    #: whether values that follow parameters are written as formulas of them
    keeps_parameters = keeps_brackets = True

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.names: dict[str, str] = {}
        self._models: dict[str, str] = {}
        self._options: dict[str, tuple[str, str]] = {}
        self._nodes = [self._checked_node(node) for node in circuit.nodes]
        self._formulas = formulas(circuit) if self.keeps_parameters else {}

    def _checked_node(self, name: str) -> str:
        """Return the name of a node; brackets within it are KiCad's and ours."""
        inside = _BRACKETED(name) if self.keeps_brackets else None
        return name if inside and _WRITABLE(re.sub("[()]", "_", name)) else _checked(name, "node")

    def text(self) -> str:
        """Return the whole deck."""
        title = " ".join(self.circuit.title.split())
        for device in self.circuit.tables.values():
            for row, name in enumerate(device.names):
                letter = self.letter(device, row)
                if letter:
                    self.names[name] = written_name(_checked(name, "element"), letter)
        cards = [
            line for device, row in _original_order(self.circuit) for line in self.card(device, row)
        ]
        if self._formulas:
            cards = [*parameter_cards(self.circuit), *cards]
        models = [f".model {name} {body}" for body, name in self._models.items()]
        ending = [*self.options(), *self.nodesets(), *self.analyses(), *self.outputs()]
        ending += [*self.requests(), ".end"]
        return "\n".join([f"* {title}".rstrip() if title else "", *cards, *models, *ending]) + "\n"

    def letter(self, device: Device, row: int) -> str:
        """Return the letter of the card that an element becomes, ``""`` if it is left out."""
        return device.letter(row)

    def lines(self, device: Device, row: int, head: str) -> Iterator[str]:
        """Yield the lines of an element whose name and nodes are given."""
        return device.lines(row, head, self)

    def card(self, device: Device, row: int) -> Iterator[str]:
        """Yield the lines of an element, if it is written."""
        name = self.names.get(device.names[row])
        if name is not None:
            head = f"{name} {self.node(int(device.p[row]))} {self.node(int(device.q[row]))}"
            formula = self._formulas.get(device.names[row])
            yield from self.lines(device, row, head) if formula is None else (f"{head} {formula}",)

    # ---- what devices ask for, see `devices.device.Deck` ----

    def node(self, number: int) -> str:
        """Return the name of a node."""
        return self._nodes[number]

    def current(self, element: int) -> str:
        """Return the name under which an element's current is referred to."""
        name = self.circuit.element_names[element]
        return self.names.get(name, name)  # that of a terminal is its own

    def model(self, body: str, letter: str) -> str:
        """Return the name of a model, which is made where it is new."""
        return self._models.setdefault(body, f"{letter}mod{len(self._models) + 1}")

    def option(self, name: str, value: str, default: str) -> None:
        """Set an option of the whole deck; `UsageError` if two devices want different values."""
        if self._options.setdefault(name, (value, default))[0] != value:
            raise UsageError(f"a deck has one {name} for all devices: give all of them the same")

    # ---- dot cards ----

    def options(self) -> Iterator[str]:
        """Yield .options cards for what is not as usual."""
        for name, (value, default) in self._options.items():
            if value != default:
                yield f".options {name}={value}"

    def nodesets(self) -> Iterator[str]:
        """Yield .nodeset cards."""
        for node, volts in self.circuit.nodeset.items():
            yield f".nodeset v({self._checked_node(node)})={_value(volts)}"

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
            for sweep in analysis.sweeps:
                yield from self.table(sweep)

    def sweep(self, sweep: Sweep) -> str | None:
        """Return a sweep as it stands in a .dc card, None if it can't be written."""
        swept = sweep.quantities
        if any(q.of not in ("element", "switch") or q.name not in self.names for q in swept):
            # the values of parameters are already part of the elements
            return None
        if sweep.columns:
            return f"data={_table_name(sweep)}"
        name = self.names[sweep.name]
        # elements are written with their factors
        values = tuple(value * sweep.factor for value in sweep.values)
        regular = _regular(values)
        return f"{name} {regular}" if regular else self.listed(name, values)

    def table(self, sweep: Sweep) -> Iterator[str]:
        """Yield the table that a sweep goes through, if it does."""
        if sweep.columns:
            names = " ".join(self.names[column.name] for column in sweep.columns)
            yield f".data {_table_name(sweep)} {names}"
            for row in zip(*(c.values for c in sweep.columns), strict=True):
                values = [x * c.factor for x, c in zip(row, sweep.columns, strict=True)]
                yield f"+ {' '.join(map(_value, values))}"
            yield ".enddata"

    def listed(self, name: str, values: Sequence[float]) -> str | None:
        """Return an irregular sweep, None where the dialect has no such thing."""
        return f"{name} list {' '.join(_value(value) for value in values)}"

    def requests(self) -> Iterator[str]:
        """Yield .sens, .tf and .meas cards."""

        def written(formula: str) -> str:
            return _CURRENT.sub(lambda m: f"{m[1]}({self.names.get(m[2], m[2])})", formula)

        for wanted in self.circuit.derivatives:
            output, source = written(wanted.output), self.names.get(wanted.source, "")
            yield f".tf {output} {source}" if source else f".sens {output}"

        def located(m: Measure) -> Iterator[str]:
            yield written(m.expression)
            if m.when is not None:
                yield "when" if m.operation in ("find", "deriv") else ""
                yield f"{written(m.when[0])}={written(m.when[1])} {m.edge[0]}={m.edge[1] or 'last'}"
            places = (("at", m.at), ("from", m.start), ("to", m.stop))
            yield from (f"{name}={_value(value)}" for name, value in places if value is not None)
            if m.until is not None:
                yield from ("targ", *located(m.until))

        functions = (m.language.functions for m in self.circuit.measures if m.language)
        yield from dict.fromkeys(f.card.strip() for some in functions for f in some.values())
        named = {k: v for m in self.circuit.measures for k, v in m.parameters.items()}
        yield from (f".param {name}={_value(value)}" for name, value in named.items())
        for m in self.circuit.measures:
            yield " ".join(filter(None, (".meas dc", m.name, m.operation, *located(m))))

    def outputs(self) -> Iterator[str]:
        """Yield a .save card, and what is to be plotted."""
        if self.circuit.outputs:
            yield f".save {' '.join(map(self._output, self.circuit.outputs))}"
        for names in self.circuit.plots:
            yield f".plot dc {' '.join(map(self._output, names))}"

    def _output(self, output: str) -> str:
        """Return an output with the name that its element is written under."""
        if found := self.circuit.formulas.get(output):
            circuit = self.circuit
            formula = found.formula.renamed(
                lambda node: circuit.node(str(node)), lambda of: circuit.element(str(of))
            )
            text = spelled(formula, self.node, self.current)
            if output[-1] in ")]":  # ie(q1) is a formula to results alone
                return output
            return text if output[0] == "{" else f"{output}={text}"
        element = output[2:-1] if output[:2] in ("i(", "p(") else ""
        return f"{output[:2]}{self.names[element]})" if element in self.names else output


def _table_name(sweep: Sweep) -> str:
    """Return what is called ``data(corners)`` in results."""
    return _checked(sweep.name.removeprefix("data(").removesuffix(")"), "table")


def written_name(name: str, letter: str) -> str:
    """Return the name of an element as its card must have it.

    The first letter tells the kind: ``x1.r1`` becomes ``r.x1.r1``, which the reader undoes.
    """
    return name if name[0] == letter and name[1:2] != "." else f"{letter}.{name}"


def _checked(name: str, what: str) -> str:
    if not _WRITABLE(name):
        raise UsageError(f"{what} {name!r} can't be written to a netlist: rename it")
    return name


def _regular(values: Sequence[float]) -> str | None:
    """Return ``start stop step`` if that gives exactly these values."""
    if len(values) == 1:
        return f"{_value(values[0])} {_value(values[0])} 1.0"
    step = values[1] - values[0]
    stop = values[0] + (len(values) - 1) * step
    if not step or any(values[0] + k * step != value for k, value in enumerate(values)):
        return None
    return f"{_value(values[0])} {_value(stop)} {_value(step)}"


def _original_order(circuit: Circuit) -> Iterator[tuple[Device, int]]:
    """Yield (table, row) so that reading numbers the nodes as they are numbered here.

    Elements keep their order within a table; between tables, one comes as soon as the
    nodes that are new with it are the next ones.
    """
    devices = circuit.present
    waiting = dict.fromkeys(devices, 0)
    seen = 0
    while waiting:
        for name, row in waiting.items():
            new = _next_nodes(devices[name].touched(row), seen)
            if new is not None:
                break
        else:
            # no such order exists: the circuit was not built element by element
            name, row = next(iter(waiting.items()))
            new = max(seen, *devices[name].touched(row))
        seen = new
        yield devices[name], row
        waiting[name] += 1
        if waiting[name] == len(devices[name]):
            del waiting[name]


def _next_nodes(nodes: Sequence[int], seen: int) -> int | None:
    for node in nodes:
        if node > seen + 1:
            return None
        seen = max(seen, node)
    return seen
