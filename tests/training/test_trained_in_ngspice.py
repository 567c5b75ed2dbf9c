"""What was trained here works there: a trained network, written out and solved by ngspice."""

import argparse

import numpy as np
import pytest
from benchmark_modules import load
from ngspice_tools import requires_ngspice
from training_tasks import learns_signs, xor_with_a_pair, xor_with_inverted_inputs

import resnet_sim as rs
from resnet_sim import training as tr

pytestmark = requires_ngspice


@pytest.mark.parametrize("task", [xor_with_inverted_inputs, xor_with_a_pair])
def test_a_trained_network_validates_and_gives_the_same_answers(task, tmp_path):
    net, X, Y = task(0)
    trainer = tr.Trainer(net, rule=tr.Adjoint(), optimizer=tr.SGD(lr=3.0))
    assert learns_signs(trainer, X, Y, epochs=3000)
    rs.write_netlist(net.circuit, tmp_path / "trained.net")
    circuit = rs.read_netlist(tmp_path / "trained.net")
    sources = [str(name) for name in net.inputs]
    for x, y in zip(X, Y, strict=True):
        variant = circuit.with_values(dict(zip(sources, x.tolist(), strict=True)))
        report = rs.ngspice.compare(variant)
        assert report.agrees, rs.ngspice.format_report(report)
        output = net.forward(x[None])[0]
        assert np.sign(output) == np.sign(y)


@pytest.mark.slow
def test_digits_are_told_apart_by_ngspice_as_by_us():
    digits = load("training_digits")
    options = argparse.Namespace(hidden=32, lr=0.003, decay=0.8, epochs=2, no_diodes=False)
    trainer, (right, *_) = digits.run("layered", 0, options)
    assert right > 0.7
    _, _, x, y = digits.data(0)
    wrong = np.flatnonzero(trainer.classify(digits.encode("layered", x)) != y)[:1]
    rows = np.concatenate([np.arange(3), wrong])
    agreeing, apart, here, there = digits.ask_ngspice(
        trainer, digits.encode("layered", x[rows]), y[rows]
    )
    assert agreeing == len(rows)
    assert apart < 1e-6
    assert here == there < 1.0
