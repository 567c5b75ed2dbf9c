"""Cards in all the ways in which people write them, in ngspice's language."""

#: what it is about -> the deck
DECKS = {
    "model spacing": """V1 1 0 5
R1 1 2 1k
D1 2 0 DX
.model DX D ( IS = 1e-14 , N=1.2
+ RS = 2 )""",
    "model exprs": """.param is0=1e-14 n=1.3
V1 1 0 5
R1 1 2 1k
D1 2 0 DX
.model DX D(IS={is0*2} N='n')""",
    "model in subckt w/ params": """.subckt dd a k is=1e-14
D1 a k dm
.model dm d(is={is})
.ends
V1 1 0 5
R1 1 2 1k
X1 2 3 dd
X2 3 0 dd is=1e-10""",
    "model shadowing": """.model dm d(is=1e-10)
.subckt dd a k
.model dm d(is=1e-16)
D1 a k dm
.ends
V1 1 0 5
R1 1 2 1k
X1 2 3 dd
D2 3 0 dm""",
    "param scoping": """.param r=1k
.subckt s a b
.param r=2k
R1 a b {r}
.ends
.subckt t a b
R1 a b {r}
.ends
V1 1 0 5
X1 1 2 s
X2 2 0 t""",
    "param passed down": """.subckt s a b r=1
X1 a c t r={r*2}
X2 c b t
.ends
.subckt t a b r=5
R1 a b {r}
.ends
V1 1 0 5
X1 1 2 s r=3
R2 2 0 7""",
    "sci in exprs": """.param a={1.5e3+2.5E-1k} b={1meg/1k} c={10u*1e6}
V1 1 0 1
R1 1 2 {a}
R2 2 3 {b}
R3 3 0 {c}""",
    "param name like unit": """.param k=3 m=2 u=5 meg=7
V1 1 0 {k*m+u+meg}
R1 1 0 1k""",
    "powers": """.param a={2^3^2} b={-2^2} c={(-2)^3} d1={2**-1} e1={-3**2}
V1 a 0 {a}
V2 b 0 {b}
V3 c 0 {c}
V4 d 0 {d1}
V5 e 0 {e1}
R1 a 0 1
R2 b 0 1
R3 c 0 1
R4 d 0 1
R5 e 0 1""",
    "precedence": """.param a={2+3*4-6/2} b={-(3-5)*2} c={2*-3} d1={7%3*2} e1={1-1-1} f={8/2/2}
V1 a 0 {a}
V2 b 0 {b}
V3 c 0 {c}
V4 d 0 {d1}
V5 e 0 {e1}
V6 f 0 {f}
R1 a 0 1
R2 b 0 1
R3 c 0 1
R4 d 0 1
R5 e 0 1
R6 f 0 1""",
    "B with params and spaces": """.param k = 2
V1 a 0 1.5
B1 b 0 V = { k * V(a) ^ 2 + 1 }
R1 b 0 1k
B2 c 0 v='k*v(a)'
R2 c 0 1k
B3 0 d i = v( a ) / 1k
R3 d 0 1k""",
    "B continued": """V1 a 0 1.5
B1 b 0 V=V(a)*2
+ +V(a)*3
+ -1
R1 b 0 1k""",
    "B current through": """V1 a 0 5
R1 a b 1k
B1 b 0 I=V(b)>2 ? (V(b)-2)*10m : 0""",
    "B temp": """.temp 77
V1 a 0 5
B1 b 0 V=temper/10+V(a)
R1 b 0 1k tc1=.01""",
    "B pwl/exp tc": """V1 a 0 5
B1 b 0 V=pwl(v(a),-5,-5,0,0,5,1,10,8)
R1 b 0 1k
B2 c 0 V=v(a) tc1=.01 temp=37
R2 c 0 1k""",
    "E poly dims": """V1 1 0 1
V2 2 0 2
V3 3 0 3
E1 4 0 poly(3) 1 0 2 0 3 0 1 2 3 4 5 6 7 8 9 10
R4 4 0 1k
G1 5 0 poly(2) 1 0 2 0 0 1m 2m 1m 2m 3m .1m
R5 5 0 1k
R1 1 0 1k
R2 2 0 1k
R3 3 0 1k""",
    "E poly paren styles": """V1 1 0 1
V2 2 0 2
E1 4 0 POLY(2) (1,0) (2,0) 0.5 1 1
E2 5 0 POLY(2) 1,0 2,0 0.5,1,1
E3 6 0 POLY ( 2 ) ( 1 , 0 ) ( 2 , 0 ) ( 0.5 , 1 , 1 )
R4 4 0 1k
R5 5 0 1k
R6 6 0 1k""",
    "value forms": """V1 1 0 2
E1 2 0 value={v(1)*2}
E2 3 0 value = { v(1)*3 }
E3 4 0 VALUE {V(1)*4}
E4 5 0 vol='v(1)*5'
G1 0 6 value={v(1)*1m}
G2 0 7 cur='v(1)*2m'
R2 2 0 1k
R3 3 0 1k
R4 4 0 1k
R5 5 0 1k
R6 6 0 1k
R7 7 0 1k""",
    "table forms": """V1 1 0 1.3
E1 2 0 TABLE {V(1)} = (0,0) (1,10) (2,15)
E2 3 0 TABLE {V(1)*2} (0,0) (1,10) (4,15)
E3 4 0 TABLE {V(1)}=(0 0) (1 10) (2 15)
G1 0 5 TABLE {V(1)} = (0,0) (2,2m)
R2 2 0 1k
R3 3 0 1k
R4 4 0 1k
R5 5 0 1k""",
    "G multiplier": """V1 1 0 2
G1 0 2 1 0 1m m=3
R2 2 0 1k
F1 0 3 V1 2 m=2
R3 3 0 1k
R1 1 0 1k""",
    "Q forms": """V1 c 0 5
R1 c a 1k
R2 c b 100k
Q1 a b 0 0 qn 1.5 off
R3 c a2 1k
Q2 a2 b 0 qn area=2 temp=50
R4 c a3 1k
Q3 a3 b 0 [0] qn
.model qn npn(bf=100 is=1e-15)""",
    "level 1 default models": """V1 c 0 5
R1 c a 10k
M1 a c 0 0 nm
R2 c b 10k
J1 b 0 0 jm
R3 c d 10k
R4 c e 1meg
Q1 d e 0 qm
.model nm nmos
.model jm njf
.model qm npn""",
    "D forms": """V1 a 0 5
R1 a b 1k
D1 b c DX 2
D2 c d DX area=.5 off
D3 d e DX temp=60
D4 e 0 DX m=2 ic=.5
.model DX D(is=1e-12)""",
    "zener tc etc": """.temp 60
V1 a 0 20
R1 a b 1k
D1 0 b DZ
.model DZ D(is=1e-12 bv=9.1 ibv=5m rs=3 tcv=-1m trs1=2m nbv=1.5)""",
    "many ports over lines": """.subckt big a b c d e f
+ g h params:
+ r=1k
R1 a b {r}
R2 c d {r}
R3 e f {r}
R4 g h {r}
.ends big
V1 1 0 8
X1 1 2 2 3 3 4
+ 4 0 big
+ r=2k""",
    "nested defs and global node 0 in subckt": """.subckt a x
R1 x 0 1k
R2 x gnd 1k
.ends
V1 1 0 1
R3 1 2 1k
X1 2 a""",
    "control inside subckt": """.subckt s i o
Vs i m 0
F1 0 o Vs 2
R1 m 0 1k
H1 q 0 Vs 10
R2 q 0 1
.ends
V1 1 0 1
X1 1 2 s
R3 2 0 1k""",
    "instance refs from outside": """.subckt s i o
Vs i m 0
R1 m o 1k
.ends
V1 1 0 1
X1 1 2 s
R3 2 0 1k
B1 3 0 V=i(v.x1.vs)*1k+v(x1.m)
R4 3 0 1k""",
    "l e a d": """   V1    1     0     5  \x20
\tR1\t1\t2\t1k\t
 R2 2 0 1k     ; tail
.op  \x20
.end  \x20""",
    "comment styles": """* star
  * indented star
V1 1 0 5 $ c
$ whole
; whole
// whole
R1 1 2 1k $c
R2 2 0 1k;c
.op
.end""",
    "mixed case": """v1 In 0 5
R1 IN Out 1K
r2 oUT 0 1k
.Op
.eNd""",
    "R tc forms": """.temp 127
V1 1 0 1
R1 1 2 1k tc1=1m tc2=1u
R2 2 3 1k tc=1m
R3 3 0 1k rm
.model rm r(tc1=2m tc2=-1u)""",
    "R lw": """V1 1 0 1
R1 1 2 rm L=10u W=1u
R2 2 0 rm l=5u
.model rm R rsh=100 defw=2u narrow=.05u tc1=1m""",
    "time sources at 0": """V1 1 0 PULSE(1 2 1m)
V2 2 0 SIN 1 2 1k 0 0 30
V3 3 0 PWL 0 1 1 2
V4 4 0 EXP(1 2)
V5 5 0 SIN(1 2 1k 1m 0 30)
V6 6 0 PULSE 3 4
V7 7 0 AM(1 2 3 4)
R1 1 0 1
R2 2 0 1
R3 3 0 1
R4 4 0 1
R5 5 0 1
R6 6 0 1
R7 7 0 1""",
    "G with node subckt": """.subckt vr a b c d
G1 a b value={v(a,b)/1k*(1+v(c,d))}
.ends
V1 1 0 5
Vc c 0 .5
X1 1 2 c 0 vr
R1 2 0 1k""",
    "model named number": """V1 1 0 5
R1 1 2 1k
D1 2 0 1N4148
D2 2 0 1n5819
.model 1N4148 D(Is=2.52n N=1.752 Rs=.568)
.model 1n5819 D(Is=31.7u N=1.373 Rs=.051)""",
    "v dif in B": """V1 1 0 5
R1 1 2 1k
R2 2 0 1k
B1 3 0 V=v(1,2)*v(2)
R3 3 0 1""",
    "F with sum controls": """V1 1 0 5
R1 1 0 1k
V2 2 0 3
R2 2 0 1k
F1 0 3 POLY(2) V1 V2 0 1 2
R3 3 0 1k
F2 0 4 POLY(2) V1 V2 0 0 0 0 1k
R4 4 0 1k""",
    "cond with i": """V1 1 0 5
R1 1 0 1k
B1 2 0 V=i(V1)<-1m ? 3 : 4
R2 2 0 1k""",
    "B with node names of numbers and minus": """V1 n-1 0 2
V2 n+2 0 3
B1 o 0 V=v(n-1)*v(n+2)-v(n-1,n+2)
R1 o 0 1
R2 n-1 0 1
R3 n+2 0 1""",
    "unknown words": """V1 1 0 5V
R1 1 2 1kohms
R2 2 3 2.2Kohm
R3 3 0 1e3ohm
I1 0 2 1mAmps""",
    "unused subckt with errors": """.subckt bad a b
R1 a b {nothing}
Q1 a b c nomodel
.ends
V1 1 0 1
R1 1 0 1""",
    "model param units": """V1 1 0 5V
R1 1 2 1k
D1 2 0 dx
.model dx D(IS=1pA RS=1ohm N=1.1 BV=100V IBV=1uA CJO=1pF TT=1ns)""",
}
