"""Textbook circuits of transistors, as decks without analysis."""

BJT = """.model n npn(is=1.8e-14 bf=300 nf=1 vaf=80 ikf=0.2 ise=5e-14 ne=1.8 br=4 nr=1 var=15
+ ikr=0.03 isc=1e-13 nc=1.5 rb=100 rbm=10 irb=1m re=0.6 rc=1.2 xtb=1.5 cje=20p tf=0.5n)
.model p pnp(is=2.2e-14 bf=200 vaf=60 ikf=0.1 ise=1e-13 ne=1.7 br=5 rb=60 re=0.5 rc=2 cjc=5p)
"""
MOS = """.model nm nmos(level=1 vto=0.8 kp=60u gamma=0.5 phi=0.65 lambda=0.02 cgso=0.3n)
.model pm pmos(level=1 vto=-0.9 kp=25u gamma=0.4 phi=0.65 lambda=0.03)
"""

DECKS = {
    "common emitter": BJT
    + """vcc vcc 0 12
r1 vcc b 47k
r2 b 0 10k
rc vcc c 4.7k
re e 0 1k
q1 c b e n""",
    "emitter follower": BJT
    + """vcc vcc 0 10
vin in 0 5
rs in b 10k
q1 vcc b out n
rl out 0 1k""",
    "current mirror": BJT
    + """vcc vcc 0 10
rref vcc a 9.3k
q1 a a 0 n
q2 out a 0 n area=2
rl vcc out 2k""",
    "wilson mirror": BJT
    + """vcc vcc 0 15
rref vcc a 12k
q1 b b 0 n
q2 a b 0 n
q3 out a b n
rl vcc out 4k""",
    "widlar source": BJT
    + """vcc vcc 0 15
rref vcc a 14k
q1 a a 0 n
q2 out a e n
re e 0 5k
rl vcc out 10k""",
    "differential pair": BJT
    + """vcc vcc 0 12
vee vee 0 -12
v1 b1 0 5m
v2 b2 0 0
rc1 vcc c1 10k
rc2 vcc c2 10k
q1 c1 b1 e n
q2 c2 b2 e n
q3 e r vee n
q4 r r vee n
rr 0 r 11k""",
    "darlington": BJT
    + """vcc vcc 0 12
vin in 0 2
rb in b 100k
q1 vcc b m n
q2 vcc m out n area=3
rl out 0 47""",
    "cascode": BJT
    + """vcc vcc 0 15
r1 vcc b2 22k
r2 b2 b1 12k
r3 b1 0 8.2k
rc vcc c 3.3k
q2 c b2 m n
q1 m b1 e n
re e 0 1.2k""",
    "push pull": BJT
    + """vcc vcc 0 10
vee vee 0 -10
vin in 0 1.3
r1 vcc a 5k
r2 b vee 5k
q3 a a in n
q4 b b in p
q1 vcc a oa n
q2 vee b ob p
ra oa out 1
rb ob out 1
rl out 0 100""",
    "bandgap": BJT
    + """vcc vcc 0 5
q1 c1 r e1 n area=8
q2 c2 r e2 n
r1 e1 e2 600
r2 e2 0 3k
rc1 vcc c1 10k
rc2 vcc c2 10k
e1 r 0 c2 c1 1e4""",
    "schmitt trigger": BJT
    + """vcc vcc 0 12
vin in 0 1
rb in b1 1k
rc1 vcc c1 4.7k
rc2 vcc c2 1k
r1 c1 b2 10k
r2 b2 0 10k
re e 0 470
q1 c1 b1 e n
q2 c2 b2 e n""",
    "latch": BJT
    + """vcc vcc 0 5
ra vcc a 1k
rb vcc b 1.1k
r1 a b2 10k
r2 b b1 10k
q1 a b1 0 n
q2 b b2 0 n
.nodeset v(a)=0.1 v(b)=5""",
    "ttl nand": BJT
    + """vcc vcc 0 5
va a 0 3.5
vb b 0 0.2
r1 vcc b1 4k
r2 vcc c2 1.6k
r3 e2 0 1k
r4 vcc c4 130
q1a c1 b1 a n
q1b c1 b1 b n
q2 c2 c1 e2 n
q4 c4 c2 e4 n
q5 e4 e4 out n
q3 out e2 0 n
rl out 0 10k""",
    "cmos inverter": MOS
    + """vdd vdd 0 5
vin in 0 2.3
m1 out in 0 0 nm w=10u l=1u
m2 out in vdd vdd pm w=25u l=1u""",
    "cmos nand": MOS
    + """vdd vdd 0 5
va a 0 5
vb b 0 2.4
m1 out a x 0 nm w=20u l=1u
m2 x b 0 0 nm w=20u l=1u
m3 out a vdd vdd pm w=20u l=1u
m4 out b vdd vdd pm w=20u l=1u
rl out 0 1meg""",
    "nmos load": MOS
    + """vdd vdd 0 5
vin in 0 1.6
m1 out in 0 0 nm w=20u l=2u ad=40p as=40p
m2 vdd vdd out 0 nm w=4u l=4u""",
    "mos mirror": MOS
    + """vdd vdd 0 5
rref vdd d 80k
m1 d d 0 0 nm w=10u l=2u
m2 out d 0 0 nm w=40u l=2u
rl vdd out 15k""",
    "two stage opamp": MOS
    + """vdd vdd 0 5
vp p 0 2.5
m1 x out t 0 nm w=40u l=2u
m2 y p t 0 nm w=40u l=2u
m3 x x vdd vdd pm w=20u l=2u
m4 y x vdd vdd pm w=20u l=2u
m5 t bias 0 0 nm w=20u l=2u
m6 out y vdd vdd pm w=80u l=2u
m7 out bias 0 0 nm w=40u l=2u
m8 bias bias 0 0 nm w=20u l=2u
rb vdd bias 150k
rl out 0 100k""",
    "jfet source follower": """.model j njf(vto=-2.2 beta=1.1m lambda=8m rd=20 rs=15 is=1e-14)
vdd vdd 0 15
vin g 0 1
j1 vdd g s j
rs s 0 2.2k""",
    "jfet amplifier": """.model j njf(vto=-2.2 beta=1.1m lambda=8m is=1e-14 b=0.7 pb=0.8)
.model pj pjf(vto=-1.5 beta=0.8m lambda=10m rs=30)
vdd vdd 0 15
rg g 0 1meg
rd vdd d 2.2k
j1 d g s j
rs s 0 680
j2 0 d o pj 2
ro vdd o 3.3k""",
    "op-amp of the 741 kind": BJT
    + """vcc vcc 0 15
vee vee 0 -15
vp p 0 1
q1 c1 p e1 n
q2 c1 out e2 n
q3 x b34 e1 p
q4 y b34 e2 p
q5 x bx r5 n
q6 y bx r6 n
q7 vcc x bx n
r5 r5 vee 1k
r6 r6 vee 1k
r7 bx vee 50k
q8 c1 c1 vcc p
q9 b34 c1 vcc p
q10 b34 w r10 n
r10 r10 vee 5k
q11 w w vee n
rref z w 39k
q12 z z vcc p
q13 k z vcc p area=2
q16 vcc y e16 n
r16 e16 vee 50k
q17 l e16 r17 n
r17 r17 vee 100
q18 k h l n
rh1 k h 5k
rh2 h l 7k
q14 vcc k o1 n area=3
ro1 o1 out 27
ro2 o2 out 22
q20 vee l o2 p area=3
rl out 0 2k""",
    "regulator": BJT
    + """vin in 0 12
q1 in b out n area=4
r1 in b 1k
q2 b f z n
az 0 z zener
rz in z 2.2k
ra out f 4.7k
rb f 0 4.7k
rl out 0 100
.model zener sidiode(ron=0.1 roff=1g vfwd=0.7 vrev=3.3 rrev=5)""",
}
