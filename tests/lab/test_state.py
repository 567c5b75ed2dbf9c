"""What the page shows: states, links, and values that are turned in the text of the deck."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import resnet_sim as rs
from resnet_sim.lab.dials import dials, parameters, spice, turned
from resnet_sim.lab.state import MARK, MAX_DECK, Reader, State, fragment, state_of
from resnet_sim.model.numbers import read_number

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "netlists").glob("*.net"))
READER = Reader()

names = st.text("abcr123.", min_size=1, max_size=6)
states = st.builds(
    State,
    st.text(max_size=200),
    st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False), max_size=3),
    st.dictionaries(names, st.booleans(), max_size=3),
)


@given(states)
def test_a_link_opens_what_it_was_made_of(state):
    assert state_of("http://127.0.0.1:8137/#" + fragment(state)) == state


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1/", "x#lab=", "x#lab=%%%", "x#lab=AAAA", "x#lab=" + "ß", "x#lab=eyJ9",
     "x#" + MARK + base64.urlsafe_b64encode(zlib.compress(b'{"deck": 3}', wbits=-15)).decode()],
)  # fmt: skip
def test_damaged_links_are_refused(link):
    with pytest.raises(rs.UsageError):
        state_of(link)


def test_a_link_can_not_grow_without_bounds():
    packer = zlib.compressobj(9, wbits=-15)
    bomb = packer.compress(b" " * 50_000_000) + packer.flush()
    with pytest.raises(rs.UsageError, match="characters"):
        state_of("x#" + MARK + base64.urlsafe_b64encode(bomb).decode())


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"deck": 3}, {"deck": "a", "values": []}, {"deck": "a", "values": {"r1": "1k"}},
     {"deck": "a", "values": {"r1": True}}, {"deck": "a", "switches": [1]},
     {"deck": "x" * (MAX_DECK + 1)}],
)  # fmt: skip
def test_pages_that_say_anything_else_are_refused(data):
    with pytest.raises(rs.UsageError):
        State.of(data)


# ---- turning ----


@given(st.floats(1e-17, 1e13) | st.floats(-1e13, -1e-17) | st.just(0.0))
def test_numbers_are_written_as_decks_read_them(value):
    written = spice(value)
    read = read_number(written)
    assert read is not None and read.is_clean
    assert read.value == pytest.approx(value, rel=1e-5)


DECK = """turned
.param gain=2 drop={2*gain} ; two=3
.param
+ far = 5k
.subckt half a b
.param inner=1
R1 a b 1k
.ends
V1 1 0 10
R1 1 2 2
R2 2 0
+ 3k ; ohms
X1 2 0 half
R3 2 0 {far}
R4 2 0 1k m=2
.end
"""


def turn(name: str, value: float, deck: str = DECK) -> State:
    return turned(State(deck), name, value, READER)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("v1", -2.5, "V1 1 0 -2.5"),
        ("r1", 4700.0, "R1 1 2 4.7k"),  # the number, and not a node of the same value
        ("r2", 2.2e6, "+ 2.2meg ; ohms"),
        ("gain", 0.125, ".param gain=125m drop={2*gain} ; two=3"),
        ("far", 1e4, "+ far = 10k"),
    ],
)
def test_turning_writes_the_number_of_a_card(name, value, line):
    state = turn(name, value)
    assert not state.values
    changed = [
        new for new, old in zip(state.deck.split("\n"), DECK.split("\n"), strict=True) if new != old
    ]
    assert changed == [line]


@pytest.mark.parametrize("name", ["x1.r1", "r3", "r4"])
def test_what_no_number_of_a_card_says_is_kept_beside_the_deck(name):
    state = turn(name, 777.0)
    assert state.deck == DECK and state.values == {name: 777.0}
    circuit = READER.circuit(state)
    assert circuit.resistors.ohms[circuit.resistors.names.index(name)] == 777.0
    again = turned(state, name, 888.0, READER)
    assert again.values == {name: 888.0}


def test_parameters_of_subcircuits_and_formulas_are_not_offered():
    assert {name: value for name, (value, _) in parameters(DECK).items()} == {
        "gain": 2.0,
        "far": 5000.0,
    }


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_has_to_be_finite(value):
    with pytest.raises(rs.UsageError):
        turn("r1", value)


def test_what_is_not_there_can_not_be_turned():
    state = turn("r99", 1.0)
    with pytest.raises(rs.UsageError, match="r99"):
        READER.circuit(state)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_dial_of_an_example_sets_its_value_and_no_other(path):
    state = State(path.read_text())
    circuit = READER.circuit(state)
    for dial in dials(circuit, state)[:12]:
        value = 1.25 * dial.value or 0.5
        try:
            changed = READER.circuit(turned(state, dial.name, value, READER))
        except rs.UsageError:  # a drop beyond the breakdown
            assert dial.kind == "diode"
            continue
        if circuit.find(dial.name) is None:
            goal = circuit.with_parameters({dial.name: value})
        else:
            goal = circuit.with_values({dial.name: value})
        for name, table in goal.tables.items():
            if table.value:
                found = getattr(changed.tables[name], table.value)
                np.testing.assert_allclose(found, getattr(table, table.value), rtol=2e-6)


# ---- files ----


def test_files_are_read_from_allowed_folders_alone(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "load.inc").write_text("R2 a 0 1k\n.include deeper.inc\n")
    (tmp_path / "in" / "deeper.inc").write_text("R3 a 0 1k\n")
    (tmp_path / "out.inc").write_text("R4 a 0 1k\n")
    (tmp_path / "in" / "way-out.inc").symlink_to(tmp_path / "out.inc")
    reader = Reader([tmp_path / "in"])
    deck = "files\nV1 a 0 1\nR1 a 0 1k\n{}\n"
    assert len(reader.read(deck.format(".include load.inc")).resistors) == 3
    outside = [".include ../out.inc", f".include {tmp_path}/out.inc", ".include way-out.inc",
               ".lib ../out.inc", ".include ../nothing.inc", ".include /etc/passwd"]  # fmt: skip
    said = []
    for card in outside:
        with pytest.raises(rs.NetlistError) as caught:
            reader.read(deck.format(card))
        (error,) = caught.value.diagnostics
        assert error.code == "E101" and error.span.line == 4
        said.append(error.message.replace(card.split()[1], "FILE"))
    # whether there is such a file is nobody's business
    assert set(said) == {"FILE may not be read by this deck"}
    with pytest.raises(rs.NetlistError):
        READER.read(deck.format(".include load.inc"))


def test_a_deck_of_nothing_says_what_to_write():
    with pytest.raises(rs.NetlistError, match="no elements"):
        READER.read("title\n.param a=1\n")
