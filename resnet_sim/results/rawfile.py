"""SPICE raw files: those of ngspice and LTspice are read, text is written.

A raw file holds plots, one after another: a header in text, then the values in text or in
binary.  What differs:

========  ==========  =======================================================
program   header      binary values
========  ==========  =======================================================
ngspice   UTF-8       float64, point by point
LTspice   UTF-16-LE   scale float64 and the rest float32; all float64 with the
                      flag ``double``, all float32 for an operating point;
                      vector by vector with the flag ``FastAccess``
========  ==========  =======================================================

Real values only: an AC analysis has nothing to be compared with here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..arrays import Floats
from ..errors import UsageError

#: relative spacing of the numbers in a file of float32
SINGLE = float(np.finfo(np.float32).eps)

OPERATING_POINT = "Operating Point"
DC_SWEEP = "DC transfer characteristic"

#: readers find the dialect of a raw file by the program that is named here; ngspice executes it
#: when it loads the file, hence the star
COMMAND = "* resnet-sim, in the manner of ngspice"

#: values, or vectors, whose text is made at once
BLOCK = 50_000

_UTF16_START = "Title:".encode("utf-16-le")


@dataclass(frozen=True, eq=False)
class Plot:
    """One table of a raw file, or of another output of a simulator.

    Attributes
    ----------
    title, name : str
        The deck's first line; the analysis, such as ``"Operating Point"``.
    names, kinds : tuple of str
        The vectors: ``"v(out)"`` and what they are, ``"voltage"``.  In a sweep the first is
        the scale.
    values : ndarray, shape (points, vectors)
    flags : tuple of str
        Such as ``("real",)``.
    resolution : float
        Relative spacing of the numbers as they were stored; 0 for float64.
    """

    title: str
    name: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Floats
    flags: tuple[str, ...] = ("real",)
    resolution: float = 0.0

    @property
    def is_sweep(self) -> bool:
        """Whether it has points, along the first vector or along steps."""
        return not self.is_point or "stepped" in self.flags or len(self.values) > 1

    @property
    def is_point(self) -> bool:
        """Whether it is an operating point, or one at each of several steps."""
        return self.name.casefold() == OPERATING_POINT.casefold()


# ---- reading ----


def is_raw(data: bytes) -> bool:
    """Tell whether the content of a file is that of a raw file."""
    return data.startswith((b"Title:", _UTF16_START))


def read_raw(data: bytes) -> list[Plot]:
    """Read all plots of a raw file.

    Parameters
    ----------
    data : bytes
        Its content, of any of the kinds that the table above lists.

    Raises
    ------
    UsageError
        If it is damaged, cut short, or not a raw file of real values.
    """
    if not is_raw(data):
        raise UsageError("not a SPICE raw file: it doesn't start with 'Title:'")
    reader = _Reader(data)
    plots = []
    while reader.more():
        plots.append(reader.plot())
    return plots


class _Reader:
    """Takes one plot after the other from the front of the data."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.ltspice = data.startswith(_UTF16_START)
        self.encoding = "utf-16-le" if self.ltspice else "utf-8"
        self.newline = "\n".encode(self.encoding)

    def more(self) -> bool:
        return bool(self.data[self.at :].strip(b"\0\r\n "))

    def line(self) -> str:
        end = self.at
        while True:
            end = self.data.find(self.newline, end)
            if end < 0:
                raise UsageError("the raw file ends within a header")
            # in UTF-16 the two bytes of a line feed may also be halves of two letters
            if (end - self.at) % len(self.newline) == 0:
                break
            end += 1
        text = self.data[self.at : end].decode(self.encoding, errors="replace")
        self.at = end + len(self.newline)
        return text.rstrip("\r")

    def plot(self) -> Plot:
        header: dict[str, str] = {}
        names: list[str] = []
        kinds: list[str] = []
        while True:
            line = self.line()
            key, colon, value = line.partition(":")
            key = key.strip().casefold()
            if key in ("binary", "values") and colon:
                break
            if key == "variables" and colon:
                for _ in range(_count(header, "no. variables")):
                    _, name, kind, *_ = [*self.line().split(), "", "", ""]
                    names.append(name)
                    kinds.append(kind)
            elif colon:
                header[key] = value.strip()
        flags = tuple(header.get("flags", "real").split())
        if "complex" in flags:
            raise UsageError("the raw file holds complex values: only DC analyses are read")
        shape = (_count(header, "no. points"), len(names))
        resolution = 0.0
        if key == "values":
            values = self.text_values(*shape)
        else:
            values, resolution = self.binary_values(*shape, flags)
        title, name = header.get("title", ""), header.get("plotname", "")
        return Plot(title, name, tuple(names), tuple(kinds), values, flags, resolution)

    def text_values(self, points: int, vectors: int) -> Floats:
        start = "\nTitle:".encode(self.encoding)
        end = self.data.find(start, self.at - len(self.newline))
        end = len(self.data) if end < 0 else end + len(self.newline)
        words = self.data[self.at : end].decode(self.encoding, errors="replace").split()
        self.at = end
        if len(words) != points * (vectors + 1):
            raise UsageError(
                f"the raw file announces {points} points of {vectors} values and holds "
                f"{len(words)} words for them, indices included"
            )
        try:
            table = np.array(words, dtype=float).reshape(points, vectors + 1)
        except ValueError as error:
            raise UsageError(f"in the raw file: {error}") from None
        return np.ascontiguousarray(table[:, 1:])

    def binary_values(
        self, points: int, vectors: int, flags: Sequence[str]
    ) -> tuple[Floats, float]:
        """Return the values and their resolution; what is stored shows in its size."""
        left = len(self.data) - self.at
        widths = {
            "double": [8] * vectors,
            "scaled": [8, *[4] * (vectors - 1)][:vectors],
            "single": [4] * vectors,
        }
        if not self.ltspice or "double" in flags:
            kind = "double"
        else:
            fits = [kind for kind, sizes in widths.items() if points * sum(sizes) == left]
            kind = fits[0] if fits else "scaled"
        sizes = widths[kind]
        if (length := points * sum(sizes)) > left:
            raise UsageError(f"the raw file is cut short: {length - left} bytes are missing")
        block = self.data[self.at : self.at + length]
        self.at += length
        values = np.empty((points, vectors))
        record = np.dtype([(str(k), f"<f{size}") for k, size in enumerate(sizes)])
        if "fastaccess" in [flag.casefold() for flag in flags]:
            offset = 0
            for k, size in enumerate(sizes):
                values[:, k] = np.frombuffer(block, f"<f{size}", points, offset)
                offset += size * points
        elif len(set(sizes)) == 1:
            values[:] = np.frombuffer(block, f"<f{sizes[0]}").reshape(points, vectors)
        else:
            table = np.frombuffer(block, record)
            for k in range(vectors):
                values[:, k] = table[str(k)]
        return values, 0.0 if kind == "double" else SINGLE


def _count(header: dict[str, str], key: str) -> int:
    text = header.get(key, "")
    if not re.fullmatch(r"\d+", text):
        raise UsageError(f"the raw file says {text or 'nothing'!r} where {key!r} belongs")
    return int(text)


# ---- writing ----


def written(
    title: str,
    name: str,
    vectors: Iterable[tuple[str, str]],
    values: Floats,
    flags: Sequence[str] = ("real",),
) -> Iterator[str]:
    """Yield the text of a plot in parts, so that one of gigabytes is never there as a whole.

    Parameters
    ----------
    title, name, flags
        See `Plot`.
    vectors : iterable of (str, str)
        Names and kinds, which are asked for once.
    values : ndarray, shape (points, vectors)
    """
    yield header(title, name, values.shape, flags)
    lines, first = iter(vectors), 0
    while few := list(islice(lines, BLOCK)):
        yield "".join([f"\t{k}\t{name}\t{kind}\n" for k, (name, kind) in enumerate(few, first)])
        first += len(few)
    yield "Values:\n"
    for point, row in enumerate(values):
        # the number of the point stands before the first value only
        yield f" {point}"
        for start in range(0, len(row), BLOCK):
            some = (row[start : start + BLOCK] + 0.0).tolist()
            yield "\t%.16e\n" * len(some) % tuple(some)


def header(title: str, name: str, shape: tuple[int, ...], flags: Sequence[str]) -> str:
    """Return what stands before the vectors of a plot; `shape` is that of its values."""
    points, vectors = shape
    return (
        f"Title: {title}\nPlotname: {name}\nCommand: {COMMAND}\nFlags: {' '.join(flags)}\n"
        f"No. Variables: {vectors}\nNo. Points: {points}\nVariables:\n"
    )
