"""A value that is set and swept at once is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_sim.cli import main

DECK = """load
.param load=1k
V1 a 0 1
R1 a b 1k
R2 b 0 {load}
"""


@pytest.mark.parametrize(
    ("card", "swept", "other"),
    [
        (".dc V1 0 2 1", "V1=3", "load=2k"),
        (".step param load 1k 3k 1k", "load=2k", "v1=3"),
    ],
)
def test_a_value_that_the_deck_sweeps_is_not_set(tmp_path, capsys, monkeypatch, card, swept, other):
    monkeypatch.chdir(tmp_path)
    Path("deck.net").write_text(f"{DECK}{card}\n.end\n")
    status = main(["sweep", "deck.net", "--set", swept])
    name = swept.partition("=")[0].lower()
    assert status == 2
    assert f"--set {name} does nothing: the deck sweeps {name}" in capsys.readouterr().err
    assert main(["sweep", "deck.net", "--set", other]) == 0
