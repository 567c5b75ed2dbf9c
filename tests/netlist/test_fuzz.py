"""Whatever the text, reading it gives a circuit or a NetlistError, and soon."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet_sim.errors import NetlistError, UsageError
from resnet_sim.netlist import format_netlist, parse_netlist

EXAMPLES = Path(__file__).parents[2] / "examples" / "netlists"

INLINE = [
    "divider\nv1 in 0 {vin}\nr1 (in, out) = 1k\nr2 out 0 R={2*rr} tc=1m\n"
    ".param rr=1k vin=2*2\n.end\n",
    """subcircuits
.subckt cell a b params: r=1k
r1 a m {r}
x1 m b inner k={r/2}
.subckt inner a b k=1
r1 a b {k}
d1 a b dm
.model dm d(ron=0 vfwd={k/1e3})
.ends
.ends cell
x1 in 0 cell r=2k
x2 in 0 cell
v1 in 0 dc 5 ac 1
.dc v1 0 5 1 x1.r1 1 2 1
.print dc v(in) i(v1)
""",
    """controlled
v1 a 0 1
e1 b 0 a 0 2
e2 c 0 poly(2) (a,0) (b,0) 1 2 3
g1 d 0 value={2*v(a,b)+i(v1)}
f1 e 0 v1 2
h1 f 0 poly(1) v1 0 3
b1 g 0 v='v(a)*2+max(1,2)'
rb g 0 1
s1 a g b 0 sm on
w1 a g v1 wm
.model sm sw(ron=0 roff=inf vt=.5 vh=.1)
.model wm csw(it=1m ih=0)
.nodeset v(a)=1 v(b)={2}
.step param q list 1 2 3
.param q=1
.func f(x,y) {x*y+q}
.if (q > 0)
r1 a 0 {f(1,2)}
.elseif (q < 0)
r1 a 0 1
.else
r1 a 0 2
.endif
.control
print all
.endc
.options temp=50 vfwd=0.7
.end
r7 a 0 5
""",
    "sources\ni1 0 a pulse(1 2 3)\nv1 b 0 sin(0 1 1k 0 0 90)\n+ ac 1\nl1 a b 1m\n"
    "c1 a 0 1u ; x\nr1 a 0 2k $ y\n",
]

PIECES = [
    *"{}()'\"=,+-*/^?:.;$\n\t 019ekmMruvidx",
    "{{", "9**9**9**9", "1e999", "nan", "inf", "-inf", ".subckt x a\n", ".ends\n", "x1 a b x\n",
    ".if (1)\n", ".endif\n", ".else\n", ".param a={a}\n", ".include nothing.inc\n", ".lib x y\n",
    "poly(3)", "v(a)", "i(v1)", "params:", "\0", "é", "\u2028", "İ", "\r\n", "4k7", "1,5", "1M",
    "list", "dec", ".dc", ".step", ".model", "d(", "fixed", "off", "tc=1,2", "{1/0}", "=", "!",
    "//",
]  # fmt: skip


def decks():
    texts = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.net"))]
    return INLINE + [text for text in texts if len(text) < 5000]


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(decks()))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["insert", "delete", "replace", "lines", "copy"]))
        end = min(len(text), at + draw(st.integers(0, 12)))
        if kind == "insert":
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
        elif kind == "delete":
            text = text[:at] + text[end:]
        elif kind == "replace":
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[end:]
        elif kind == "copy":
            other = draw(st.integers(0, len(text)))
            text = text[:other] + text[at:end] + text[other:]
        else:
            lines = text.split("\n")
            first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[first], lines[second] = lines[second], lines[first]
            text = "\n".join(lines)
    return text


def outcome(text, **options):
    try:
        return parse_netlist(text, **options)
    except NetlistError as error:
        assert any(d.severity == "error" for d in error.diagnostics)
        str(error)
        return error


def described(result):
    """Return what must not depend on the path taken through the reader."""
    if isinstance(result, NetlistError):
        return result.diagnostics
    columns = [
        [value.tolist() if hasattr(value, "tolist") else value for value in vars(table).values()]
        for table in result.tables.values()
    ]
    parts = (result.title, result.nodes, columns, result.analyses, result.outputs)
    return repr((*parts, result.nodeset, result.diagnostics))


def check(text):
    quick = outcome(text)
    assert described(quick) == described(outcome(text, quick=False))
    if not isinstance(quick, NetlistError):
        with contextlib.suppress(UsageError):
            format_netlist(quick, "ngspice")


@given(mutated())
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mutated_deck_gives_a_circuit_or_a_netlist_error(text):
    check(text)


@pytest.mark.long
@given(mutated())
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_mutated_decks_give_a_circuit_or_a_netlist_error(text):
    check(text)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_arbitrary_text_gives_a_circuit_or_a_netlist_error(text):
    outcome(text)


def nested(depth):
    cells = "".join(
        f".subckt s{k} a b\nx1 a b s{k + 1}\nx2 a b s{k + 1}\n.ends\n" for k in range(depth)
    )
    return f"t\nx0 a 0 s0\n{cells}.subckt s{depth} a b\nr1 a b 1\n.ends\n"


def chain(count):
    cards = "".join(f".param p{k}={{p{k + 1}}}\n" for k in range(count))
    return f"t\n{cards}.param p{count}=1\nr1 a 0 {{p0}}\n"


def functions(count):
    cards = "".join(f".func f{k}(x) {{f{k + 1}(x)+f{k + 1}(x)}}\n" for k in range(count))
    return f"t\n{cards}.func f{count}(x) {{x}}\nr1 a 0 {{f0(1)}}\n"


HOSTILE = {
    "subcircuit that contains itself": "t\nx1 a b s\n.subckt s a b\nx1 a b s\n.ends\n",
    "two subcircuits that contain each other": "t\nx1 a s\n.subckt s a\nx1 a u\n.ends\n"
    ".subckt u a\nx1 a s\n.ends\n",
    "two to the fortieth elements": nested(40),
    "two to the fiftieth, deep": nested(90),
    "nested too deeply": nested(3000),
    "functions that double": functions(30),
    "function that calls itself": "t\n.func f(x) {f(x)}\nr1 a 0 {f(1)}\n",
    "tower of powers": "t\nr1 a 0 {9**9**9**9}\n",
    "parameter of itself": "t\n.param a={a}\nr1 a 0 {a}\n",
    "parameters in a circle": "t\n.param a={b} b={c} c={a}\nr1 a 0 {a}\n",
    "missing include": "t\n.include /nowhere/at/all\n",
    "directory as include": "t\n.include .\n",
    "parentheses": "t\nr1 a 0 {" + "(" * 20_000 + "1" + ")" * 20_000 + "}x\n",
    "braces": "t\nr1 a 0 " + "{" * 100_000 + "\n",
    "quotes": "t\nr1 a 0 " + "'" * 99_999 + "\n",
    "minus signs": "t\nr1 a 0 {" + "-" * 60_000 + "1}\n",
    "long line": "t\nr1 a 0 " + "1" * 1_000_000 + "\n",
    "long word": "t\nr1 a 0 " + "x" * 1_000_000 + "\n",
    "long card of words": "t\nr1 " + "a " * 500_000 + "\n",
    "long sum": "t\nr1 a 0 {" + "+".join(["1"] * 500_000) + "}\n",
    "sum of voltages": "t\nb1 a 0 v={" + "+".join(f"v({k})" for k in range(6000)) + "}\n",
    "spaces": "t\nr1 a 0" + " " * 1_000_000 + "'\n",
    "long exponent": "t\nr1 a 0 1e" + "9" * 100_000 + "\n",
    "NUL bytes": "t\nr1 a 0 \0\n",
    "nothing": "",
    "blank lines": "\n\n\n",
    "title only": "a title",
    "nan": "t\nr1 a 0 nan\n",
    "infinite voltage": "t\nv1 a 0 1e999\n",
    "infinite parameter": "t\n.param x=inf\nv1 a 0 {x}\n",
    "inf minus inf": "t\nv1 a 0 {inf-inf}\n",
    "a trillion sweep points": "t\nv1 a 0 1\n.dc v1 0 1 1e-12\n",
    "sweep of sweeps": "t\nv1 a 0 1\nv2 b 0 1\n.dc v1 0 1 1e-4 v2 0 1 1e-4\n",
    "deep conditions": "t\n" + ".if (1)\n" * 5000,
    "deep definitions": "t\n" + ".subckt a b\n" * 5000,
    "errors galore": "t\n" + "".join(f"r{k} a\n" for k in range(50_000)),
    "stray continuation": "t\n+ 1\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_deck_is_refused_in_good_time(text):
    started = time.process_time()
    with pytest.raises(NetlistError):
        parse_netlist(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", [chain(20_000), functions(10)], ids=["chain", "functions"])
def test_what_is_merely_long_is_accepted(text):
    assert parse_netlist(text).resistors.ohms[0] > 0


def test_a_file_that_includes_itself_is_refused(tmp_path):
    path = tmp_path / "a.inc"
    path.write_text(".include a.inc\n")
    with pytest.raises(NetlistError, match="includes itself"):
        parse_netlist("t\n.include a.inc\nr1 a 0 1\n", directory=tmp_path)


def test_files_that_include_each_other_many_times_are_refused(tmp_path):
    for k in range(25):
        (tmp_path / f"{k}.inc").write_text(f".include {k + 1}.inc\n" * 2)
    (tmp_path / "25.inc").write_text("* end\n")
    with pytest.raises(NetlistError, match="too many files"):
        parse_netlist("t\n.include 0.inc\n", directory=tmp_path)
