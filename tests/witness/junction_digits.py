"""Circuits of resistors, sources and junction diodes to fifty digits, by Newton in decimals.

The co-content is convex: what fulfils the equations is the solution, however it was found.
"""

from decimal import Decimal, localcontext

DIGITS = 60
#: elementary charge over Boltzmann's constant times 300.15 K
THERMAL = Decimal("1.38064852e-23") / Decimal("1.6021766208e-19") * Decimal("300.15")
E = Decimal(1).exp()


def junction(row, u):
    """Current and slope of a junction without its series resistance."""
    n, nb = row["emission"] * THERMAL, row["breakdown_emission"] * THERMAL
    if u >= -3 * n:
        rise = (u / n).exp()
        i, slope = row["saturation"] * (rise - 1), row["saturation"] * rise / n
    elif row["breakdown"] is None or u >= -row["breakdown"]:
        tail = (3 * n / (E * u)) ** 3
        i, slope = -row["saturation"] * (1 + tail), 3 * row["saturation"] * tail / u
    else:
        rise = (-(row["breakdown"] + u) / nb).exp()
        i, slope = -row["saturation"] * rise, row["saturation"] * rise / nb
    return i + row["leak"] * u, slope + row["leak"]


def diode(row, v, near):
    """Current and slope at a voltage across a diode whose current is about `near`."""
    u = v - row["series"] * near
    for _ in range(12):
        i, slope = junction(row, u)
        rest = u + row["series"] * i - v
        u -= rest / (1 + row["series"] * slope)
    i, slope = junction(row, u)
    return i, slope / (1 + row["series"] * slope)


def refined(circuit, voltages, currents):
    """Return node voltages and the currents of resistors and junctions, as decimals.

    Sources of voltage must have one end at ground.
    """
    with localcontext() as context:
        context.prec = DIGITS
        table = circuit.junctions
        rows = [
            {
                name: None if getattr(table, name)[k] == float("inf")
                else Decimal(float(getattr(table, name)[k]))
                for name in ("saturation", "emission", "breakdown", "breakdown_emission",
                             "series", "leak")
            }
            for k in range(len(table))
        ]  # fmt: skip
        v = [Decimal(float(x)) for x in voltages]
        fixed = {0}
        for k in range(len(circuit.voltage_sources)):
            p, q = int(circuit.voltage_sources.p[k]), int(circuit.voltage_sources.q[k])
            volts = Decimal(float(circuit.voltage_sources.volts[k]))
            node, sign = (p, 1) if q == 0 else (q, -1)
            v[node] = sign * volts
            fixed.add(node)
        first = circuit.first["junctions"]
        near = [Decimal(float(x)) for x in currents[first : first + len(table)]]
        for _ in range(8):
            size = _newton(circuit, rows, v, near, fixed)
        assert size < Decimal(10) ** -40
        resistors = circuit.resistors
        of_resistors = [
            (v[p] - v[q]) / Decimal(float(r))
            for p, q, r in zip(resistors.p, resistors.q, resistors.ohms, strict=True)
        ]
        return v, of_resistors, near


def _newton(circuit, rows, v, near, fixed):
    """Correct voltages and currents once; return the largest correction."""
    free = [k for k in range(len(v)) if k not in fixed]
    place = {node: k for k, node in enumerate(free)}
    zero = Decimal(0)
    matrix = [[zero] * (len(free) + 1) for _ in free]

    def add(p, q, i, slope):
        for a, sign in ((p, 1), (q, -1)):
            if a in place:
                matrix[place[a]][-1] -= sign * i
                for b, other in ((p, 1), (q, -1)):
                    if b in place:
                        matrix[place[a]][place[b]] += sign * other * slope

    resistors, table, feeds = circuit.resistors, circuit.junctions, circuit.current_sources
    for k in range(len(resistors)):
        p, q, g = int(resistors.p[k]), int(resistors.q[k]), 1 / Decimal(float(resistors.ohms[k]))
        add(p, q, g * (v[p] - v[q]), g)
    for k in range(len(feeds)):
        add(int(feeds.p[k]), int(feeds.q[k]), Decimal(float(feeds.amps[k])), zero)
    for k, row in enumerate(rows):
        p, q = int(table.p[k]), int(table.q[k])
        near[k], slope = diode(row, v[p] - v[q], near[k])
        add(p, q, near[k], slope)
    step = _solved(matrix)
    for node, k in place.items():
        v[node] += step[k]
    return max(map(abs, step))


def _solved(matrix):
    n = len(matrix)
    for k in range(n):
        pivot = max(range(k, n), key=lambda row: abs(matrix[row][k]))
        matrix[k], matrix[pivot] = matrix[pivot], matrix[k]
        for row in range(k + 1, n):
            if matrix[row][k]:
                share = matrix[row][k] / matrix[k][k]
                matrix[row] = [a - share * b for a, b in zip(matrix[row], matrix[k], strict=True)]
    x = [Decimal(0)] * n
    for k in reversed(range(n)):
        rest = sum(matrix[k][j] * x[j] for j in range(k + 1, n))
        x[k] = (matrix[k][n] - rest) / matrix[k][k]
    return x
