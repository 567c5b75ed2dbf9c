"""Decks with transistors, and what ngspice makes of a deck as it stands."""

from __future__ import annotations

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.ngspice.process import simulate

#: tolerances at which ngspice's own errors are below what is compared
TIGHT = ".options reltol=1e-9 vntol=1e-13 abstol=1e-20 itl1=500\n.op\n.end\n"


def as_written(deck: str, options: str = TIGHT) -> dict[str, float]:
    """Return ngspice's vectors, by name in lower case, of a deck without analysis."""
    plot = simulate(deck + "\n" + options).plot
    return dict(zip((n.lower() for n in plot.names), plot.values[-1].tolist(), strict=True))


def _some(rng, **ranges):
    """Return random parameters; each is there two times out of three."""
    found = {}
    for key, (low, high, *scale) in ranges.items():
        if rng.random() < 2 / 3:
            x = np.exp(rng.uniform(*np.log([low, high]))) if scale else rng.uniform(low, high)
            found[key.rstrip("_")] = float(f"{x:.4g}")
    return found


LOG = "log"
#: kinds of MOSFETs -> parameters of their level
LEVELS: dict[str, dict[str, tuple]] = {
    "m": {},
    "2": {
        "ucrit": (1e4, 2e5, LOG), "uexp": (0.01, 0.4), "vmax": (2e4, 2e5, LOG), "neff": (0.5, 5),
        "xj": (5e-8, 5e-7, LOG), "delta": (0, 2), "nfs": (1e10, 1e12, LOG), "pb": (0.6, 0.9),
    },
    "3": {
        "delvto": (-0.3, 0.3), "xl": (-1e-7, 1e-7), "xw": (-2e-7, 2e-7), "wd": (0, 2e-7),
        "eta": (0, 1), "theta": (0, 0.3), "kappa": (0, 2), "vmax": (2e4, 3e5, LOG),
        "xj": (5e-8, 5e-7, LOG), "delta": (0, 2), "nfs": (1e10, 1e12, LOG),
    },
}  # fmt: skip


def model(rng, kind: str) -> tuple[str, dict[str, float], dict[str, float]]:
    """Return type, parameters of a model and of a device of it."""
    hot = _some(rng, temp=(-40, 120)) if rng.random() < 0.3 else {}
    if kind == "q":
        given = _some(
            rng, is_=(1e-17, 1e-13, LOG), bf=(20, 500), br=(0.5, 10), nf=(0.9, 1.2), nr=(0.9, 1.2),
            vaf=(20, 200), var=(8, 50), ikf=(1e-3, 1, LOG), ikr=(1e-3, 1, LOG),
            ise=(1e-16, 1e-12, LOG), ne=(1.3, 2.2), isc=(1e-16, 1e-12, LOG), nc=(1.3, 2.2),
            rb=(1, 500, LOG), re=(0.1, 10, LOG), rc=(0.1, 50, LOG), xtb=(0, 2), eg=(0.8, 1.3),
            xti=(2, 4), tnom=(20, 50), iss=(1e-18, 1e-14, LOG), ns=(1, 1.5), nkf=(0.4, 0.6),
            tbf1=(-1e-3, 1e-3), trb1=(-1e-3, 1e-3), tvaf2=(-1e-6, 1e-6), cje=(1e-12, 2e-12),
        )  # fmt: skip
        if given.get("rb", 0.0) > 1.0:
            given |= _some(rng, rbm=(0.5, 1), irb=(1e-6, 1e-3, LOG))
        if rng.random() < 0.2:
            given["subs"] = float(rng.choice([-1, 1]))
        own = _some(rng, area=(0.5, 5), m=(1, 3)) | (_some(rng, areab=(0.5, 5), areac=(0.5, 5)))
        return str(rng.choice(["npn", "pnp"])), given, own | hot
    if kind in LEVELS:
        given = _some(
            rng, vto=(-2, 2), kp=(1e-5, 1e-3, LOG), gamma=(0.1, 1), phi=(0.3, 0.9),
            lambda_=(0.001, 0.1, LOG), rd=(0.1, 100, LOG), rs=(0.1, 100, LOG),
            is_=(1e-16, 1e-12, LOG), js=(1e-8, 1e-4, LOG), rsh=(1, 50), ld=(1e-8, 2e-7, LOG),
            tnom=(20, 50), cgso=(1e-10, 2e-10),
        )  # fmt: skip
        if rng.random() < 0.4:
            given |= _some(
                rng, tox=(1e-8, 1e-7, LOG), nsub=(1e14, 1e17, LOG), nss=(1e9, 1e11, LOG),
                uo=(200, 900),
            )  # fmt: skip
            given |= {"tpg": float(rng.choice([-1, 0, 1]))} if rng.random() < 0.5 else {}
        own = _some(
            rng, w=(1e-6, 1e-3, LOG), l=(1e-6, 2e-5, LOG), m=(1, 3), ad=(1e-12, 1e-9, LOG),
            as_=(1e-12, 1e-9, LOG), nrd=(0.5, 4), nrs=(0.5, 4), pd=(1e-6, 2e-6),
        )  # fmt: skip
        own.setdefault("l", 1e-5)
        if kind != "m":
            if kind == "3" or rng.random() < 0.5:
                given.pop("lambda", None)
            given |= {"level": float(kind)} | _some(rng, **LEVELS[kind])
            if kind == "2":  # behind resistances ngspice settles seldom
                given = {k: v for k, v in given.items() if k not in ("rd", "rs", "rsh")}
                if "vmax" in given:  # without it ngspice conducts below the threshold
                    given = {"nfs": 1e11, "gamma": 0.5} | given
        return str(rng.choice(["nmos", "pmos"])), given, own | hot
    given = _some(
        rng, vto=(-5, -0.5), beta=(1e-5, 1e-2, LOG), lambda_=(0.001, 0.1, LOG), rd=(0.1, 100, LOG),
        rs=(0.1, 100, LOG), is_=(1e-16, 1e-12, LOG), b=(0.2, 1.2), pb=(0.5, 1), tcv=(-1e-3, 1e-3),
        bex=(-2, 0), xti=(2, 4), eg=(0.8, 1.3), tnom=(20, 50),
    )  # fmt: skip
    if rng.random() < 0.3:
        given |= _some(rng, vtotc=(-2e-3, 2e-3), betatce=(-0.5, 0.5))
    return str(rng.choice(["njf", "pjf"])), given, _some(rng, area=(0.5, 5), m=(1, 3)) | hot


def bias_points(rng, kind: str, count: int) -> str:
    """Return a deck of devices, each with a source of its own at each terminal."""
    lines, letter = ["bias points"], "m" if kind in LEVELS else kind
    for k in range(count):
        sort, given, own = model(rng, kind)
        sign = -1 if sort[0] == "p" else 1
        names = {"q": "cbes", "m": "dgsb", "j": "dgs"}[letter]
        volts = sign * rng.uniform(-3, 6, len(names))
        if kind == "q":  # junctions forward by no more than they bear
            volts[1] = volts[2] + sign * rng.uniform(-2, 0.65)
            low = -0.6 if rng.random() < 0.4 else 0.0
            volts[0] = volts[1] + sign * rng.uniform(low, 5)
            volts[3] = -10.0 * sign * given.get("subs", sign)
        elif letter == "m":
            volts[3] = volts[[0, 2]].min() + 0.4 if sign > 0 else volts[[0, 2]].max() - 0.4
            volts[3] -= sign * rng.uniform(0, 3)
        else:
            low = (sign * volts[[0, 2]]).min()
            volts[1] = sign * (low + rng.uniform(-3, 0.6))
        nodes = [f"{name}{k}" for name in names]
        lines += [f"v{n} {n} 0 {v!r}" for n, v in zip(nodes, volts.tolist(), strict=True)]
        body = " ".join(f"{key}={value!r}" for key, value in given.items())
        mine = " ".join(f"{key}={value!r}" for key, value in own.items())
        lines += [f"{letter}{k} {' '.join(nodes)} mod{k} {mine}", f".model mod{k} {sort}({body})"]
    return "\n".join(lines)


def random_circuit(rng, count: int, kinds: str = "qmj") -> str:
    """Return a deck of transistors and resistors at random between supplies."""
    high, low = float(f"{rng.uniform(3, 15):.3g}"), float(f"{rng.choice([0, -5, -12]):.3g}")
    nodes = [f"n{k}" for k in range(int(count * rng.uniform(0.8, 2.0)) + 2)]
    rails = ["vcc", "vee", "0"]
    lines = ["random transistors", f"vcc vcc 0 {high}", f"vee vee 0 {low}"]
    for k, node in enumerate(nodes):
        for j in range(int(rng.integers(1, 3))):
            end = str(rng.choice(rails if j == 0 else nodes))
            if end != node:
                ohms = float(f"{np.exp(rng.uniform(*np.log([300, 3e5]))):.3g}")
                lines.append(f"r{k}_{j} {node} {end} {ohms}")
    for k in range(count):
        kind = str(rng.choice(list(kinds)))
        sort, given, own = model(rng, kind)
        kind = "m" if kind in LEVELS else kind
        own.pop("temp", None)
        ends = [str(n) for n in rng.choice(nodes + rails[:2], 3)]
        if len(set(ends)) < 2:
            ends[0] = str(rng.choice(nodes))
        if kind == "q":
            given.pop("iss", None)
            own.pop("areab", None)
        if kind == "m":  # the bulk where no junction conducts
            ends.append("vee" if sort == "nmos" else "vcc")
        if kind == "q" and ends[1] in rails and ends[2] in rails:
            ends[1] = str(rng.choice(nodes))  # no junction straight across the supplies
        if kind == "q" and ends[1] in rails and ends[0] in rails:
            ends[1] = str(rng.choice(nodes))
        if kind == "j" and ends[1] in rails:
            ends[1] = str(rng.choice(nodes))
        body = " ".join(f"{key}={value!r}" for key, value in given.items())
        mine = " ".join(f"{key}={value!r}" for key, value in own.items())
        lines += [f"{kind}{k} {' '.join(ends)} mod{k} {mine}", f".model mod{k} {sort}({body})"]
    return "\n".join(lines)


def assert_as_written(deck: str) -> rs.OperatingPoint:
    """Solve a deck, whose voltages must be those of ngspice; return the operating point."""
    circuit, theirs = rs.parse_netlist(deck), as_written(deck)
    op = rs.solve(circuit)
    assert op.certificate.ok
    largest = max(abs(v) for v in op.voltages.values())
    for node in circuit.nodes[1:]:
        assert op.voltage(node) == pytest.approx(theirs[f"v({node})"], rel=1e-6, abs=1e-9 * largest)
    return op
