"""Tables of .data: names of quantities, then rows of their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...model.requests import Sweep
from ..report import CardError, Report, suggestion
from ..source import Card
from .cards import Assign, Braced, Item, Word
from .items import is_numeric, read_items
from .scope import Failed

#: how tables of HSPICE say that files have their columns
_FROM_FILES = ("mer", "lam", "file")


class Tables:
    """Keeps the lines of tables, and reads those that are swept over.

    Parameters
    ----------
    quantity : callable
        ``quantity(word)``: what a column sets, without values.
    number : callable
        ``number(card, item)``: the value of an item.
    """

    def __init__(
        self,
        report: Report,
        quantity: Callable[[Word], Sweep],
        number: Callable[[Card, Item], float],
        *,
        quick: bool,
    ) -> None:
        self._report, self._quantity, self._number = report, quantity, number
        self._quick = quick
        self._lines: dict[str, list[Card]] = {}
        self._last: list[Card] = []
        self._unused: dict[str, Card] = {}
        self._twice: dict[str, Card] = {}

    def add(self, card: Card) -> None:
        """Take a line of a table; the first one has its name."""
        words = card[2].split(None, 2)
        if words[0] != ".data":
            self._last.append(card)
            return
        self._last = [card]
        name = words[1] if len(words) > 1 else ""
        if name in self._lines and self._lines[name][0] != card:
            self._twice.setdefault(name, card)
        self._lines[name], self._unused[name] = self._last, card

    def sweep(self, name: Word | Braced) -> Sweep:
        """Return the sweep over the rows of a table."""
        lines = self._lines.get(name.text)
        if lines is None:
            message = f"there is no table {name.text!r}"
            hint = suggestion(name.text, lambda: sorted(self._lines))
            raise CardError("E131", message, name.offset, len(name.text), hint)
        self._unused.pop(name.text, None)
        if again := self._twice.get(name.text):  # of what nothing is swept over it does no harm
            message = f"table {name.text} is defined twice"
            self._report.add("E103", message, again, again[2].index(name.text), len(name.text))
            raise Failed
        columns: list[Sweep] = []
        values: list[float] = []
        for card in lines:
            try:
                self._read(card, columns, values)
            except CardError as error:
                self._report.error(error, card)
                raise Failed from None
        rows, surplus = divmod(len(values), max(1, len(columns)))
        if not rows or surplus:
            message = f"table {name.text} has {len(columns)} columns and {len(values)} values"
            self._report.add("E103", message, lines[0])
            raise Failed
        filled = (
            replace(column, values=tuple(values[k :: len(columns)]))
            for k, column in enumerate(columns)
        )
        numbers = tuple(float(row) for row in range(1, rows + 1))
        return Sweep(f"data({name.text})", numbers, "table", columns=tuple(filled))

    def _read(self, card: Card, columns: list[Sweep], values: list[float]) -> None:
        """Take columns, then values, from a line."""
        items = read_items(card[2], quick=self._quick)
        for item in items[2:] if card[2].split()[0] == ".data" else items:
            word = item.key if isinstance(item, Assign) else item
            if word.text in _FROM_FILES:
                hint = "write the values between .data and .enddata"
                message = "tables from files are not read"
                raise CardError("E115", message, word.offset, len(word.text), hint)
            if is_numeric(item):
                values.append(self._number(card, item))
            elif values or not isinstance(item, Word):
                message = f"{word.text!r} is not a number"
                raise CardError("E106", message, word.offset, len(word.text))
            else:
                columns.append(self._quantity(item))

    def tell_unused(self) -> None:
        """Say which tables mean nothing."""
        for name, card in self._unused.items():
            self._report.add("N103", f"nothing is swept over the table {name}", card)
