"""Tables of samples: CSV files whose every mistake is reported with its place."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...arrays import Floats, Ints
from ...errors import UsageError

#: characters that may separate fields, the likeliest first
DELIMITERS = ",;\t"

_DECIMAL_COMMA = re.compile(r"^([-+]?\d*),(\d+(?:e[-+]?\d+)?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """Rows of text with the lines that they come from.

    Attributes
    ----------
    name : str
        File, as messages call it.
    header : tuple of str
        Names of the columns, empty if the file has none.
    rows : list of list of str
        Fields without surrounding blanks, the same number in each row.
    lines : tuple of int
        Line of each row in the file, from 1.
    """

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.header) or len(self.rows[0])

    def named(self, name: str) -> int | None:
        """Return the number of the column of that name, None if there is none.

        Case does not matter; a name that stands for two columns is refused.
        """
        found = [k for k, title in enumerate(self.header) if title.lower() == name.lower()]
        if len(found) > 1:
            raise UsageError(f"{self.name}: two columns are called {name!r}")
        return found[0] if found else None

    def column(self, name: str) -> int:
        """Return the number, from 0, of a column given by its name or its position from 1."""
        found = self.named(name)
        if found is not None:
            return found
        if name.isdecimal() and 1 <= int(name) <= self.width:
            return int(name) - 1
        known = f"; there are {', '.join(self.header)}" if self.header else ""
        raise UsageError(
            f"{self.name}: no column is called {name!r}, nor is that a position "
            f"from 1 to {self.width}{known}"
        )

    def numbers(self, columns: Sequence[int]) -> Floats:
        """Return columns as numbers, shape (n_rows, len(columns)).

        Raises
        ------
        UsageError
            With file, line and column of the first field that is no finite number.
        """
        values = np.empty((len(self.rows), len(columns)))
        for k, column in enumerate(columns):
            for row, fields in enumerate(self.rows):
                values[row, k] = value = _number(fields[column])
                if math.isnan(value):
                    raise UsageError(
                        f"{self.place(row, column)}: {fields[column]!r} is not a finite number"
                    )
        return values

    def texts(self, column: int) -> list[str]:
        """Return a column as it stands; empty fields are refused."""
        for row, fields in enumerate(self.rows):
            if not fields[column]:
                raise UsageError(f"{self.place(row, column)}: the field is empty")
        return [fields[column] for fields in self.rows]

    def place(self, row: int, column: int) -> str:
        """Return how messages call a field."""
        title = f" ({self.header[column]})" if self.header else ""
        return f"{self.name}:{self.lines[row]}: column {column + 1}{title}"


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV file; ``-`` is standard input.

    Fields are separated by commas, or by semicolons or tabs if the first line has no comma;
    between semicolons numbers may have a decimal comma.  The first line is a header unless one
    of its fields is a number; a ``#`` before it is dropped.  Empty lines are skipped.

    Raises
    ------
    UsageError
        If it can't be read, is empty, or a row has another number of fields than the first.
    """
    name = os.fspath(path)
    try:
        if name == "-":
            return parse_table("<stdin>", sys.stdin.read().removeprefix("\ufeff"))
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 text: byte {error.start}; a table is a CSV file"
        ) from None
    except OSError as error:
        raise UsageError(f"can't read {name}: {error.strerror}") from None
    return parse_table(name, text)


def parse_table(name: str, text: str) -> Table:
    """Return the table that is written in a text, see `read_table`."""
    rows, lines = _split(name, text)
    if rows and not any(_is_number(field) for field in rows[0]):
        header, rows, lines = tuple(rows[0]), rows[1:], lines[1:]
        header = (header[0].lstrip("# "), *header[1:])
    else:
        header = ()
    if not rows:
        raise UsageError(f"{name} has no rows of data")
    return Table(name, header, rows, tuple(lines))


def classes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct class names, in the order of numbers if all are, else of the alphabet."""
    found = set(texts)
    if all(_is_number(text) for text in found):
        return tuple(sorted(found, key=float))
    return tuple(sorted(found))


def labels(table: Table, column: int, names: Sequence[str]) -> Ints:
    """Return the position of each row's class in `names`, shape (n_rows,)."""
    number = {name: k for k, name in enumerate(names)}
    for row, text in enumerate(table.texts(column)):
        if text not in number:
            raise UsageError(
                f"{table.place(row, column)}: the class {text!r} is none of {', '.join(names)}"
            )
    return np.array([number[text] for text in table.texts(column)], dtype=np.int64)


def _split(name: str, text: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not empty, all of one width, and their lines."""
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    if ";" in first and all(_is_number(_plain(field.strip())) for field in first.split(";")):
        delimiter = ";"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for fields in reader:
            stripped = [field.strip() for field in fields]
            if delimiter == ";":
                stripped = [_plain(field) for field in stripped]
            if not any(stripped):
                continue
            if rows and len(stripped) != len(rows[0]):
                raise UsageError(
                    f"{name}:{reader.line_num}: {len(stripped)} columns, "
                    f"but {len(rows[0])} in line {lines[0]}"
                )
            rows.append(stripped)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise UsageError(f"{name}:{reader.line_num}: {error}") from None
    return rows, lines


def _plain(text: str) -> str:
    """Return a number with a decimal point where it has a decimal comma."""
    return _DECIMAL_COMMA.sub(r"\1.\2", text)


def _number(text: str) -> float:
    """Return a finite number, NaN for anything else."""
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    return value if math.isfinite(value) else math.nan


def _is_number(text: str) -> bool:
    return not math.isnan(_number(text))
