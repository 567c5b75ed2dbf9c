"""Circuits with formulas and with real diodes, as decks without analysis."""

DECKS = {
    "multiplier and divider": """v1 a 0 2
v2 b 0 3
b1 o 0 v=v(a)*v(b)/(1+v(o,c)**2)
r1 o c 1k
r2 c 0 2k""",
    "soft limiter amplifier": """v1 in 0 0.3
r1 in m 1k
r2 m out 10k
b1 out 0 v=-5*tanh(1e4*v(m)/5)
r3 out 0 2k""",
    "diode as a formula": """v1 a 0 5
r1 a b 1k
b1 b 0 i=1e-14*(exp(v(b)/0.025864917)-1)""",
    "memristors": """v1 a 0 1.5
b1 a b i=1e-4*sinh(3*v(a,b))
b2 b 0 i=2e-4*sinh(2*v(b))+1e-5*v(b)
r1 b 0 20k""",
    "triode": """vp p 0 250
vg g 0 -2
rp p a 100k
b1 a 0 i=uramp(v(a)/100+v(g))**1.5*1.7m
ra a 0 10meg""",
    "analog square root": """v1 in 0 4
e1 o 0 value={1e5*(v(in)-v(sq))}
b1 sq 0 v=v(o)*v(o)
r1 o 0 1k
.nodeset v(o)=1.5 v(sq)=2""",
    "power limiter": """v1 a 0 10
r1 a b 10
b1 b 0 i=min(2/max(v(b),0.1),0.5)
r2 b 0 1k""",
    "thermistor by a current": """v1 a 0 5
r1 a b 100
v2 b c 0
r2 c 0 r='1k/(1+1e4*i(v2)*i(v2))'""",
    "gilbert like": """v1 a 0 0.5
v2 b 0 0.2
g1 o 0 value={1m*tanh(v(a)/0.05)*tanh(v(b)/0.05)}
r1 o 0 1k
e2 q 0 poly(2) a 0 o 0 0.5 1 1 0 2 0 0.3
r2 q 0 1k""",
    "two neurons": """v1 x 0 0.7
b1 h1 0 v=1/(1+exp(-(2*v(x)-3*v(h2))))
b2 h2 0 v=1/(1+exp(-(v(x)+4*v(h1)-1)))
r1 h1 0 1k
r2 h2 0 1k""",
}

REAL = """.model real d(is=2.52n rs=0.568 n=1.752 bv=100 ibv=100u)
.model zener d(is=1e-14 bv=5.1 ibv=5m rs=2)
.model led d(is=1e-19 n=1.8 rs=3)
.model schottky d(is=200n n=1.05 rs=0.2)
"""
DIODES = {
    "half-wave rectifier": "v1 a 0 5\nr1 a b 10\nd1 b c real\nr2 c 0 1k",
    "bridge rectifier": """v1 a b -7
d1 a p real
d2 b p real
d3 m a real
d4 m b real
r1 p m 470
r2 m 0 1""",
    "clamp": "v1 a 0 9\nr1 a b 1k\nd1 b c real\nv2 c 0 3.3\nd2 0 b real",
    "zener regulator": "v1 a 0 12\nr1 a b 330\nd1 0 b zener\nr2 b 0 1k",
    "led string": "v1 a 0 12\nr1 a b 220\nd1 b c led\nd2 c d led\nd3 d e led\nd4 e 0 led",
    "diode or": """v1 a 0 5
v2 b 0 4.8
d1 a o schottky
d2 b o schottky
r1 o 0 50""",
    "antiparallel pair": "v1 a 0 -2\nr1 a b 2k\nd1 b 0 real\nd2 0 b real\nr2 b c 1k\nr3 c 0 10k",
    "tunnel diode": "v1 a 0 0.3\nr1 a b 50\nb1 b 0 i=0.05*v(b)-0.3*v(b)*v(b)+0.5*v(b)*v(b)*v(b)",
    "saturating op-amp": """v1 in 0 1
r1 in m 1k
r2 m out 20k
b1 out 0 v=min(max(-1e5*v(m),-12),12)""",
}
DIODES = {name: lines + "\n" + REAL for name, lines in DIODES.items()}
