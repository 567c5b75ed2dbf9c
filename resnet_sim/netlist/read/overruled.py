"""Parameters and ports of instances that ngspice or HSPICE takes for others than the deck says."""

from __future__ import annotations

from collections.abc import Mapping

from ..report import CardError
from ..source import Card
from .cards import Expression, Instance
from .scope import Evaluator, Scope
from .sites import GROUND


def refuse_grounded(device: Instance, ports: Mapping[str, str]) -> None:
    """Refuse ports called like ground at other nodes: ngspice joins what is within to ground."""
    for port, node in ports.items():
        if port in GROUND and node not in GROUND:
            word = device.subcircuit
            message = f"ngspice takes port {port} of {word.text} for ground, not for {node}"
            raise CardError("E138", message, word.offset, len(word.text), "call the port otherwise")


def refuse_captured(evaluator: Evaluator, device: Instance, scope: Scope, child: Scope) -> None:
    """Refuse values given by names that ngspice would look up within the instance first."""
    for key, value in device.parameters:
        if not isinstance(value, Expression):
            continue
        for op in value.program:
            name = str(op[1])
            if op[0] != "name" or name == key.text:
                continue
            if name not in child.values and name not in child.definitions:
                continue
            inside, outside = (
                evaluator.number(value._replace(program=(op,)), some) for some in (child, scope)
            )
            if inside != outside:
                message = f"to ngspice {name} is here that of {device.subcircuit.text}: {inside:g}"
                hint = f"call one of the two otherwise: outside it is {outside:g}"
                raise CardError("E138", message, key.offset, len(key.text), hint)


def refuse_overruled(
    evaluator: Evaluator, device: Instance, card: Card, child: Scope, top: Scope
) -> None:
    """Refuse parameters of an instance whose values HSPICE takes from the deck."""
    word = device.subcircuit
    for name in (*child.values, *child.definitions):
        if name == "m" or (name not in top.values and name not in top.definitions):
            continue
        read = Expression((("name", name, 0),), card, 0)
        inside, outside = (evaluator.number(read, some) for some in (child, top))
        if inside != outside:
            theirs = f"HSPICE takes that of the deck: {outside:g}"
            message = f"{name} of {word.text} is {inside:g}, but {theirs}"
            hint = "parhier=global is its default: .option parhier=local says what is read here"
            raise CardError("E138", message, word.offset, len(word.text), hint)
