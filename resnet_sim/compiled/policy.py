"""The policy of size: from what size on which algorithm runs, in one table.

Which algorithm solves a problem depends on the problem and on `POLICY` alone, never on what
the process has imported or solved before, or results would tell.  Only which twin of a
`kernels.kernel` runs, interpreted or compiled, depends on that: both give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Policy(NamedTuple):
    """All thresholds of size; what is compared with each, why, and in which unit.

    "Size" is that of a `Problem`: coordinates, edges and rectifiers together.
    """

    # ---- no result depends on these ----
    #: Threads that share out the points of one call; 0 for one on each core.
    threads: float = 0
    #: Size up to which a kernel may be interpreted: at a microsecond each, a quarter of the
    #: import of numba.
    interpreted: float = 80_000
    #: The same once numba has been imported anyway: a compiled call costs some microseconds.
    handful: float = 40
    #: Microseconds of interpreting, in all, after which numba is imported: it takes .3 to .4 s.
    rent: float = 400_000
    #: Microseconds of interpreting a kernel after which it is compiled if numba's cache has it not:
    #: a small part of what compiling takes, because all later processes find it there.
    price: float = 10_000
    #: Size of medium problems solved before, in all, from which the next imports numba: a second
    #: one tells that more are to come, each of which takes half of the time then.
    again: float = 2_500

    # ---- one linear network ----
    #: Order up to which elimination is dense and subtracts nothing: a few milliseconds.
    dense: float = 250
    #: The same among groups of nodes that large conductances join, where it is one of many:
    #: interpreted, that of 100 takes some ten times as long as a sparse factor.
    groups: float = 25
    #: Order up to which a matrix of which a tenth is not zero is judged by dense elimination.
    full_order: float = 4_000
    #: Order from which BLAS shares a matrix among threads.  Up to some hundreds these wait for each
    #: other: twice as long as they work on an idle machine, fifty times on a busy one.
    shared: float = 50
    #: Order of a network of aggregates up to which it is inverted.
    inverted: float = 150
    #: Order from which a compiled ordering of our own is worth its compilation: networks in which
    #: ideal diodes join nodes are eliminated in half of the time then.
    own_order: float = 50_000
    #: Entries above which the factors of eight points, of 64 bytes each, have no room.
    most_entries: float = 30_000_000

    # ---- one problem ----
    #: Size from which quick looks and bordered factors save time.
    medium: float = 1_500
    #: Size from which compiled sweeps and multigrid are worth the import of numba.
    large: float = 80_000
    #: `Problem.spread` (coordinates) from which they do so below that, too: the factors of such
    #: a graph are full, and one takes as long as the import (random graphs of 6,000 nodes).
    wide: float = 1_500
    #: `Problem.spread` over edges per coordinate, and rectifiers per coordinate, from which
    #: rough steps cost less than the factorisations they save: grids do, ladders don't.
    narrow: float = 4
    few: float = 0.05
    #: Size from which the last few curves settle apart: below, a step of all takes no longer.
    apart: float = 10_000
    #: Size up to which the last digits of coordinate descent are worth a linear solve.
    polished: float = 20_000
    #: Operations of a factorisation, per edge, from which iterating takes less time: with
    #: multigrid or an approximate factor, compiled, on large problems, with two grids on others.
    full: float = 150
    fuller: float = 10_000
    #: The same where iterations take long, because the largest conductance is that many times the
    #: smallest, as among the tangents of junctions.
    fullest: float = 1_000_000
    decades: float = 1e8
    #: Rectifiers in a loop of feedback whose states are all tried out.
    enumerated: float = 11
    #: Sets that flips may try of a loop with many rectifiers, times the cube of its unknowns: a few
    #: seconds, as many are singular, which takes ten times the time of a solution.
    searched: float = 2e9
    #: The same times the unknowns alone where equations are sparse: a minute or two.
    flips: float = 1e7
    #: Unknowns of a loop of feedback whose equations are singular, dense matrices of 72 MB each,
    #: and of an adjoint.
    feedback: float = 3_000
    adjoint: float = 4_000
    #: most coordinates of a circuit with smooth laws whose samples are solved at once, densely
    dense_laws: float = 300
    #: The same of operating points, each of which sparse factors serve, too; and points from which
    #: finding out what they share pays.
    dense_points: float = 150
    fewest_laws: float = 4
    #: Coordinates up to which a circuit is solved as one where something undefined joins its
    #: stages; none if it has more rectifiers than `enumerated`.
    joint: float = 200
    #: Linear stages in a row that are solved as one, and the most unknowns that each may have: a
    #: stage takes a millisecond or two, whatever its size.
    in_a_row: float = 8
    of_each: float = 100
    #: Switches whose states are all tried out when they don't settle.
    switches: float = 10

    # ---- one circuit, many points ----
    #: Points times nodes, or a third of the elements where these are more (plus what any takes),
    #: from which lanes pay for numba.
    lanes: float = 30_000
    any_point: float = 50
    #: Entries of the factors of eight points that are kept for reactions and adjoints: 16 MB.
    kept: float = 250_000
    #: Cells of a crossbar times vectors from which lanes take less time than sparse products.
    currents: float = 1_000_000
    #: Entries of a factor per node from which lanes iterate.  An EP step takes half the time with
    #: factors at 29 (small world, 3,000 nodes), three times as long at 73 (random, 2,000 nodes).
    crowded: float = 56
    #: Operations of eliminating rectifiers alone, per node and edge, up to which they are factors
    #: that precondition: then these take less time than what they precondition.
    branchy: float = 1.0
    #: Points that take as long, in large circuits, as finding the order of elimination does: those
    #: that fill the lanes of a vector.
    fewest_points: float = 8
    #: Elements times points whose numbers stay in the cache.
    part: float = 200_000
    #: The same from which one factor for all points of a linear circuit pays.
    factor: float = 500
    #: Entries up to which a matrix is held dense, if it is not full.  Products of larger ones BLAS
    #: gives to threads, which wait for each other longer than a sparse product takes.
    dense_entries: float = 2_000
    #: Entries of a factor, per edge, from which sweeps take less time than elimination where
    #: rectifiers only bound single nodes: random graphs of 1,000 nodes have 18 (degree 4) or 29.
    filled: float = 23
    #: Rows times samples from which tiles are worth threads.
    tiles: float = 100_000
    #: Resistors from which looking for layers pays, and conductances from which compiled epochs.
    layers: float = 10_000
    epochs: float = 50_000
    #: The former where conductances have either sign: others solve such samples one by one.
    signed_layers: float = 0

    # ---- objects ----
    #: Conductances from which a generator makes crossbars instead of resistors.
    crossbars: float = 1_000_000
    #: Elements up to which what was worked out of a circuit is remembered, some kilobytes each, and
    #: how much of one: a chain of switches passes through many states.
    remembered: float = 30_000
    questions: float = 64
    #: Characters of a deck from which runs of plain cards are looked for.
    blocks: float = 10_000


#: The policy in force; ask for it anew each time, ``policy.POLICY.large``.
POLICY = Policy()


@contextmanager
def using(**changes: float) -> Iterator[None]:
    """Change some thresholds for a while, in all threads: for tests.

    Processes that are forked meanwhile inherit the change, other ones don't.
    """
    global POLICY
    before = POLICY
    POLICY = before._replace(**changes)
    try:
        yield
    finally:
        POLICY = before
