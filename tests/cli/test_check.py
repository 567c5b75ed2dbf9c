"""``check`` ends as ``solve`` does, whatever the deck."""

import random
from pathlib import Path

import pytest
from dialect_decks import deck as random_deck

from resnet_sim.cli import main

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "netlists").glob("*.net"))
#: what the decks ask for ends otherwise than their operating point would
DECKS = {
    "short at the nominal value only": (
        "V1 a 0 1\nD1 a 0 di\nR1 a 0 1k\n.model di d(vfwd=0 ron=0)\n.dc V1 -2 0 1\n", 0
    ),
    "short at a point of the sweep": (
        "V1 a 0 -1\nD1 a 0 di\nR1 a 0 1k\n.model di d(vfwd=0 ron=0)\n.dc V1 -2 2 1\n", 3
    ),
    "swept twice": ("V1 a 0 1\nR1 a 0 1k\n.dc V1 0 1 1 V1 0 1 1\n", 2),
    "short": ("V1 a 0 1\nV2 a 0 2\n", 3),
    "unknown": ("V1 a 0 1\nR1 a 0 {x}\n", 2),
    "nothing": (".subckt s a\nR1 a 0 1\n.ends\n", 2),
    "no solution": ("V1 a 0 1\nR1 a b 1k\nB1 b 0 I=1+v(b)**2\n", 1),
}  # fmt: skip
#: what is typed by mistake
TYPOS = list("(){}'\"=,+-*/;$ 1k.?:~|&<>\\#!") + [
    "\n",
    "\n+ ",
    "\n* ",
    " m=",
    "{1/0}",
    "inf",
    "1e400",
]


@pytest.mark.parametrize(("lines", "status"), DECKS.values(), ids=list(DECKS))
def test_check_and_solve_agree(lines, status, tmp_path):
    path = tmp_path / "deck.net"
    path.write_text(f"t\n{lines}.end\n")
    assert [main([command, str(path)]) for command in ("check", "solve")] == [status] * 2


def mutated(rng: random.Random, text: str) -> str:
    """Return a deck in which something was deleted, doubled, typed or moved."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        at, lines = rng.randrange(len(text) + 1), text.split("\n")
        row = rng.randrange(len(lines))
        words = lines[row].split(" ")
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + rng.randint(1, 4) :]
        elif kind == 1:
            text = text[:at] + rng.choice(TYPOS) + text[at:]
        elif kind == 2:
            text = text[:at] + text[max(0, at - rng.randint(1, 8)) :]
        elif kind == 3:
            lines[row : row + 1] = lines[row : row + 1] * rng.choice([0, 2])
            text = "\n".join(lines)
        else:
            words[rng.randrange(len(words))] = rng.choice([*words, *TYPOS])
            text = "\n".join([*lines[:row], " ".join(words), *lines[row + 1 :]])
    return text


def agree(seeds: range, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check that mutated decks end alike, and with a message."""
    for seed in seeds:
        rng = random.Random(seed)
        text = random_deck(seed).ours if seed % 2 else rng.choice(EXAMPLES).read_text()
        path.write_text(mutated(rng, text))
        check, solve = (main([command, str(path)]) for command in ("check", "solve"))
        assert check == solve in (0, 1, 2, 3), (seed, check, solve)
        assert "Traceback" not in capsys.readouterr().err


def test_mutated_decks_end_alike(tmp_path, capsys):
    agree(range(60), tmp_path / "deck.net", capsys)


@pytest.mark.long
def test_many_mutated_decks_end_alike(tmp_path, capsys):
    agree(range(1000, 4000), tmp_path / "deck.net", capsys)
