"""What simulators and spreadsheets write as text: wrdata columns, print listings, CSV.

Such numbers are rounded; how coarsely is found from the digits that are there.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..errors import UsageError
from ..results.rawfile import DC_SWEEP, OPERATING_POINT, Plot, is_raw, read_raw

#: numbers rounded to fewer digits than this are not expected
FEWEST_DIGITS = 5

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?nan|[-+]?inf", re.IGNORECASE)
_TITLE_OF_TABLE = re.compile(r"^Index\s+\S", re.MULTILINE)
_EQUATION = re.compile(r"^\s*(\S.*?)\s+=\s+(\S+)\s*$")
#: a name followed by a number, as the operating point is listed
_ENTRY = re.compile(r"^\t?(\S+)\s+([-+]?\d\.\d+e[-+]\d+)\s*$")
#: a column's name: v(a,b) is one although it has a comma
_NAME = re.compile(r"[^,()\s]+(?:\([^()]*\))?")


def read_output(path: str | Path, columns: str = "") -> list[Plot]:
    r"""Read what a simulator has written, whatever the format.

    Parameters
    ----------
    path : str or Path
        Raw file of ngspice or LTspice, ``wrdata`` columns, ``print`` listing, or CSV.
    columns : str
        Names of the vectors, such as ``"v(out),i(v1)"``, for columns without a header.

    Raises
    ------
    UsageError
        If the file can't be read or makes no sense.

    Examples
    --------
    >>> from pathlib import Path
    >>> _ = Path("wrdata.txt").write_text(" 0.0  1.5\n 1.0  2.5\n")
    >>> (plot,) = rs.ngspice.read_output("wrdata.txt", columns="v(out)")
    >>> plot.names, plot.values[:, 1]
    (('scale', 'v(out)'), array([1.5, 2.5]))
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {path}: {error.strerror}") from None
    if is_raw(data):
        return read_raw(data)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = data.decode(encoding, errors="replace")
    names = _NAME.findall(columns)
    if _TITLE_OF_TABLE.search(text):
        return read_tables(text)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{path} is empty")
    if names or _numbers(lines[-1].split()):
        return [read_columns(lines, names)]
    if "," in lines[0] and _numbers(cell for cell in lines[-1].split(",") if cell):
        return [read_csv(text)]
    return [read_values(lines)]


def read_csv(text: str) -> Plot:
    """Read a table with a header; an empty cell is undefined."""
    header, *rows = [row for row in csv.reader(io.StringIO(text)) if row]
    cells = [[cell.strip() or "nan" for cell in row] for row in rows]
    return _plot([name.strip() for name in header], cells)


def read_columns(lines: Sequence[str], names: Sequence[str] = ()) -> Plot:
    """Read ``wrdata`` columns, with or without a header, a scale, or a scale for each.

    Raises
    ------
    UsageError
        If there is no header and `names` do not fit the columns.
    """
    rows = [line.split() for line in lines]
    if not _numbers(rows[0]):
        header, *rows = rows
    else:
        count = len(rows[0])
        if not names:
            raise UsageError(
                "the columns have no names: give them (--columns 'v(out),i(v1)'), or write "
                "the file after 'set wr_vecnames'"
            )
        repeated = all(row[::2] == row[:1] * len(row[::2]) for row in rows)
        if count == 2 * len(names) and repeated:
            header = [word for name in names for word in ("scale", name)]
        elif count == len(names) + 1:
            header = ["scale", *names]
        elif count == len(names):
            header = list(names)
        else:
            raise UsageError(f"{len(names)} names were given for {count} columns")
    return _plot(header, rows)


def read_tables(text: str) -> list[Plot]:
    """Read ``.print`` tables: pages that go on, and tables side by side for many vectors.

    Raises
    ------
    UsageError
        If a table is not regular.
    """
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    rows: list[list[str]] | None = None
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Index"]:
            rows = tables.setdefault(tuple(words[1:]), [])
        elif rows is not None and words and _numbers(words):
            rows.append(words[1:])
    header: list[str] = []
    cells: list[list[str]] = []
    plots: list[Plot] = []
    for names, part in tables.items():
        same = bool(header) and names[0] == header[0] and len(part) == len(cells)
        if same and [row[0] for row in part] == [row[0] for row in cells]:
            header += names[1:]
            cells = [old + new[1:] for old, new in zip(cells, part, strict=True)]
            continue
        if header:
            plots.append(_plot(header, cells))
        header, cells = list(names), part
    return [*plots, _plot(header, cells)]


def read_values(lines: Sequence[str]) -> Plot:
    """Read the listing of an operating point: ``v(a) = 1.0e+00``, or a name and a number."""
    found: dict[str, str] = {}
    for line in lines:
        match = _EQUATION.match(line) or _ENTRY.match(line)
        if match and _NUMBER.fullmatch(match[2]):
            found.setdefault(match[1], match[2])
    if not found:
        raise UsageError("neither a raw file nor a table: no vectors were found")
    plot = _plot(list(found), [list(found.values())])
    return Plot("", OPERATING_POINT, plot.names, plot.kinds, plot.values, (), plot.resolution)


def _plot(header: Sequence[str], cells: Sequence[Sequence[str]]) -> Plot:
    """Return a table of words as a plot; of columns with equal names the first."""
    keep = [k for k, name in enumerate(header) if name not in header[:k]]
    for row in cells:
        if len(row) != len(header):
            raise UsageError(f"a row has {len(row)} values for {len(header)} columns")
    words = [[row[k] for k in keep] for row in cells]
    try:
        values: Floats = np.array(words, dtype=float).reshape(len(words), len(keep))
    except ValueError as error:
        raise UsageError(f"not a table of numbers: {error}") from None
    names = tuple(header[k] for k in keep)
    # words have no fixed layout: whether the first is a scale is left to who knows the circuit
    name = DC_SWEEP if len(words) > 1 else OPERATING_POINT
    return Plot("", name, names, ("notype",) * len(names), values, (), _resolution(words))


def _resolution(words: Sequence[Sequence[str]]) -> float:
    """Return the relative spacing of numbers of so many digits.

    Simulators print a fixed number of digits in exponential form, of which the fewest
    count; elsewhere trailing zeros are dropped, and the longest number tells.  Numbers of
    fewer than `FEWEST_DIGITS` digits are taken as exact: someone has typed them.
    """
    exponential: list[int] = []
    others: list[int] = []
    for word in (word for row in words for word in row):
        mantissa, e, _ = word.lower().partition("e")
        digits = len(re.sub(r"\D", "", mantissa).lstrip("0"))
        if digits:
            (exponential if e and "." in mantissa else others).append(digits)
    digits = max([*others, min(exponential, default=0)], default=0)
    return 10.0 ** (1 - digits) if FEWEST_DIGITS <= digits < 15 else 0.0


def _numbers(words: Iterable[str]) -> bool:
    return all(_NUMBER.fullmatch(word) for word in words)
