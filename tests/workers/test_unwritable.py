"""Files that can't be written are told in one way, which is an OSError too."""

from __future__ import annotations

import pytest

import resnet_sim as rs
from resnet_sim import training as tr


@pytest.mark.parametrize("kind", [rs.UsageError, OSError])
def test_what_writes_says_where_it_could_not(tmp_path, kind):
    circuit = rs.generators.ladder(1)
    target = tmp_path / "nowhere" / "file.net"
    for write in (
        lambda: rs.write_netlist(circuit, target),
        lambda: tr.Network(circuit, ["v0"], ["n1"]).save(target),
    ):
        with pytest.raises(kind, match=r"can't write .*file\.net: No such file or directory"):
            write()
