"""Ideal parts by the names that LTspice's and KiCad's have, for decks whose library is missing.

They stand in only when asked to, and a note says so: an operating point is that of the ideal
part, without bias currents, and without whatever the real one does besides.
"""

from __future__ import annotations

#: what the place of a definition is called
NAME = "<built-in parts>"

#: Pins in the order +in -in V+ V- out.  What has no meaning at DC is accepted.
_TIMES = "gbw=1 slew=1 phimargin=45 en=0 enk=0 in=0 ink=0 x=0 pole=1"

#: a stage without rails, as LTspice's level 1
_LINEAR = f"""
.subckt {{name}} 1 2 3 4 5 avol=1meg vos=0 rin=500meg ilimit=inf rail=0 {_TIMES}
rin 1 2 {{{{rin}}}}
eout 5 0 vol='avol*(v(1)-v(2)-vos)'
.ends
"""

#: one that reaches the rails but for `rail`, and drives no more than `ilimit`
_RAILED = f"""
.subckt {{name}} 1 2 3 4 5 avol=1meg vos=0 rin=500meg ilimit=25m rail=0 rout=0 iq=0 vmax=50 {_TIMES}
+ vrail={{{{rail}}}}
rin 1 2 {{{{rin}}}}
b1 6 0 v=min(max(avol*(v(1)-v(2)-vos),v(4)+vrail),v(3)-vrail)
.if (rout > 0)
r1 6 7 {{{{rout}}}}
.else
v1 6 7 0
.endif
y1 7 5 {{{{ilimit}}}}
iq 3 4 {{{{iq}}}}
.ends
"""

_LEVELS = ("1", "2", "3a", "3b", "4")

#: LTspice's three-terminal amplifier, and the one of KiCad's library for ngspice
_OTHERS = """
.subckt opamp 1 2 3 aol=100k gbw=10meg
e1 3 0 2 1 {aol}
.ends
.subckt kicad_builtin_opamp 1 2 3 4 5 pole=20 gain=20k voff=10m rout=10
b1 6 0 v=min(max(gain*(v(1)-v(2)-voff),v(4)),v(3))
rout 6 5 {rout}
.ends
.model diode sidiode(ron=0 roff=inf vfwd=.7)
.model schottky sidiode(ron=0 roff=inf vfwd=.3)
.model led sidiode(ron=0 roff=inf vfwd=2)
.model zener sidiode(ron=0 roff=inf vfwd=.7 vrev=5.1 rrev=0)
.model d d
"""


def text() -> str:
    """Return the definitions of all parts, as a deck."""
    linear, railed = ["level.1", "level1"], ["uopamp_lvl2", "universalopamp2", "uopamp_lvl1"]
    for level in _LEVELS[1:]:
        railed += [f"level.{level}", f"level{level}"]
    parts = [_LINEAR.format(name=name) for name in linear]
    parts += [_RAILED.format(name=name) for name in railed]
    return "".join(["built-in parts", *parts, _OTHERS])


def names() -> frozenset[str]:
    """Return the names of all parts."""
    words = [line.split() for line in text().split("\n") if line.startswith((".subckt", ".model"))]
    return frozenset(line[1] for line in words)
