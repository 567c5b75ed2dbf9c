"""What training is given and can't use is refused before it begins, with what to do."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

X, Y = np.array([[1.0], [2.0]]), np.array([[0.2], [0.4]])


def network(**options: Any) -> tr.Network:
    return tr.Network(rs.generators.ladder(1), ["v0"], ["n1"], **options)


def fit(**options: Any) -> Any:
    return tr.Trainer(network()).fit(X, Y, 1, **options)


def labelled(codes: Any, labels: Any) -> Any:
    return tr.Trainer(network(), cost=tr.SquaredError(codes)).fit(X, labels, 1)


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "ragged": (lambda: tr.Trainer(network()).fit([[1.0], [1.0, 2.0]], Y, 1), "inputs must be one"),
    "ragged to predict": (lambda: tr.Trainer(network()).predict([[1.0], []]), "inputs must be one"),
    "a share for validation": (lambda: fit(validation=0.2), "a pair"),
    "validation rows": (lambda: fit(validation=(X, Y[:1])), "validation 2 inputs, but 1 targets"),
    "callbacks": (lambda: fit(callbacks=[None]), "functions of the trainer"),
    "checkpoint in no folder": (lambda: fit(checkpoint="no/such/run.npz"), "make it first"),
    "checkpoint is a folder": (lambda: fit(checkpoint="."), "is a folder"),
    "metrics in no folder": (lambda: fit(metrics="no/such/run.jsonl"), "make it first"),
    "checkpoint_every": (lambda: fit(checkpoint="x.npz", checkpoint_every=0), "checkpoint_every"),
    "nothing learns": (lambda: tr.Trainer(network(trainable=[])), "nothing of this network learns"),
    "codes of too many outputs": (lambda: labelled(np.eye(2), [0, 1]), "codes have shape"),
    "class without code": (lambda: labelled([0.1, 0.2], [0, 2]), "class numbers must be from 0"),
    "class -1": (lambda: labelled([0.1, 0.2], [0, -1]), "class numbers must be from 0"),
    "classes that are no integers": (
        lambda: labelled([0.1, 0.2], [0.0, 1.0]), "class numbers are integers, not float64",
    ),
    "classes by name": (lambda: labelled([0.1, 0.2], ["no", "yes"]), "text; classes have numbers"),
    "one row that is no table": (lambda: tr.Trainer(network()).fit([1.0], [0.2], 1), "1 column "),
    "resistors of a subcircuit": (
        lambda: tr.Network("s\n.subckt d a b\nr1 a b 1k\n.ends\nv1 i 0 1\nx1 i o d\nx2 o 0 d",
                           ["v1"], ["o"]),
        "no resistor is called 'r\\*'; there are x1.r1, x2.r1",
    ),
    "no rows to solve": (lambda: network().forward(np.zeros((0, 1))), "there are no samples"),
    "no rows to learn": (lambda: tr.gradient(network(), np.zeros((0, 1)), []), "no samples"),
    "classes of a cost without": (
        lambda: tr.Trainer(network(), cost=Wrong()).classify(X), "Wrong has no decode",
    ),
    "score of a cost without": (
        lambda: tr.Trainer(network(), cost=Wrong()).score(X, [0, 1]), "Wrong has no decode",
    ),
    "score of fewer": (lambda: tr.Trainer(network()).score(X, Y[:1]), "targets have shape"),
    "classes of fewer": (lambda: tr.Trainer(network()).score(X, [0]), "targets have shape"),
    "schedule": (lambda: tr.SGD(schedule="cosine"), "function of the epoch"),
    "rates that rise from NaN": (
        lambda: tr.Trainer(network(), optimizer=tr.SGD(1e-3, lambda _: np.nan)).fit(X, Y, 1),
        "what the schedule returns",
    ),
    "schedule that says nothing": (
        lambda: tr.Trainer(network(), optimizer=tr.SGD(1e-3, lambda _: None)).fit(X, Y, 1),
        "what the schedule returns",
    ),
    "an optimiser that is none": (
        lambda: tr.Trainer(network(), optimizer=Wrong(step=0.0)), "derive it from tr.Optimizer",
    ),
    "betas": (lambda: tr.Adam(betas=(0.9, 1.0)), "each of betas"),
    "one beta": (lambda: tr.Adam(betas=0.9), "two numbers"),
    "epsilon": (lambda: tr.Adam(epsilon=-1.0), "epsilon"),
    "momentum": (lambda: tr.Momentum(momentum=1.0), "momentum"),
    "exponential": (lambda: tr.exponential(-0.9), "the rate"),
    "cosine": (lambda: tr.cosine(0), "epochs"),
    "scale": (lambda: tr.CrossEntropy(0.0), "the scale"),
    "margin": (lambda: tr.Hinge(-0.1), "the margin"),
    "patience": (lambda: tr.EarlyStopping("3"), "patience"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    ask, told = CASES[case]
    with pytest.raises(rs.UsageError, match=told):
        ask()
    assert not list(tmp_path.iterdir())


class Wrong:
    """A cost, a rule or an optimiser that returns what is of no use."""

    def __init__(self, **returned: Any) -> None:
        self.returned = {"value": np.zeros(2), "slope": np.zeros((2, 1)), **returned}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in ("prepare", "state") or name not in self.returned:
            raise AttributeError(name)
        return lambda *_: self.returned[name]


class Stepping(tr.Optimizer):
    def __init__(self, direction: Any) -> None:
        super().__init__(lr=1.0)
        self.asked = direction

    def direction(self, gradient: np.ndarray) -> Any:
        return self.asked


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            {"cost": Wrong(value=0.0)},
            "Wrong.value returns a float, where an array of",
        ),
        ({"cost": Wrong(slope=[[0.0], [0.0]])}, "Wrong.slope returns a list"),
        ({"cost": Wrong(slope=np.zeros(2))}, "Wrong.slope returns an array of shape"),
        ({"cost": Wrong(slope=np.full((2, 1), np.nan))}, "the slope of the cost is"),
        ({"rule": Wrong(estimate=np.zeros(2))}, "Wrong.estimate returns two arrays"),
        ({"rule": Wrong(estimate=(np.zeros(3), np.zeros(0)))}, "Wrong.estimate returns two arrays"),
        ({"rule": Wrong(estimate=(np.full(2, np.inf), np.zeros(0)))}, "not finite"),
        ({"optimizer": Stepping(np.zeros(3))}, "Stepping.direction returns"),
        ({"optimizer": Stepping(np.full(2, np.nan))}, "steps that are not 2 finite"),
    ],
)
def test_ones_own_parts_are_held_to_their_shapes(part: dict[str, Any], told: str):
    net = network()
    before = net.conductances.copy()
    with pytest.raises(rs.UsageError, match=told):
        tr.Trainer(net, **part).fit(X, Y, 1)
    assert np.array_equal(net.conductances, before)


def test_what_is_masked_is_no_number():
    masked = np.ma.masked_array(X, [[True], [False]])
    with pytest.raises(rs.UsageError, match="masked"):
        tr.Trainer(network()).fit(masked, Y, 1)
    tr.Trainer(network()).fit(np.ma.masked_array(X), Y, 1)


def test_a_generator_is_no_table():
    with pytest.raises(rs.UsageError, match="generator"):
        tr.Trainer(network()).predict(row for row in X)


def test_a_run_goes_on_only_as_it_was_begun(tmp_path: Path):
    path = tmp_path / "run.npz"
    fit(checkpoint=path)
    for trainer, rows, told in (
        (tr.Trainer(network(), optimizer="sgd"), 2, "a run with Adam, not SGD"),
        (tr.Trainer(network()), 1, "samples 2, not 1"),
        (tr.Trainer(network(), seed=3), 2, "seed 0, not 3"),
        (tr.Trainer(network(), "adjoint"), 2, r"rule EquilibriumPropagation\(.*, not Adjoint\(\)"),
        (tr.Trainer(network(), cost="hinge"), 2, "cost SquaredError, not Hinge"),
    ):
        before = trainer.net.conductances.copy()
        with pytest.raises(rs.UsageError, match=told):
            trainer.fit(X[:rows], Y[:rows], 2, checkpoint=path, resume=True)
        assert np.array_equal(trainer.net.conductances, before)
    with pytest.raises(rs.UsageError, match="batch_size 2, not 1"):
        fit(checkpoint=path, batch_size=1, resume=True)
    trainer = tr.Trainer(network(), seed=3)
    trainer.load(path)
    assert len(trainer.fit(X[:1], Y[:1], 1)) == 2


def test_a_run_goes_on_from_what_was_saved_before_it_began(tmp_path: Path):
    clamp = "clamp\nv1 a 0 1\nr1 a o 1k\nr2 o 0 1k\nd1 o c\nr3 c 0 1k"
    trainer = tr.Trainer(tr.Network(clamp, ["v1"], ["o"]))
    trainer.save(tmp_path / "run.npz")
    trainer.fit(X, Y, 2, checkpoint=tmp_path / "run.npz", resume=True)
    assert len(trainer.history) == 2


def test_one_code_a_class_for_one_output():
    outputs, labels = np.array([[0.3], [0.1]]), np.array([0, 1])
    cost = tr.SquaredError([0.1, 0.2])
    assert np.allclose(cost.slope(outputs, labels), [[0.2], [-0.1]])
    assert np.allclose(cost.slope(outputs, labels == 1), [[0.2], [-0.1]])  # True is class 1
    assert cost.decode(outputs).tolist() == [1, 0]


def test_negative_conductances_reach_beyond_the_sources():
    deck = "signed\nv1 a 0 1\nr1 a o -2k\nr2 o 0 1k\nr3 a o 4k\n"
    trainer = tr.Trainer(tr.Network(deck, ["v1"], ["o"]))
    trainer.fit(X, -2 * Y, 100)  # warnings are errors here
    np.testing.assert_allclose(trainer.predict(X), -2 * Y, atol=1e-3)


def test_a_gradient_can_be_sent():
    clamp = "clamp\nv1 a 0 1\nr1 a o 1k\nr2 o 0 1k\nd1 o c\nr3 c 0 1k"
    found = tr.gradients(tr.Network(clamp, ["v1"], ["o"]), X, Y)
    copy = pickle.loads(pickle.dumps(found))
    assert copy.on.tolist() == found.on.tolist() == [[True], [True]]
    assert np.array_equal(copy.vector, found.vector)


def test_a_transistor_that_acts_one_way_is_told_as_one():
    deck = "stage\nvdd d 0 3\nv1 g 0 1\nr1 d o 1k\nm1 o g 0 0 n\n.model n nmos(vto=.5 kp=1m)"
    with pytest.warns(UserWarning, match="^m1 acts one way"):
        tr.gradient(tr.Network(deck, ["v1"], ["o"]), [[1.0]], [[2.5]])


def test_outputs_may_be_written_as_decks_write_them():
    net = tr.Network("pair\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k", ["v1"], ["V(a, B)", "v(b)", "b"])
    assert net.outputs.names == ("a,b", "b", "b")
    assert net.forward([[1.0]]).tolist() == [[0.5, 0.5, 0.5]]
    with pytest.raises(rs.UsageError, match="is not of the form"):
        tr.Network("pair\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k", ["v1"], ["v(a"])


def test_one_callback_needs_no_brackets():
    seen: list[int] = []
    fit(callbacks=lambda _, record: seen.append(record["epoch"]))
    assert seen == [0]


def test_warnings_point_at_the_line_of_who_called():
    one_way = "gain\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k\ng1 0 c b 0 1m\nr3 c 0 1k\nr4 c b 3k"
    clamp = "clamp\nv1 a 0 1\nr1 a b 1k\nr2 b 0 1k\nd1 b 0 k\n.model k d(vfwd=.5)"
    asked: list[Callable[[], Any]] = [
        lambda: tr.Trainer(network()).fit(X, 9 * Y, 1),
        lambda: tr.Network("short\nv1 a 0 1\nr1 a 0 1", ["v1"], ["a"]),
        lambda: tr.gradient(tr.Network(one_way, ["v1"], ["c"]), X, Y, "ep"),
        lambda: tr.Trainer(tr.Network(one_way, ["v1"], ["c"])).fit(X, Y, 1),
        lambda: tr.gradient(tr.Network(clamp, ["v1"], ["b"]), X[:1], Y[:1]),
    ]
    for ask in asked:
        with pytest.warns(UserWarning) as told:
            ask()
        assert {warning.filename for warning in told} == {__file__}
