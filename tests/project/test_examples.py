"""Every example deck says what to expect in comment lines, and is held to it.

    * expect v(out) = 2.5            voltage, or v(a,b); i(r1) for a current
    * expect i(r1) @ 3 = 10/3k       at point 3 of a sweep, counted from 0
    * expect status 3                exit status, 0 unless said
    * expect floating x              listed as floating, voltage null
    * expect nonunique d1            listed under nonunique_currents
    * expect code W205               some diagnostic has this code

Values are products and quotients of SPICE numbers.  Relative tolerance 1e-9.
"""

import json
import re
from pathlib import Path
from random import Random

import pytest

from resnet_sim.cli import main

DECKS = sorted((Path(__file__).parents[2] / "examples" / "netlists").glob("*.net"))
SUFFIX = {"": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "k": 1e3, "meg": 1e6, "g": 1e9}
VALUE = re.compile(r"([vi])\(([^)]*)\)(?: @ (\d+))? = (\S+)")
RELATIVE = 1e-9


def evaluate(text: str) -> float:
    value = 1.0
    for operator, mantissa, suffix in re.findall(r"([*/]?)([-\d.]+(?:e\d+)?)([a-z]*)", text):
        number = float(mantissa) * SUFFIX[suffix]
        value = value / number if operator == "/" else value * number
    return value


def expectations(deck: Path) -> list[str]:
    found = re.findall(r"^\* expect (.*)$", deck.read_text(), flags=re.MULTILINE)
    return [line.strip() for line in found]


def quantity(record: dict, kind: str, name: str, point: str | None) -> float:
    table = record["voltages" if kind == "v" else "currents"]
    values = [0.0 if part == "0" else table[part] for part in name.split(",")]
    if point is not None:
        values = [part[int(point)] for part in values]
    assert None not in values, f"{kind}({name}) is undefined"
    return values[0] - values[1] if len(values) == 2 else values[0]


def test_there_are_at_least_22_decks_that_all_expect_something():
    assert len(DECKS) >= 22
    assert all(expectations(deck) for deck in DECKS)


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_deck_gives_what_its_comments_expect(deck, capsys):
    exit_status = main(["solve", str(deck), "--format", "json"])
    record = json.loads(capsys.readouterr().out)
    expected = expectations(deck)
    wanted_status = [line.split()[1] for line in expected if line.startswith("status")] or ["0"]
    assert exit_status == int(wanted_status[0]), record["diagnostics"]

    for line in expected:
        if match := VALUE.fullmatch(line):
            kind, name, point, text = match.groups()
            actual, wanted = quantity(record, kind, name, point), evaluate(text)
            # zero is met to 1e-9 of the natural unit of the decks: 1 V, 1 mA
            absolute = 1e-9 if kind == "v" else 1e-12
            margin = RELATIVE * abs(wanted) if wanted else absolute
            assert abs(actual - wanted) <= margin, f"{line}: {actual!r}, not {wanted!r}"
        elif line.startswith("floating"):
            name = line.split()[1]
            assert name in record["floating"]
            assert record["voltages"][name] is None
        elif line.startswith("nonunique"):
            assert line.split()[1] in record["nonunique_currents"]
        elif line.startswith("code"):
            assert line.split()[1] in [d["code"] for d in record["diagnostics"]]
        else:
            assert line.startswith("status"), f"not understood: {line}"


@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_floating_is_what_the_deck_says_and_nothing_more(deck, capsys):
    main(["solve", str(deck), "--format", "json"])
    record = json.loads(capsys.readouterr().out)
    wanted = {line.split()[1] for line in expectations(deck) if line.startswith("floating")}
    assert set(record.get("floating", ())) == wanted


@pytest.mark.parametrize("form", ["table", "csv", "raw"])
@pytest.mark.parametrize("deck", DECKS, ids=lambda deck: deck.stem)
def test_every_format_has_the_exit_status_of_json(deck, form, capsys):
    status = main(["solve", str(deck), "--format", form])
    text = capsys.readouterr().out
    assert status == main(["solve", str(deck), "--format", "json"])
    assert (text == "") == (status == 3)


def mutated(random: Random) -> str:
    """Return an example deck with some lines, words or characters changed."""
    lines = random.choice(DECKS).read_text().splitlines()
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        words = lines[at].split(" ")
        word = random.randrange(len(words))
        other = random.choice(random.choice(DECKS).read_text().split())
        match random.randrange(6):
            case 0:
                lines.insert(at, lines[random.randrange(len(lines))])
            case 1:
                del lines[at]
            case 2:
                words[word] = other
                lines[at] = " ".join(words)
            case 3:
                words[word] = random.choice(["0", "-1", "1e999", "{", "inf", "nan", "", "1e-300"])
                lines[at] = " ".join(words)
            case 4:
                place = random.randint(0, len(lines[at]))
                lines[at] = lines[at][:place] + chr(random.randrange(256)) + lines[at][place:]
            case 5:
                place = random.randint(0, len(lines[at]))
                lines[at] = lines[at][:place] + lines[at][place + 1 :]
        lines = lines or [""]
    return "\n".join(lines)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def hold_against_mutations(seeds: range, path: Path, capsys) -> None:
    for seed in seeds:
        path.write_text(mutated(Random(seed)), encoding="utf-8")
        status = main(["solve", str(path), "--format", "json"])
        out, err = capsys.readouterr()
        place = f"seed {seed}:\n{path.read_text()}\n{err}"
        assert status in (0, 1, 2, 3), place
        record = json.loads(out, parse_constant=refuse)
        words = {0: "solved", 1: "not converged", 2: "error", 3: "no solution"}
        assert record["status"] == words[status], place


@pytest.mark.slow
def test_mutated_decks_get_an_answer_or_an_explanation(tmp_path, capsys):
    hold_against_mutations(range(200), tmp_path / "deck.net", capsys)


@pytest.mark.long
@pytest.mark.parametrize("block", range(20))
def test_many_mutated_decks_get_an_answer_or_an_explanation(block, tmp_path, capsys):
    hold_against_mutations(
        range(1000 * (block + 1), 1000 * (block + 2)), tmp_path / "deck.net", capsys
    )
