"""More decks in ngspice's language: macro models, transistors, temperatures, odd forms."""

#: what it is about -> the deck, in ngspice's language
DECKS = {
    "vendor opamp boyle style": """.subckt lm741x 1 2 3 4 5
C1 11 12 8.661E-12
C2 6 7 30.00E-12
DC 5 53 DX
DE 54 5 DX
DLP 90 91 DX
DLN 92 90 DX
DP 4 3 DX
EGND 99 0 POLY(2) (3,0) (4,0) 0 .5 .5
FB 7 99 POLY(5) VB VC VE VLP VLN 0 10.61E6 -10E6 10E6 10E6 -10E6
GA 6 0 11 12 188.5E-6
GCM 0 6 10 99 5.961E-9
IEE 10 4 DC 15.16E-6
HLIM 90 0 VLIM 1K
Q1 11 2 13 QX
Q2 12 1 14 QX
R2 6 9 100.0E3
RC1 3 11 5.305E3
RC2 3 12 5.305E3
RE1 13 10 1.836E3
RE2 14 10 1.836E3
REE 10 99 13.19E6
RO1 8 5 50
RO2 7 99 100
RP 3 4 18.16E3
VB 9 0 DC 0
VC 3 53 DC 1
VE 54 4 DC 1
VLIM 7 8 DC 0
VLP 91 0 DC 40
VLN 0 92 DC 40
.MODEL DX D(IS=800.0E-18 RS=1)
.MODEL QX NPN(IS=800.0E-18 BF=93.75)
.ends
VP vp 0 15
VN vn 0 -15
VI i 0 0.5
X1 i f vp vn o lm741x
R1 f 0 1k
R2 o f 9k
RL o 0 2k""",
    "tl431 like shunt": """.subckt tl k r a
Vref ref a 2.495
Gm 0 g r ref 1
Rg g 0 1k
D1 g gg dd
Rgg gg 0 1meg
Q1 k b a qn
Eb bb a gg 0 .01
Rb bb b 1k
.model dd d(is=1e-14)
.model qn npn(bf=100)
.ends
V1 in 0 12
R1 in k 470
R2 k r 10k
R3 r 0 10k
X1 k r 0 tl
RL k 0 2k""",
    "bridge rectifier real": """V1 a c 12
D1 a p dr
D2 c p dr
D3 0 a dr
D4 0 c dr
RL p 0 100
.model dr d is=7n rs=40m n=1.8 bv=100 ibv=5u""",
    "darlington with integrated diode and resistors": """.subckt tip c b e
Q1 c b x q1
Q2 c x e q2
R1 b x 8k
R2 x e 120
D1 e c dd
.model q1 npn(is=1e-14 bf=100 vaf=100 ikf=.5)
.model q2 npn(is=1e-12 bf=50 vaf=100 ikf=5)
.model dd d(is=1e-12 bv=100)
.ends
VCC v 0 24
RL v c 24
VB i 0 5
RB i b 10k
X1 c b 0 tip""",
    "current mirror wilson": """V1 v 0 10
R1 v a 10k
Q1 a x 0 qn
Q2 x x 0 qn
Q3 o a x qn
R2 v o 5k
.model qn npn(bf=100 vaf=100)""",
    "optocoupler": """VI i 0 5
R1 i a 470
D1 a k led
Vs k 0 0
F1 c 0 Vs .5
Q1 v c o qn
VCC v 0 5
RO o 0 1k
RC v c 1meg
.model led d(is=1e-18 n=1.8 rs=5)
.model qn npn(bf=200)""",
    "bjt substrate and area, m": """VCC c 0 5
VB b 0 .7
Q1 c b 0 0 qn area=2 m=3
Q2 c b 0 qn 2
.model qn npn(is=1e-16 bf=100 iss=1e-17 re=1 rb=10 rc=5)""",
    "mos from process": """VDD d 0 5
VG g 0 3
M1 d g s 0 nm w=50u l=2u
RS s 0 1k
.model nm nmos(level=1 tox=20n nsub=5e15 uo=600 tpg=1 nss=1e10)""",
    "mos parallel m, cutoff and linear": """VD d 0 .1
VG g 0 2
M1 d g 0 0 nm w=10u l=1u m=4
M2 d 0 0 0 nm w=10u l=1u
M3 0 g d 0 nm w=5u l=1u
.model nm nmos(vto=.7 kp=100u lambda=.05 gamma=.5 is=1e-15)""",
    "jfet areas and cs": """VDD dd 0 12
R1 dd d 1k
J1 d g 0 jm 2 m=2
VG g 0 -1
J2 dd2 0 0 jm
R2 dd dd2 2k
.model jm njf(vto=-3 beta=1m b=.5 lambda=.01)""",
    "jfet temps": """.temp 100
VD d 0 10
R1 d x 1k
J1 x 0 0 jn
.model jn njf(vto=-2 beta=1m vtotc=-2m betatce=-.5 is=1e-14)""",
    "mos temps": """.temp 100
VD v 0 5
R1 v d 10k
M1 d g 0 0 nm w=10u l=1u
VG g 0 1.5
.model nm nmos(vto=.7 kp=100u phi=.65 gamma=.5 tnom=25)""",
    "negative temps": """.temp -55
V1 a 0 1
R1 a b 1k
D1 b 0 dd
Q1 a b e qn
RE e 0 1k
.model dd d(is=1e-14 rs=1 trs1=1m)
.model qn npn(bf=100 xtb=1.5 is=1e-15)""",
    "tnom": """.options tnom=50 temp=100
V1 a 0 2
R1 a b 1k tc1=2m
D1 b 0 d1
Q1 a b e qn
RE e 0 1k
.model d1 d(is=1e-14)
.model qn npn(bf=100 xtb=1)""",
    "diode temperature": """.options temp=60
V1 a 0 1
R1 a b 1k
D1 b 0 dx temp=100
D2 b 0 dx dtemp=5 area=2
.model dx d is=2.5n n=1.7 rs=0.5 eg=1.1 xti=2.8""",
    "diode recombination and high injection": """V1 a 0 1.2
R1 a b 10
D1 b 0 d1
V2 c 0 -30
R2 c d 1k
D2 d 0 d1
.model d1 d(is=1e-14 n=1 isr=1e-10 nr=2 ikf=5m bv=20 ibv=1m rs=1 vj=.8 m=.4)""",
    "brackets in names": """V1 a[1] 0 5
R1 a[1] a[2] 1k
R2 a[2] 0 1k
B1 b<3> 0 V=2*v(a[2])
R3 b<3> 0 1k""",
    "node names odd": """V1 n-1 0 5
R1 n-1 n+2 1k
R2 n+2 n_3.4 1k
R3 n_3.4 a#b 1k
R4 a#b 0 1k""",
    "continuations": """V1
+ a
* comment between
+ 0

+ 5
R1 a b $ comment
+ 1k ; another
R2 b 0
+2k""",
    "nested subckt with params": """.subckt leg in out r=1k k=2
R1 in m {r}
X1 m out inner rr={r*k}
.subckt inner a b rr=1
Ra a b {rr}
Rb a b {2*rr}
.ends
.ends
X1 a b leg r=3k
X2 b 0 leg k=4
V1 a 0 DC 10""",
    "deep param passing": """.param k=3
.subckt l1 a b p=1
X1 a b l2 q={p*k}
.ends
.subckt l2 a b q=1
X1 a b l3 s={q+1}
.ends
.subckt l3 a b s=1
R1 a b {s*100}
.ends
V1 a 0 1
X1 a b l1 p=2
X2 b 0 l1""",
    "param scope outer shadow": """.param r=1k s={2*r}
.subckt c a r=5
R1 a 0 {s+r}
.ends
V1 a 0 1
X1 a c""",
    "conditional in subckt": """.subckt c a sel=0
.if (sel==1)
R1 a 0 1k
.else
R1 a 0 2k
.endif
.ends
V1 a 0 1
X1 a c sel=1""",
    "h poly and f poly2": """V1 a 0 2
R1 a x 1k
Va x 0 0
V2 b 0 1
R2 b y 500
Vb y 0 0
H1 h 0 POLY(2) Va Vb 0.1 100 200 1e4
R3 h 0 1k
F1 0 f POLY(2) Va Vb 0 1 2 0 0 100
R4 f 0 1k""",
    "poly": """V1 a 0 1.5
V2 c 0 -0.5
E1 b 0 POLY(2) a 0 c 0 0.1 1 2 0.5 0.25 0.125
R1 b 0 1k
G1 0 d POLY(1) (a,0) 1m 2m 3m
R2 d 0 1k""",
    "e with polynomial loop": """V1 a 0 1
E1 b 0 POLY(2) a 0 b 0 0 1 0.5
R1 b 0 1k""",
    "bsource temperature tc": """V1 a 0 2
B1 b 0 V=v(a)*2 tc1=1m tc2=1u temp=77
R1 b 0 1k
B2 0 c I=v(a)*1m tc1=2m dtemp=10
R2 c 0 1k""",
    "sw states on/off in hysteresis": """V1 c 0 1
S1 a 0 c 0 sm ON
R1 v a 1k
S2 b 0 c 0 sm OFF
R2 v b 1k
V2 v 0 5
.model sm sw(vt=1 vh=.2 ron=1 roff=1e9)""",
    "relay oscillation w": """V1 v 0 5
R1 v a 1k
Vs a b 0
W1 b 0 Vs wm
.model wm csw(it=3m ih=.5m ron=10 roff=100k)""",
    "model tnom, resistor model tc": """V1 a 0 2
R1 a b 1k rm
R2 b 0 rm2
.model rm r(tc1=1m tnom=0)
.model rm2 r(r=2k tc1=-1m)
.temp 60""",
    "resistor model": """.model rm r(rsh=50 narrow=0.1u tc1=2m defw=2u)
V1 a 0 1
R1 a b rm l=10u w=1u
R2 b 0 rm l=20u
.temp 50""",
    "subckt with mosfet params w l expressions": """.subckt inv i o vdd wn=2u wp={2*wn} l=1u
M1 o i 0 0 nm w={wn} l={l}
M2 o i vdd vdd pm w={wp} l={l}
.ends
.model nm nmos(vto=.7 kp=100u lambda=.03)
.model pm pmos(vto=-.7 kp=40u lambda=.03)
VDD vdd 0 3
VI i 0 1.45
X1 i a vdd inv wn=3u
X2 a b vdd inv
R1 b 0 100k""",
    "local model shadows": """.model dd d(is=1e-14)
.subckt s a
D1 a 0 dd
.model dd d(is=1e-10)
.ends
V1 a 0 2
R1 a b 1k
X1 b s
R2 a c 1k
D1 c 0 dd""",
    "fancy number words": """V1 a 0 5volts
R1 a b 1.5kiloohms
R2 b c 2MEGOHMS
R3 c 0 3Gohm
R4 b 0 10K_ohm""",
    "plus in middle": """Q1 c b
+e
+qn
VC c 0 5
VB b 0 1
RE e 0 1k
.model qn npn
+ (bf=100
+ is=1e-15
+ )""",
    "sources at t=0": """V1 a 0 PULSE(1 5 1n 1n 1n 10n 20n)
V2 b 0 SIN(2 1 1k 0 0 90)
V3 c 0 PWL(0 3 1m 4)
I1 0 d EXP(1m 2m 1u 1u 2u 1u)
R1 a d 1k
R2 b d 1k
R3 c d 1k
R4 d 0 1k""",
    "instances with dotted names and print inside": """.subckt s a b
R1 a m 1k
R2 m b 1k
.ends
V1 a 0 1
X1 a b s
XY b 0 s
B1 z 0 V=v(x1.m)+i(v1)*1k
R9 z 0 1k
.print dc v(x1.m) v(xy.m)""",
}
