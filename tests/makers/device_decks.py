"""For every registered device, small decks in which an element of it, called ..x, matters.

All have an input ``vin``, an output ``out``, resistors ``r1``, ``r2`` to learn, and one solution.
"""

from __future__ import annotations

import numpy as np

from resnet_sim import Circuit, CircuitBuilder, parse_netlist

AROUND = "a device\nvin in 0 2\nr1 in out 1k\nr2 out 0 4k\n"

#: name of the table -> lines of decks
LINES: dict[str, list[str]] = {
    "resistors": ["rx out 0 3k", "rx out a 0\nr3 a 0 1k", "rx out 0 inf", "rx out 0 -9k"],
    "crossbars": [""],
    "capacitors": ["cx out 0 1u"],
    "inductors": ["lx out a 1u\nr3 a 0 1k"],
    "voltage_sources": ["vx out a 0.3\nr3 a 0 1k"],
    "current_sources": ["ix 0 out 1m"],
    "diodes": [
        "dx out 0 m\n.model m d(vfwd=0.7)",
        "dx out 0 m\n.model m d(vfwd=5)",
        "dx out a m\nr3 a 0 1k\n.model m d(vfwd=0.2 ron=50 roff=1meg)",
        "dx a out m\nr3 a 0 1k\n.model m d(vfwd=0.2 roff=1meg vrev=0.6 rrev=20)",
    ],
    "junctions": [
        "dx out 0 m\n.model m d",
        "dx out a m\nr3 a 0 1k\n.model m d(is=2.52n n=1.752 rs=0.568)",
        "dx a out m\nr3 a 0 1k\n.model m d(is=1e-14 bv=1 ibv=1m nbv=1.3 rs=3)",
        "dx out 0 m\n.model m d(is=1e-14 isr=1e-9 nr=2.2 vj=0.8 m=0.4 ikf=1m)\n.options gmin=1e-9",
        "dx out a m area=3\nr3 a 0 1k\n.model m d(is=1e-12)\n.options temp=80",
        "dx a out m\nr3 a 0 1k\n.model m d(is=1u n=1.05 ikr=0.1)",
    ],
    "segmented_diodes": [
        "dx out 0 m\n.model m d(is=1e-14 pieces=5)",
        "dx out a m area=3\nr3 a 0 1k\n.model m d(is=2.52n n=1.752 rs=0.568 pieces=1)",
        "dx a out m\nr3 a 0 1k\n.model m d(bv=1 ibv=1m nbv=1.3 rs=3 pieces=4 ipieces=1n)",
        "dx out 0 m\n.model m d(is=1e-12 rs=100)\n.options diodes=pieces:12 gmin=1e-9 temp=80",
    ],
    "switches": [
        "sx out 0 in 0 m\n.model m sw(vt=1 ron=2k)",
        "sx out a 0 0 m on fixed\nr3 a 0 1k\n.model m sw(ron=0)",
        "sx out 0 0 0 m off fixed\n.model m sw(roff=1meg)",
    ],
    "controlled_sources": [
        "ex a 0 in 0 2\nr3 a out 1k",
        "gx out 0 in 0 0.3m",
        "bx a 0 v=1+v(in)/2\nr3 a out 1k",
    ],
    "limiters": [
        "yx out a 0.5m\nr3 a 0 1k",
        "yx out a 5m\nr3 a 0 1k",
        "yx a out 2m ratio=0.2\nr3 a 0 1k",
        "yx a out 1m ratio=0\nr3 a 0 1k",
        "yx out a 0.7m ratio=inf\nr3 a 0 1k",
        "yx a out 0.7m ratio=inf\nr3 a 0 1k",
        "yx out a inf\nr3 a 0 1k",
    ],
    "behavioural_sources": [
        "bx a 0 v=max(v(in)-0.5, v(out)/3)\nr3 a out 1k",
        "bx out 0 i=0.3m*min(max(v(in),-1.2),1)+0.1m*abs(v(out)-9)",
        "bx a 0 v=v(out)>0.5 ? 1.7-3*v(out) : 0.6-0.8*v(out)\nr3 a out 1k",
        "ex a 0 table {v(in,out)} = (-1,0) (0.2,0.4) (1,2) (5,-3)\nr3 a out 1k",
        "bx out 0 i=pwl(v(out),0,0,1,1m,2,-0.5m)",
        "bx a 0 v=u(-0.1-v(out))+min(max(v(in),1),0.9k*i(vin))\nr3 a out 1k",
        "bx a 0 v=tanh(v(in)-v(out))+v(out)*v(in)/5\nr3 a out 1k",
        "bx out 0 i=1u*exp(v(out)/0.4)+0.1m*v(out)*i(vin)/1m",
        "bx a 0 v=max(v(out)*v(in)-1, 0.2*sqrt(1+v(in)**2))\nr3 a out 1k",
        "rx out 0 r={1k+500*v(out)*v(out)}",
        "ex a 0 poly(2) in 0 out 0 0.1 0.2 0.3 0.1 -0.05 0 0.02\nr3 a out 1k",
    ],
    "bipolars": [
        "qx a out 0 m\nr3 in a 1k\n.model m npn(is=1e-15 bf=80 vaf=50 re=2 rc=5 rb=40 rbm=3)",
        "qx 0 b out 0 m area=2 m=2 temp=50\nr3 in b 9k\n.model m pnp(bf=60 ikf=1m ise=1e-13 rb=20)",
    ],
    "mosfets": [
        "mx a out 0 0 m w=20u l=2u\nr3 in a 1k\n.model m nmos(vto=0.6 kp=50u gamma=0.4 rd=20)",
        "mx out b in in m w=90u l=3u\nr3 b 0 1k\n.model m pmos(vto=-0.5 kp=20u lambda=0.02 rs=10)",
        "mx a out 0 0 m w=20u l=2u\nr3 in a 1k\n.model m nmos(level=3 tox=30n nsub=2e16 gamma=0 "
        "theta=.1 vmax=2e5 eta=.3 xj=.2u ld=.1u delta=.5 nfs=1e11 rd=20)",
        "mx out b in in m w=90u l=3u\nr3 b 0 1k\n.model m pmos(level=2 tox=30n nsub=5e15 vto=-.6 "
        "ucrit=5e4 uexp=.2 vmax=1e5 neff=3 xj=.3u delta=.4 nfs=1e11 rs=10)",
    ],
    "jfets": [
        "jx in b out m\nr3 b 0 1k\n.model m njf(vto=-1 beta=1m rd=10 lambda=0.01)",
        "jx out in a m 2\nr3 a 0 1k\n.model m pjf(vto=-3 beta=0.2m b=0.6 rs=30)",
    ],
}


def circuit_of(table: str, lines: str) -> Circuit:
    if table != "crossbars":
        return parse_netlist(f"{AROUND}{lines}\n")
    b = CircuitBuilder("a crossbar")
    b.voltage_source("vin", "in", "0", 2.0)
    b.resistor("r1", "in", "out", 1e3)
    b.resistor("r2", "out", "0", 4e3)
    b.crossbar("x", ["in", "out"], ["a", "0"], np.array([[1e-3, 2e-3], [3e-3, 0.0]]))
    return b.build()


CASES = [(table, lines) for table, some in LINES.items() for lines in some]
