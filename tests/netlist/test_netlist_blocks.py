"""Runs of plain cards, which are read by whole columns, give what single cards give."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fuzz import described, mutated, outcome

from resnet_sim.compiled import policy
from resnet_sim.model.numbers import in_range, plain_number, plain_numbers, read_number
from resnet_sim.netlist import parse_netlist
from resnet_sim.netlist.read import blocks, fast_cards, readers
from resnet_sim.netlist.read.blocks import Block, split


@pytest.fixture(scope="module", autouse=True)
def short_blocks():
    """Make blocks of three cards, so that small decks are full of them and of their ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "SHORTEST", 3)
        patch.setattr(blocks, "CHUNK", 150)
        with policy.using(blocks=0):
            yield


def check(text):
    """Compare reading by columns with the grammar, which reads card by card."""
    assert described(outcome(text)) == described(outcome(text, quick=False))


NODES = st.sampled_from(["0", "gnd", "a", "b", "N1", "n2", "x1.m", "n/3", "n$4", "Ä", "n//5"])
NUMBERS = st.sampled_from(
    ["1k", "2.5meg", "1e3", "-4", "1M", "0", "1f", ".5u", "1g", "3n", "1e3k", "1mil", "4k7", "1_0"]
    + ["inf", "nan", "1e999", "p1", "{p1}", "1,5", "7t", "1e", "+.5p", "dm", "1kohm"]
    + ["1Mohm", "2mohm", "3mils", "1fF", "5F", "2megohm", "1xohm", "5a", "{p1-3}", "{none}"]
    + ["{p1+}", "{p1", "p1}", "{p1}k", "'p1'", "'p1", "{{p1}}", "{2*-p1**2}", "{1e400}", "1e5k"]
)
PLAIN_NUMBERS = st.sampled_from(
    ["1k", "2.5meg", "1e3", "4", ".5u", "1g", "3n", "7t", "+.5p"]
    + ["1kohm", "10pF", "5V", "20mA", "{p1}", "'p1'", "{2*p1+1}", "{p1/9}"]
)


@st.composite
def card(draw, kind, wild):
    """Return one line of a deck; unless `wild`, one that is right, though not always plain.

    ``#`` stands for a number that is to be another one in each line.
    """
    p, q = draw(NODES), draw(NODES)
    if kind == "d":
        return f"D# {p} {q} {draw(st.sampled_from(['dm', 'DM2', *['bad', 'r'] * wild]))}"
    if kind[0] in "xX":
        return kind.format("#", p, q)
    if kind == "z":
        return draw(st.sampled_from(ODD + WILD_ODD * wild))
    value = draw(PLAIN_NUMBERS if not wild or draw(st.integers(0, 9)) else NUMBERS)
    if kind == "y":
        blank = draw(st.sampled_from([" ", "\t", "  ", " , "]))
        return blank.join([draw(st.sampled_from(["r", " r"])) + ".y#", p, q, value])
    if kind == "v" and not wild:
        q = "v#"
    end = draw(st.sampled_from(["", "", "", "", " ", "\r", " ; x", " $ y", " tc=1m", " // z"]))
    return f"{kind}# {p} {q} {value}{end}"


@st.composite
def runs(draw, wild):
    """Return some lines of one kind."""
    kind = draw(st.sampled_from("rrrrvidlcxxxxyz"))
    if kind == "x":
        kind = draw(st.sampled_from(INSTANCES + WILD_INSTANCES * wild))
    return draw(st.lists(card(kind, wild), min_size=1, max_size=3 if kind in "yz" else 9))


INSTANCES = ["x{0} {1} {2} cell"] * 9 + [
    "X{0} {2} {1} cell", "x{0} {1} {2} cell r=2", "x{0} {1} {2} cell r = 2", "x{0} {1} {2} other",
    "x{0} {1} {2} cell r={0}", "x{0}.x {1} {2} cell", "x{0} {1} {2} cell r={{p1}}",
    "x{0} {1} {2} cell r='p1 + 1'", "x{0} {1} {2} / cell", "x{0} {1} a {2} three",
    "x{0} {1} {2} b three m=2", "x{0} {1} {2} cell params: r=3",
]  # fmt: skip
WILD_INSTANCES = [
    "x{0} {1} cell", "x{0} params: {2} cell", "x{0} a=1 {2} cell", "x{0} {1} {2} none",
    "x1 {1} {2} cell", "x{0} {{1}} {2} cell", "x{0} {1} {2} {{cell}}", "x{0} '{1} {2}' cell",
]  # fmt: skip

ODD = [
    "", "* comment", "   ", "; comment", "$ comment", "// comment", "e# a 0 b 0 2", "k# l1 l2 1",
    "s# a 0 b 0 sm", "r# a 0 {p1}", "  r# a b 1k", ".if (p1>0)\nr# a b 1\n.endif", "r# a b\n+ 1k",
    "r# a b 1k\n\n* x\n+ tc1=1m", ".print dc v(a)", ".model dm# d(is=1e-14)", "r.x1.r1 a b 1",
]  # fmt: skip
WILD_ODD = [
    "+ tc1=1m", "+ 1", "f# a 0 v1 2", "q# a b c", "r#", ".endif", ".ends", ".subckt cell a b",
    ".print dc v(n#) i(r#)", ".control", ".endc", ".end", "\x0br# a b 1k", "r# a b 1k x", ".temp 9",
]  # fmt: skip

HEAD = (
    "title\n.param p1=3\n.model dm d(ron=0 vfwd=.5)\n.model dm2 d(is=1e-14 rs=1)\n"
    ".model bad d(ron=-1)\n.model sm sw(vt=1)\n.global glob\n"
    ".subckt inner a b\nr1 a m 1\nr2 m b {r}\nv1 m 0 1\n.ends\n.subckt other a b\n.ends\n"
    ".subckt three a b c\nr1 a n 1\nc1 n b 1\nr2 b c 2\n.ends\n"
)
#: what a subcircuit may hold
BODIES = [
    "r1 a m 1k", "r2 m b {r*2}", "d1 m b dm", "v1 n 0 5", "v2 a n2 0", "i1 gnd a 1", "r9 0 gnd 5",
    "c1 b glob 1u", "l1 m b 1", "x1 a b inner", "x2 m glob inner", ".param r=7", "r6 a b {p1}",
    "r8 a b 1 tc=1", ".model dm d(ron=1)", ".if (r>1)\nr5 a b r\n.endif", "r7 x1.m x1.r1 1M",
]  # fmt: skip
SPECIAL_BODIES = ["r3 a m 0", "v3 a b 2", "e1 m 0 a b 2", "s1 a b m 0 sm", ".temp 50", ".op"]
WILD_BODIES = ["f1 a b v1 3", "r1 a b 1", "r4 a", "d2 a b none", "x2 a b none"]


@st.composite
def decks(draw, wild):
    parts = BODIES + SPECIAL_BODIES * (draw(st.integers(0, 3)) == 0) + WILD_BODIES * wild
    body = draw(st.lists(st.sampled_from(parts), max_size=5, unique=True))
    inside = [line for run in draw(st.lists(runs(wild), max_size=2)) for line in run]
    inside = [line if wild else line.replace("cell", "other") for line in inside]
    texts = [line for run in draw(st.lists(runs(wild), min_size=1, max_size=12)) for line in run]
    texts = [".subckt cell a b r=1", *body, *inside, ".ends", *texts]
    numbers = list(range(len(texts)))
    for _ in range(draw(st.integers(0, 3)) * wild):
        numbers[draw(st.integers(0, len(texts) - 1))] = draw(st.integers(0, 9))
    texts = [text.replace("#", str(k)) for text, k in zip(texts, numbers, strict=True)]
    return HEAD + "\n".join(texts)


@given(decks(wild=False))
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
def test_mixed_cards_give_the_same_circuit(text):
    check(text)


@given(decks(wild=True))
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_wrong_cards_give_the_same_diagnostics(text):
    check(text)


@pytest.mark.long
@given(st.booleans().flatmap(lambda wild: decks(wild=wild)))
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_mixed_decks_give_the_same_circuit_and_diagnostics(text):
    check(text)


RUN = "".join(f"r{k} a n{k} 1k\n" for k in range(5))
XRUN = "".join(f"x{k} a n{k} cell\n" for k in range(5))
CELL = ".subckt cell a b r=1\nr1 a b 1\n{}\n.ends\n"

#: what must not be missed, once each, amid cards that are read by columns
TRAPS = {
    "shorted source": RUN + "v1 a b 1\nv2 c c 5\nv3 a d 1\nv4 0 gnd 2\n" + RUN.replace("r", "i"),
    "zero ohms": RUN + "r8 a b 0\n" + RUN.replace("r", "c"),
    "meg": RUN.replace("1k", "2meg"),
    "name twice": RUN + RUN,
    "diode twice": "d1 a b dm\nd2 a b dm\nd3 a b dm\nd1 a b dm2\n",
    "unknown model": "d1 a b dm\nd2 a b dm\nd3 a b none\nd4 a b dm\n",
    "flattened names": RUN.replace("r", "r.x"),
    "continued": RUN + "* x\n\n+ tc1=1m\n" + RUN.replace("r", "i"),
    "continued instance": XRUN + "+ r=2\n" + CELL.format("r2 a b {r}"),
    "source within, shorted": XRUN + "x8 a a cell\nx9 0 gnd cell\n" + CELL.format("v1 a b 1"),
    "equals among nodes": XRUN.replace("x3 a", "x3 a=1") + CELL.format(""),
    "params: among nodes": XRUN.replace("x3 a", "x3 params:") + CELL.format(""),
    "shorts within": XRUN + CELL.format("r2 a b 0"),
    "controls within": XRUN + CELL.format("v1 m 0 1\nf1 a b v1 2\nf2 a b v9 2"),
    "a switch within": XRUN + CELL.format("s1 a b a 0 sm"),
    "commands within": XRUN + CELL.format(".temp 50\nr2 a b 1 tc=1"),
    "analyses within": XRUN + CELL.format(".dc temp 1 2 1"),
    "controlled from outside": XRUN + "f1 a 0 x3.v1 2\n" + CELL.format("v1 m 0 1"),
    "odd values within": XRUN + CELL.format(RUN.replace("1k", "1M") + RUN.replace("r", "i")),
    "few between odd ones": XRUN + CELL.format(RUN.replace("r", "c").replace("n2 1k", "n2 1f")),
    "long names": XRUN.replace("x3", "x" + "y" * 997) + CELL.format("x1 a b other"),
    "itself": XRUN + CELL.format("x1 a b cell\n" + RUN.replace("1k", "1M")),
}  # fmt: skip


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS.keys())
def test_what_is_odd_amid_plain_cards_is_found(text):
    check(HEAD + text)


@given(mutated())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mutated_deck_gives_the_same_circuit_and_diagnostics(text):
    check(text)


def parts(text):
    """Return what `split` makes of a text: numbers of lines, or their first number and count."""
    return [
        part.lines.tolist() if isinstance(part, Block) else (part[0], len(part[1]))
        for part in split(0, text)
    ]


def test_comments_and_blank_lines_do_not_end_a_run():
    text = (
        "t\nr1 a b 1\n* r9 a b 1\nr2 a b 1\n\n  \n  r3 a b 1\n\nx1 a b c\nx2 a b c\nx3 a b c\n.op"
    )
    assert parts(text) == [(1, 1), [2, 4, 7], (8, 1), [9, 10, 11], (12, 1)]


@pytest.mark.parametrize("odd", ["r2 a b c 1", "r2 a (b) 1", "r2 a b", "r.x a b 1", "q a b 1", "é"])
def test_other_cards_end_a_run(odd):
    run = "r1 a b 1\n" * 3
    assert parts(f"t\n{run}{odd}\n{run}") == [(1, 1), [2, 3, 4], (5, 1), [6, 7, 8]]


def test_a_run_goes_on_across_the_ends_of_chunks():
    text = "t\n" + "".join(f"r{k} a{k} b 1k\n" for k in range(200))
    found = list(split(0, text))
    assert len(found) > 10
    numbers = np.concatenate([b.lines for b in found if isinstance(b, Block)])
    cards = [card for b in found if isinstance(b, Block) for card in b.cards()]
    assert numbers.tolist() == [line for _, line, _ in cards] == list(range(2, 202))
    assert [text for _, _, text in cards] == text.split("\n")[1:-1]


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n" * 400, "\n \n", "\n* x"])
def test_what_follows_the_last_run_may_be_nothing(end):
    run = "r1 a b 1\n" * 16  # of the length of a chunk
    found = list(split(0, f"t{' ' * 6}\n{run}{end}"))
    assert sum(len(part) for part in found if isinstance(part, Block)) == 16


def test_lines_of_elements_are_those_of_the_text():
    text = "t\n" + "".join(f"* c\nr{k} a{k} 0 1k\n\nd{k} a{k} 0 dm\n" for k in range(30))
    circuit = parse_netlist(text + ".model dm d(ron=0)\n")
    assert circuit.resistors.line.tolist() == list(range(3, 123, 4))
    assert circuit.diodes.line.tolist() == list(range(5, 124, 4))
    assert circuit.span(31).text == "d1 a1 0 dm"


def test_plain_cards_and_equal_instances_are_not_looked_at_one_by_one(monkeypatch):
    looked_at = []
    read = readers.read_element

    def counted(card, *arguments, **options):
        looked_at.append(card[2])
        return read(card, *arguments, **options)

    monkeypatch.setattr(readers, "read_element", counted)
    monkeypatch.setattr(fast_cards.PlainCards, "add", lambda self, card: False)
    # one chunk, the first card of which is no part of a run
    monkeypatch.setattr(blocks, "CHUNK", 10**6)
    values = ["1k", "{p}", "2.2kohm", "'2*p'"]
    ends = ["", " ; z", " $ z", " // z"]
    body = "".join(
        f"r{k} a n{k} {values[k % 4]}{ends[k % 3]}\ni{k} n{k} b{ends[k % 4]}\n+ 1mA\n"
        for k in range(500)
    )
    text = f"t\n.subckt big a b\n{body}.ends\n.subckt cell a b\nr1 a b 1\nx1 a b big\n.ends\n"
    text += ".param p=5\n"
    text += body + "".join(f"x{k} n{k} 0 cell{ends[k % 3]}\n" for k in range(100))
    circuit = parse_netlist(text)
    assert circuit.n_elements == 1000 + 100 * 1001
    assert circuit.element_names[500 + 501] == "x1.r1"
    assert circuit.resistors.names[-1] == "x99.x1.r499"
    assert circuit.nodes[circuit.resistors.q[-1]] == "x99.x1.n499"
    assert circuit.nodes[circuit.resistors.p[-1]] == "n99"
    assert circuit.resistors.ohms[-4:].tolist() == [1000.0, 5.0, 2200.0, 10.0]
    assert circuit.current_sources.amps[-1] == 1e-3
    assert looked_at == ["x0 n0 0 cell", "r1 a b 1", "x1 a b big"]


def test_instances_in_turn_are_placed_in_their_order(monkeypatch):
    looked_at = []
    read = readers.read_element
    monkeypatch.setattr(
        readers, "read_element", lambda c, *a, **o: looked_at.append(c[2]) or read(c, *a, **o)
    )
    monkeypatch.setattr(blocks, "CHUNK", 10**6)
    text = HEAD + ".subckt cell a b r=1\nr1 a b {r}\n.ends\n"
    forms = ["x{0} n{0} 0 cell\n", "x{0} n{0} a n{1} three\n", "x{0} n{1} n{0} cell r=5\n"]
    text += "".join(forms[k % 3].format(k, k + 1) for k in range(60))
    circuit = parse_netlist(text)
    assert described(circuit) == described(parse_netlist(text, quick=False))
    of_text = ["x0.r1", "x1.r1", "x1.r2", "x2.r1", "x3.r1", "x4.r1", "x4.r2", "x5.r1"]
    assert list(circuit.resistors.names[:8]) == of_text
    assert circuit.resistors.ohms[:4].tolist() == [1.0, 1.0, 2.0, 5.0]
    cards = [card for card in looked_at if card[0] == "x"]
    assert cards[:3] == ["x0 n0 0 cell", "x1 n1 a n2 three", "x2 n3 n2 cell r=5"]
    assert len(cards) == 3 + 60  # and all of them by the grammar


WORDS = st.one_of(
    st.text("0123456789+-.ekmgtunpfil_xd", min_size=1, max_size=7),
    st.from_regex(r"\A[+-]?[0-9]{1,20}(\.[0-9]{0,20})?(e[+-]?[0-9]{1,3})?(meg|[tgkmunpf])?\Z"),
    st.from_regex(r"\A[0-9]{1,2}(e[0-9])?(meg|mil|[tgkmunpf])?(ohm|il|eg|e|x|a)?\Z"),
)


def test_instances_of_expressions_are_refused_one_by_one_in_what_contains_itself():
    cards = "".join(f"x{k} {{1}} 0 cell\n" for k in range(5))
    check(f"t\n.subckt cell a b r=1\n{cards}.ends\nx7 0 0 cell\n")


@given(WORDS)
@settings(max_examples=500, deadline=None)
def test_numbers_with_units_are_those_that_are_read(word):
    found, read = plain_number(word, units=True), read_number(word)
    assert found is None or (found == read.value and read.is_clean) or math.isnan(found)


@given(st.lists(WORDS, min_size=1, max_size=3), st.booleans())
@settings(max_examples=500, deadline=None)
def test_numbers_of_a_column_are_those_of_single_words(words, units):
    single = [plain_number(word, units=units) for word in words]
    expected = [math.nan if x is None or not in_range(x) else x for x in single]
    found = plain_numbers(" ".join(words) + " ", units=units)
    # the bits, so that NaN equals NaN and -0 does not equal 0
    assert found.tobytes() == np.array(expected).tobytes()


@pytest.mark.parametrize("title", ["t" * 200, "T" * 200, "ä" * 200])
def test_blocks_refer_to_the_text_of_their_file(title):
    text = f"{title}\n" + "\n".join(f"R{k} A {k} 1K" for k in range(40))
    found = [part for part in split(0, text) if isinstance(part, Block)]
    assert sum(map(len, found)) == 40
    assert sum(block.whole is text for block in found) >= len(found) - 1 > 0
    cards = [card for block in found for card in block.cards()]
    assert cards == [(0, k + 2, f"r{k} a {k} 1k") for k in range(40)]
    assert [block.card(2) for block in found] == [block.cards()[2] for block in found]
    part = found[1].part(1, 4)
    assert part.cards() == found[1].cards()[1:4]
    assert part.columns()[0] == [text.split()[0] for _, _, text in part.cards()]


@pytest.mark.parametrize("model", ["{p1}", "'p1'", "{none}"])
def test_models_of_diodes_are_no_expressions(model):
    check("t\n.param p1={mc(2,0.1)}\n" + "".join(f"d{k} a b {model}\n" for k in range(9)))


def test_what_is_wrong_in_a_body_is_told_though_its_instance_can_not_be_placed():
    rows = "".join(f"r{k} a b {{1+}}\n" for k in range(9))
    text = f"t\n.param k=2\n.subckt big a b k=3\n{rows}.ends\nx1 a 0 big\nv1 a 0 1\n"
    quick, slow = (outcome(text, quick=q, dialect="hspice") for q in (True, False))
    assert described(quick) == described(slow)
    assert {"E138", "E128"} <= {found.code for found in quick.diagnostics}
