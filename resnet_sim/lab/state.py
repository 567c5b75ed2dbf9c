"""What the page shows: a deck, values turned away from it, switches that are held; and as links.

A link has it in its fragment, which browsers never send to anybody: JSON, deflated (RFC 1951), in
base64 for addresses (RFC 4648), ``#lab=...``.  The page does the same (``page/links.js``).
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..diagnostics import Diagnostic
from ..errors import NetlistError, UsageError
from ..model.circuit import Circuit
from ..netlist import parse_netlist

#: what messages call the deck
NAME = "deck"
#: characters of a deck, and elements that it may expand to
MAX_DECK, MAX_ELEMENTS = 1_000_000, 200_000


@dataclass(frozen=True)
class State:
    """One state of the page.

    Attributes
    ----------
    deck : str
    values : dict of str to float
        Elements and parameters that have other values than the deck says.
    switches : dict of str to bool
        Switches that are held closed (True) or open.
    """

    deck: str
    values: Mapping[str, float] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Any) -> State:
        """Return what a page, or a link, says; `UsageError` if it says anything else."""
        if not isinstance(data, dict) or not isinstance(data.get("deck"), str):
            raise UsageError("a deck is needed, as text")
        values, switches = data.get("values", {}), data.get("switches", {})
        if len(data["deck"]) > MAX_DECK:
            raise UsageError(f"the deck has more than {MAX_DECK} characters")
        if not (isinstance(values, dict) and isinstance(switches, dict)):
            raise UsageError("values and switches go by name")
        numbers = {str(name).lower(): _number(name, value) for name, value in values.items()}
        held = {str(name).lower(): bool(closed) for name, closed in switches.items()}
        return cls(data["deck"], numbers, held)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"the value of {name} is not a number")
    return float(value)


@dataclass(frozen=True)
class Reader:
    """Reads decks that may include files from `folders`, whose names start from the first.

    `how` are arguments of `parse_netlist`, such as the dialect.
    """

    folders: Sequence[Path] = ()
    how: Mapping[str, Any] = field(default_factory=dict)

    def read(self, deck: str) -> Circuit:
        """Return the circuit of a deck as it stands; `NetlistError` if there is none."""
        directory = self.folders[0] if self.folders else None
        circuit = parse_netlist(
            deck,
            name=NAME,
            directory=directory,
            includes=self.folders,
            max_elements=MAX_ELEMENTS,
            **self.how,
        )
        if not circuit.n_elements:
            message = "nothing to solve: the deck has no elements"
            hint = "the first line is the title; write a card below, such as R1 a 0 1k"
            raise NetlistError([*circuit.diagnostics, Diagnostic("E101", message, hint=hint)])
        return circuit

    def circuit(self, state: State) -> Circuit:
        """Return the circuit with its values turned and its switches held."""
        circuit = self.read(state.deck).with_settings(state.values)
        return circuit.with_switches(state.switches) if state.switches else circuit


MARK = "lab="


def fragment(state: State) -> str:
    """Return the fragment of a link that opens a state.

    Examples
    --------
    >>> from resnet_sim.lab.state import State
    >>> state = State("load\\nV1 a 0 1\\nR1 a 0 1k", {"r1": 2e3})
    >>> state_of("http://127.0.0.1:8137/#" + fragment(state)) == state
    True
    """
    text = json.dumps(asdict(state), separators=(",", ":")).encode()
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(text) + packer.flush()
    return MARK + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def state_of(link: str) -> State:
    """Return the state that a link opens; `UsageError` if it holds none, or a damaged one."""
    _, mark, text = link.partition("#" + MARK)
    if not mark:
        raise UsageError("the link holds no deck")
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj(-15)
        # a few bytes can stand for gigabytes
        data = unpacker.decompress(packed, 2 * MAX_DECK)
        if unpacker.unconsumed_tail:
            raise UsageError(f"the deck of the link has more than {MAX_DECK} characters")
        return State.of(json.loads(data))
    except (binascii.Error, zlib.error, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError("the link is damaged: copy all of it") from None
