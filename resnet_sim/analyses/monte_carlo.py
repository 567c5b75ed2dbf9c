"""Random samples of a circuit whose values spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arrays import Floats
from ..errors import UsageError
from ..model.requests import Sweep
from ..point.certified import CHUNK
from ..results.operating_point import OperatingPoint

if TYPE_CHECKING:
    from concurrent.futures import Executor

from .given import Given, as_circuit, spelled
from .solve import check_arguments
from .sweep import as_sweeps


@spelled
def monte_carlo(
    circuit: Given,
    spread: Mapping[str, float | str] | None = None,
    samples: int = 1000,
    *,
    sweep: Sequence[Sweep] | Mapping[str, Any] = (),
    seed: int = 0,
    distribution: str = "uniform",
    method: str = "auto",
    tolerance: float = 1e-9,
    executor: str | Executor = "threads",
    journal: str | Path | None = None,
    progress: bool = False,
    chunk: int = CHUNK,
    accuracy: float | None = None,
) -> OperatingPoint[Floats]:
    r"""Solve random samples of a circuit whose values spread.

    Parameters
    ----------
    spread : mapping of str to float or str
        Name of an element, or glob such as ``r*``, to what its value may be off by,
        relative: 0.05 or ``"5%"``; ``d*:is`` for a parameter of the models of elements, each
        of which draws for itself; a parameter of the deck.  Where several match, the last
        counts.  What ``tol=`` of the deck says comes first, and its random functions
        (``mc gauss flat`` ...) draw.
    samples, seed : int
        The same seed gives the same samples, whatever their number.
    sweep : sequence of Sweep, or mapping of str to array_like
        Each sample is solved at every point of this grid; see `sweep`.
    distribution : {"uniform", "normal", "lognormal"}
        Uniform between the limits, normal with the spread as three standard deviations, or
        lognormal: three standard deviations are a factor of ``1 + spread``, which may be large.
    method : {"auto", "cd", "newton"}
    tolerance : float
        Largest relative residual that the certificate lets pass.
    executor : str or concurrent.futures.Executor
        ``"serial"``, ``"threads"``, ``"processes"``, ``"dask"``, each but the first with a
        number of workers as in ``"threads:4"``; or ``"dask:tcp://host:port"``.
    journal : path, optional
        File to which finished tasks are appended; what is found there is not computed again.
    progress : bool
        Show on stderr how far it is: a bar with tqdm on a terminal, lines otherwise.
    chunk : int
        Points per task.
    accuracy
        What `tolerance` was called before 0.2; refused.

    Returns
    -------
    OperatingPoint
        With a leading axis of samples; samples without a solution are in ``unsolved``, what
        was drawn in ``sampled`` and in the table.

    Raises
    ------
    UsageError
        If nothing matches a name, or arguments make no sense.
    ExecutorError
        If workers are lost for good.

    Examples
    --------
    >>> circuit = rs.parse_netlist("divider\nV1 in 0 1\nR1 in out 1k\nR2 out 0 1k")
    >>> volts = rs.monte_carlo(circuit, {"r*": 0.05}, 100).voltage("out")
    >>> volts.shape, bool(abs(volts - 0.5).max() < 0.026)
    ((100,), True)
    """
    from ..many import jobs
    from ..many.spreads import monte_carlo as draw
    from ..many.variants import Crossed, Grid

    if isinstance(tolerance, Mapping):
        raise UsageError(f"tolerance is the accuracy of results; write spread={dict(tolerance)}")
    if accuracy is not None:
        raise UsageError(f"accuracy is called tolerance now; write tolerance={accuracy}")
    circuit = as_circuit(circuit)
    check_arguments(method, tolerance)
    drawn = draw(circuit, {} if spread is None else spread, samples, seed, distribution)
    sweeps = as_sweeps(circuit, sweep)
    if sweeps and not circuit.switches.fixed.all():
        raise UsageError(
            "switches that follow their controls remember the point before: sweep each sample "
            "by itself, or hold them with with_switches"
        )
    variants = Crossed(Grid(sweeps), drawn) if sweeps else drawn
    job = jobs.Job(circuit, variants, method, tolerance)
    return jobs.run(job, executor, journal, progress, chunk)
