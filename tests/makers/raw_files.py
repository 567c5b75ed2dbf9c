"""Raw files as other simulators write them."""

from collections.abc import Iterable, Sequence

import numpy as np

from resnet_sim.results.rawfile import Plot, written


def format_raw(plots: Iterable[Plot], flags: Sequence[str] | None = None) -> str:
    """Return an ASCII raw file; nothing is rounded."""
    return "".join(
        part
        for plot in plots
        for part in written(
            plot.title, plot.name, zip(plot.names, plot.kinds, strict=True), plot.values,
            plot.flags if flags is None else flags,
        )
    )  # fmt: skip


def header(plot: Plot, flags: Sequence[str]) -> list[str]:
    """Return the lines before the values."""
    return format_raw([plot], flags).partition("Values:\n")[0].splitlines()


def pack_raw(plots: Iterable[Plot]) -> bytes:
    """Return a binary raw file as ngspice writes it; nothing is rounded."""
    parts = []
    for plot in plots:
        head = "\n".join([*header(plot, plot.flags), "Binary:"]) + "\n"
        parts += [head.encode(), plot.values.astype("<f8").tobytes()]
    return b"".join(parts)


def pack_ltspice(plot: Plot, *, double: bool = False, fast_access: bool = False) -> bytes:
    """Return a binary raw file as LTspice writes it.

    Parameters
    ----------
    plot : Plot
    double : bool
        Store float64; otherwise float32, but for the scale of a sweep.
    fast_access : bool
        Store vector by vector instead of point by point.
    """
    flags = ["real", "forward", *(["double"] if double else [])]
    flags += ["FastAccess"] if fast_access else []
    vectors = plot.values.shape[1]
    rest = "<f8" if double else "<f4"
    sizes = [rest if not plot.is_sweep else "<f8", *[rest] * (vectors - 1)][:vectors]
    if fast_access:
        columns = zip(plot.values.T, sizes, strict=True)
        body = b"".join(column.astype(size).tobytes() for column, size in columns)
    else:
        table = np.empty(len(plot.values), [(str(k), size) for k, size in enumerate(sizes)])
        for k in range(vectors):
            table[str(k)] = plot.values[:, k]
        body = table.tobytes()
    lines = [line for line in header(plot, flags) if not line.startswith("Command:")]
    at = lines.index("Variables:")
    lines[at:at] = ["Offset:   0.0000000000000000e+000", "Command: resnet-sim"]
    return ("\n".join([*lines, "Binary:"]) + "\n").encode("utf-16-le") + body
