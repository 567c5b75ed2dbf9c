"""Cards in all the ways in which people write them mean to us what they mean to ngspice."""

import pytest
from more_decks import DECKS as MORE_DECKS
from ngspice_tools import as_written, requires_ngspice
from written_decks import DECKS

import resnet_sim as rs

#: with ngspice's own tolerances its last step is worth a part in a thousand
TIGHT = ".options reltol=1e-9 vntol=1e-12 abstol=1e-15 itl1=500"


@requires_ngspice
def test_decks_are_read_as_ngspice_reads_them(tmp_path):
    texts = [f"{title}\n{TIGHT}\n{cards}\n" for title, cards in (DECKS | MORE_DECKS).items()]
    for text, theirs in zip(texts, as_written(texts, tmp_path), strict=True):
        ours = rs.solve(rs.parse_netlist(text))
        assert theirs is not None, text
        scale = max(abs(volts) for volts in theirs.values())
        for node in ours.circuit.nodes[1:]:
            expected = pytest.approx(theirs[f"v({node})"], rel=1e-6, abs=1e-8 * scale)
            assert ours.voltage(node) == expected, f"v({node}) of {text}"
