"""Cards without influence on an operating point, by their grammars: none refuses a deck."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import resnet_sim as rs

DECK = """a title
v1 in 0 8
r1 in out 1k
r2 out 0 3k
x1 out s
.param tstop=1m
.subckt s a
r9 a m 1e9
r8 m 0 1e9
.ends
"""
DIALECTS = ["auto", "ngspice", "ltspice", "pspice", "xyce", "hspice"]
EXPECTED = 8 / (1 + 1e3 * (1 / 3e3 + 1 / 2e9))


def joined(*parts):
    """Words of all the given strategies, one after the other; plain text stands for itself."""
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).map(lambda words: " ".join(word for word in words if word))


def maybe(part):
    return st.one_of(st.just(""), part if not isinstance(part, str) else st.just(part))


def some(part, most=4, least=0):
    return st.lists(part, min_size=least, max_size=most).map(" ".join)


def spelled(*words):
    """One of some words, in any case."""
    return st.sampled_from(words).flatmap(lambda w: st.sampled_from([w, w.upper(), w.title()]))


names = st.sampled_from(["x", "t_rise", "p1", "vout", "max", "tran1", "'my name'", "a.b", "2nd"])
nodes = st.sampled_from(["out", "in", "0", "x1.m", "nowhere", "x1:m", "net-1", "*"])
elements = st.sampled_from(["r1", "v1", "x1.r9", "m1", "r.x1.r9", "x1", "q1:c", "*"])
numbers = st.sampled_from(
    ["0", "1", "1n", "2.5us", "-3", "1meg", "'1+2'", "{tstop/2}", "1e-9", "50%", "last"]
)
signals = st.one_of(
    joined(st.sampled_from(["v", "vdb", "vp", "vr", "vi", "vm", "n", "vt"]), "(", nodes, ")"),
    joined("v (", nodes, ",", nodes, ")"),
    joined(st.sampled_from(["i", "p", "w", "id", "ib", "isub", "lx4", "d"]), "(", elements, ")"),
    joined("@", elements, "[id]").map(lambda text: text.replace(" ", "")),
    st.sampled_from(["par('v(out)*2')", "{v(out)-v(in)}", "onoise", "inoise(m)", "v(alias(*))"]),
    st.sampled_from(["abs(v(out))", "v(out)*i(v1)", "v(out)>1", "all", "alli", "time", "sin(1)"]),
)
edges = joined(spelled("rise", "fall", "cross"), st.sampled_from(["=", " = ", " "]), numbers)
windows = joined(spelled("from", "to", "td", "goal", "minval", "weight", "at"), "=", numbers)
conditions = st.one_of(
    joined(signals, st.sampled_from(["=", " = "]), st.one_of(numbers, signals)),
    joined(signals, "val", "=", numbers),
)
points = joined(conditions, some(st.one_of(edges, windows), 3))
operations = st.one_of(
    joined(spelled("trig"), points, spelled("targ"), points),
    joined(spelled("trig at="), numbers, "targ", points),
    joined(spelled("find", "deriv", "derivative"), signals, spelled("when"), points),
    joined(spelled("find", "deriv"), signals, "at", "=", numbers),
    joined(spelled("when"), points),
    joined(
        spelled("avg", "rms", "max", "min", "pp", "integ", "integral", "em_avg", "err1", "min_at",
                "max_at", "duty", "freq", "on_time", "thd", "snr", "enob", "eqn", "error", "four"),
        signals, maybe(signals), some(windows, 3),
    ),
    joined(spelled("param", "expr"), st.sampled_from(["=", "", "= "]), st.one_of(signals, names)),
    some(st.one_of(signals, names, numbers), 4),
)  # fmt: skip
#: all but dc
analyses = spelled(
    "tran", "tr", "transient", "tran_cont", "ac", "ac_cont", "noise", "noise_cont", "op", "sp",
    "fft", "hb", "four",
)  # fmt: skip
measures = joined(spelled(".meas", ".measure", ".measurement"), analyses, names, operations)
swept = joined(spelled(".meas", ".measure"), "dc", names, operations)

formats = st.sampled_from(
    ["format=csv", "file=a.csv", "width=10", "precision=3", "delimiter=comma"]
)
limits = st.sampled_from(["(0,5)", "(-1, 1)", "vs v(in)", "pow=", "title=x"])
outputs = joined(
    spelled(".print", ".plot", ".probe", ".probe64", ".save", ".graph", ".iplot", ".watch"),
    maybe(spelled("tran", "ac", "op", "dc", "noise", "hb", "hb_fd", "sens", "homotopy")),
    some(st.one_of(formats, signals, limits), 5),
)
fourier = joined(spelled(".four", ".fft", ".fourier"), some(st.one_of(numbers, signals), 4))
words = ["dec", "oct", "lin", "list", "poi", "uic", "sweep", "data=d1", "monte=30", "start=1n"]
words += ["temp", "-55", "startup", "steady", "v1", "r1"]
steps = some(st.one_of(numbers, st.sampled_from(words)), 8)
times = joined(
    spelled(".tran", ".ac", ".noise", ".disto", ".pz", ".pss", ".sp", ".hb", ".net", ".pac", ".lin",
            ".hbnoise", ".snosc", ".lstb", ".env", ".acmatch", ".dcmatch", ".mc", ".wcase"),
    maybe(signals), steps,
)  # fmt: skip
settings_of = joined(
    st.sampled_from([".options", ".option", ".opt", ".opti", ".options device"]),
    some(st.sampled_from(["post=2", "probe", "ingold = 2", "acct", "list", "node", "nopage",
        "method=gear", "reltol=1e-4", "itl1=500", "abstol=1n", "plotwinsize=0", "numdgt=15",
        "brief=1", "savecurrents", "co=132", "runlvl=5", "measform=2", "captab", "lis_new"]), 5),
)  # fmt: skip
paths = st.sampled_from(["x.nsv", '"a b.txt"', "'/no/such'", "file=x.ic", "file=x level=all"])
administrative = joined(
    spelled(".width", ".view", ".wave", ".ferret", ".machine", ".backanno", ".load", ".loadbias",
            ".savebias", ".store", ".biaschk", ".stim", ".stimlib", ".vector", ".dout", ".text",
            ".protect", ".unprotect", ".prot", ".unprot", ".alias", ".aliases", ".endaliases",
            ".list", ".log", ".status", ".mark", ".unmark", ".fit", ".pause", ".rem", ".help",
            ".result", ".sampling", ".pce", ".embeddedsampling", ".mosra", ".check", ".pat",
            ".hdl", ".malias", ".title", ".set", ".csparam a=", ".sens", ".tf", ".assert"),
    maybe(paths), some(st.one_of(names, signals, numbers), 3),
)  # fmt: skip
lines = [
    "run",
    "alter r1 = 5k",
    "let",
    "if $&x > 1",
    "end",
    "dc v1 0 1 1",
    "* remark",
    "foreach x 1",
]
commands = some(st.one_of(names, signals, numbers, st.sampled_from(lines)), 4)
blocks = st.tuples(
    st.sampled_from([(".control", ".endc"), (".CONTROL", ".Endc"), (".data d1", ".enddata"),
                     (".variation", ".end_variation")]),
    st.lists(commands.filter(lambda line: not line.startswith("+")), max_size=4),
).map(lambda made: "\n".join([made[0][0], *made[1], made[0][1]]))  # fmt: skip

CARDS = st.one_of(measures, swept, outputs, fourier, times, settings_of, administrative, blocks)


@settings(max_examples=250, deadline=None)
@given(CARDS, st.sampled_from(DIALECTS), st.booleans())
def test_no_ignored_card_refuses_a_deck_or_changes_its_answer(card, dialect, first):
    title, rest = DECK.split("\n", 1)
    text = f"{title}\n{card}\n{rest}" if first and "end" not in card else f"{DECK}{card}\n"
    point = rs.solve(rs.parse_netlist(text, dialect=dialect))
    assert point.voltage("out") == pytest.approx(EXPECTED, rel=1e-12)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(st.lists(CARDS, min_size=1, max_size=4), st.sampled_from(DIALECTS))
def test_no_ignored_cards_refuse_decks(cards, dialect):
    text = DECK + "\n".join(cards)
    point = rs.solve(rs.parse_netlist(text, dialect=dialect))
    assert point.voltage("out") == pytest.approx(EXPECTED, rel=1e-12)


def test_hspice_writes_sweeps_in_its_own_words():
    def sweep(card):
        (analysis,) = rs.parse_netlist(f"{DECK}{card}\n").analyses
        return [(s.name, s.values) for s in analysis.sweeps]

    assert sweep(".dc v1 poi 3 1 5 2") == [("v1", (1.0, 5.0, 2.0))]
    assert sweep(".dc v1 0 2 1 sweep r1 poi 2 1k 3k") == [
        ("v1", (0.0, 1.0, 2.0)), ("r1", (1e3, 3e3)),
    ]  # fmt: skip
    assert sweep(".dc data=d1\n.data d1 v1\n1 2\n.enddata") == [("data(d1)", (1.0, 2.0))]


def test_a_nodeset_of_all_nodes_leaves_those_with_their_own():
    circuit = rs.parse_netlist(f"{DECK}.nodeset v(in)=7 all=2\n")
    assert circuit.nodeset == {"in": 7.0, "out": 2.0, "x1.m": 2.0}
