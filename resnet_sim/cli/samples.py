"""What ``train`` and ``predict`` share: which columns of a table mean which parts of a circuit."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ResnetSimError, UsageError
from ..model.display import few
from .common import complain
from .options import number

if TYPE_CHECKING:
    from ..arrays import Floats
    from ..model.circuit import Circuit
    from ..training.costs import Cost, SquaredError
    from ..training.data.tables import Table

#: an input: a source, and the column that it gets, negated or not
_INPUT = re.compile(r"([^\s=]+)(?:=(-?)(.+))?")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what the data mean."""
    group = parser.add_argument_group("data")
    group.add_argument("--data", required=True, metavar="CSV", help="one sample a line, V or A")
    group.add_argument(
        "--input", dest="inputs", required=True, metavar="SOURCES",
        help="sources that samples set, such as v1,v2 or 'v*'; with columns: va=x,vb=-x",
    )  # fmt: skip
    group.add_argument(
        "--output", dest="outputs", required=True, metavar="NODES",
        help="nodes and pairs of nodes whose voltages count, sources whose currents do, such as "
        "'o1,v(p,n),i(vm)'",
    )  # fmt: skip
    group.add_argument(
        "--target",
        metavar="COLUMNS",
        help="columns of the targets, names or positions (default: the columns that are left)",
    )
    group.add_argument(
        "--labels", action="store_true", help="the target is one column of class names"
    )
    group.add_argument(
        "--classes", type=_names, metavar="NAMES",
        help="class names in the order of the outputs (default: in ascending order)",
    )  # fmt: skip
    group.add_argument(
        "--codes", type=_two_numbers, metavar="LOW,HIGH",
        help="voltages of wrong and right classes, for the squared error: --codes=-0.2,0.2",
    )  # fmt: skip


@dataclass(frozen=True)
class Samples:
    """Inputs and targets of the rows of a table.

    Attributes
    ----------
    X : ndarray, shape (B, n_inputs)
    Y : ndarray or None
        Targets, shape (B, n_outputs), or class numbers, shape (B,); None if there are none.
    table : Table
    unit : str
        Of the outputs.
    """

    X: Floats
    Y: Any
    table: Table
    unit: str = "V"

    def rows(self, rows: Any) -> Samples:
        """Return some of the samples, given by their numbers."""
        table = replace(
            self.table,
            rows=[self.table.rows[k] for k in rows],
            lines=tuple(self.table.lines[k] for k in rows),
        )
        return replace(self, X=self.X[rows], Y=self.Y[rows], table=table)

    def verdict(self, cost: Cost, outputs: Floats) -> str:
        """Return in words how good outputs are: the share of right classes, or the error."""
        from ..training.costs import is_labels
        from ..training.evaluate import score

        value = score(cost, outputs, self.Y)
        if is_labels(self.Y):
            right = round(value * len(self.Y))
            return f"{right} of {len(self.Y)} classes right, {value:.1%}"
        error = float(((outputs - self.Y) ** 2).mean()) ** 0.5
        told = f"root mean square error {error:.3g} {self.unit}"
        left = f", {1.0 - value:.3g} of the variance is left"
        return told + left if self.Y.std() > 0 else told  # of one sample there is none

    @contextmanager
    def named(self) -> Iterator[None]:
        """Say on stderr in which line the sample stands that has no operating point."""
        try:
            yield
        except ResnetSimError as error:
            if error.sample is not None:
                line = self.table.lines[error.sample]
                complain(f"{self.table.name}:{line}: this sample has no operating point:")
                error.sample = None
            raise


class Meaning:
    """Which sources, nodes and columns belong together.

    Attributes
    ----------
    sources : tuple of str
    outputs : tuple of str or (str, str)
        As `training.Network` wants them.
    titles : tuple of str
        The outputs as headers: ``v(o1,o2)``.
    classes : tuple of str or None
        Names of the classes; found in the first table read, unless given.
    """

    def __init__(self, options: argparse.Namespace, circuit: Circuit) -> None:
        inputs = list(_inputs(options.inputs, circuit))
        self.sources = tuple(source for source, _ in inputs)
        self._columns = tuple(column for _, column in inputs)
        self.outputs = tuple(_outputs(options.outputs, circuit))
        self.titles = _titles(self.outputs)
        self.classes: tuple[str, ...] | None = options.classes
        self.labelled = bool(options.labels or options.classes)
        self._target = None if options.target is None else _split(options.target)
        self._codes: tuple[float, float] | None = options.codes
        if self._codes and not self.labelled:
            raise UsageError("--codes are the voltages of classes: it needs --labels")
        if self.classes is not None:
            self._check_classes()

    def read(self, path: str, targets: bool = True) -> Samples:
        """Return the samples of a table; without `targets` it need not have any.

        Raises
        ------
        UsageError
            If columns are missing, or don't hold what they should.
        """
        from ..training.data.tables import classes, labels, read_table

        table = read_table(path)
        wanted = self._target_columns(table, targets)
        columns, signs = self._input_columns(table, wanted)
        if wanted is None:
            wanted = self._left_over(table, columns)
        if wanted is None and targets:
            raise UsageError(f"which columns of {path} are the targets? --target says so")
        x = table.numbers(columns) * signs
        if wanted is None:
            return Samples(x, None, table)
        if not self.labelled:
            currents = [title.startswith("i(") for title in self.titles]
            unit = "A" if all(currents) else "V and A" if any(currents) else "V"
            return Samples(x, table.numbers(wanted), table, unit)
        if self.classes is None:
            self.classes = classes(table.texts(wanted[0]))
            self._check_classes()
        return Samples(x, labels(table, wanted[0], self.classes), table)

    def squared_error(self) -> SquaredError:
        """Return the squared error; its codes are those of ``--codes``."""
        import numpy as np

        from ..training.costs import SquaredError

        if not self._codes:
            return SquaredError()
        low, high = self._codes
        if len(self.outputs) == 1:
            return SquaredError([[low], [high]])
        return SquaredError(low + (high - low) * np.eye(len(self.outputs)))

    def _check_classes(self) -> None:
        assert self.classes is not None
        wanted, found = max(len(self.outputs), 2), len(self.classes)
        if found != wanted:
            raise UsageError(
                f"{found} classes ({few(self.classes)}), but {len(self.outputs)} outputs "
                f"tell {wanted} apart; --classes names them all"
            )

    @property
    def _target_count(self) -> int:
        return 1 if self.labelled else len(self.outputs)

    def _target_columns(self, table: Table, needed: bool) -> list[int] | None:
        """Return the columns that ``--target`` or the header name."""
        names = self._target
        if names is None:
            named = [table.named(title) for title in self.titles]
            bare = [table.named(title.removeprefix("v(").rstrip(")")) for title in self.titles]
            for found in (named, bare):
                known = [column for column in found if column is not None]
                if len(known) == self._target_count:
                    return known
            return None
        if len(names) != self._target_count:
            raise UsageError(f"--target names {len(names)} columns; needed: {self._target_count}")
        absent = [name for name in names if table.named(name) is None and not name.isdecimal()]
        return None if absent and not needed else [table.column(name) for name in names]

    def _input_columns(
        self, table: Table, targets: Sequence[int] | None
    ) -> tuple[list[int], list[float]]:
        """Return a column and a sign for each source."""
        if any(self._columns):
            given = zip(self.sources, self._columns, strict=True)
            pairs = [column or (1.0, source) for source, column in given]
            return [table.column(name) for _, name in pairs], [sign for sign, _ in pairs]
        found = [table.named(source) for source in self.sources]
        known = [column for column in found if column is not None]
        if known and len(known) < len(found):
            lost = self.sources[found.index(None)]
            raise UsageError(f"{table.name} has columns for some inputs, but none for {lost}")
        signs = [1.0] * len(found)
        if known:
            return known, signs
        return self._by_position(table, targets), signs

    def _by_position(self, table: Table, targets: Sequence[int] | None) -> list[int]:
        """Return the first columns that are no targets; the table must hold nothing else."""
        count = len(self.sources)
        others = [k for k in range(table.width) if targets is None or k not in targets]
        expected = (count,) if targets is not None else (count, count + self._target_count)
        if len(others) not in expected:
            raise UsageError(
                f"{table.name} has {table.width} columns, of which none is called like an input; "
                f"by position {count} inputs and {self._target_count} targets are expected"
            )
        return others[:count]

    def _left_over(self, table: Table, inputs: Sequence[int]) -> list[int] | None:
        """Return the columns that are no inputs, if they are as many as the targets."""
        rest = [k for k in range(table.width) if k not in inputs]
        return rest if len(rest) == self._target_count else None


def protect(path: str | None, files: dict[str, str], what: str) -> None:
    """Refuse a file to be written that is one of those read.

    Parameters
    ----------
    path : str or None
    files : dict of str to str
        Path -> what it is.
    what : str
        The option that gave `path`.
    """
    if path is None:
        return
    target = Path(path).resolve()
    for file, kind in files.items():
        if Path(file).resolve() == target:
            raise UsageError(f"{what} {path} would overwrite {kind}")


def _inputs(text: str, circuit: Circuit) -> Iterator[tuple[str, tuple[float, str] | None]]:
    """Yield sources, and the sign and name of the column that each is given."""
    sources = (*circuit.voltage_sources.names, *circuit.current_sources.names)
    for item in _split(text):
        match = _INPUT.fullmatch(item)
        if not match:
            raise UsageError(f"--input: {item!r} is not of the form SOURCE or SOURCE=COLUMN")
        name, minus, column = match.groups()
        if column is not None:
            yield name.lower(), (-1.0 if minus else 1.0, column.strip())
            continue
        for source in _matching(name.lower(), sources, "independent source"):
            yield source, None


def _outputs(text: str, circuit: Circuit) -> Iterator[str | tuple[str, str]]:
    from ..training.named import output

    for item in _split(text):
        try:
            found = output(item)
        except UsageError as error:
            raise UsageError(f"--output: {error}") from None
        if isinstance(found, tuple):
            yield found
        elif found.startswith("i("):
            sources = _matching(found[2:-1], circuit.voltage_sources.names, "voltage source")
            yield from (f"i({name})" for name in sources)
        else:
            yield from _matching(found, circuit.nodes[1:], "node")


def _titles(outputs: Sequence[str | tuple[str, str]]) -> tuple[str, ...]:
    from ..training.named import title

    return tuple(map(title, outputs))


def _matching(pattern: str, names: Sequence[str], what: str) -> list[str]:
    """Return the names that a glob selects; a name that is none stays for others to judge."""
    if not any(mark in pattern for mark in "*?["):
        return [pattern]
    found = [name for name in names if fnmatchcase(name, pattern)]
    if not found:
        raise UsageError(f"no {what} is called {pattern!r}")
    return found


def _split(text: str) -> list[str]:
    """Return what commas outside parentheses separate."""
    return [item.strip() for item in re.split(r",(?![^()]*\))", text) if item.strip()]


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) < len(names) or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r}: classes need names, all different")
    return names


def _two_numbers(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form LOW,HIGH")
    return number(parts[0]), number(parts[1])
