"""Estimators of scikit-learn: its own checks, what its users do, and how good they are."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

import joblib
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

import resnet_sim as rs
from resnet_sim import training as tr

BOTH = [tr.ResistiveClassifier, tr.ResistiveRegressor]
IRIS = load_iris(return_X_y=True)

PAIR = """a pair that compares
va a 0 0
vb b 0 0
vna na 0 0
r1 a o 1k
r2 b o 2k
r3 na o 1.5k
r4 o 0 10k
r5 a p 3k
r6 b p 1k
r7 na p 2k
r8 p 0 8k
"""


def checked(estimator) -> None:
    found = check_estimator(estimator, on_fail="raise", on_skip=None)
    assert len(found) > 45


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # scikit-learn's own, and of tables with nothing to learn
@pytest.mark.parametrize("kind", BOTH)
def test_a_small_estimator_passes_the_checks_of_scikit_learn(kind):
    checked(kind((8,), epochs=8))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", BOTH)
def test_the_defaults_pass_the_checks_of_scikit_learn(kind):
    checked(kind())


def scores(estimator, X, y, splits: int = 5) -> np.ndarray:
    found = []
    for seed in range(splits):
        train, test, wanted, asked = train_test_split(X, y, test_size=0.25, random_state=seed)
        found.append(clone(estimator).fit(train, wanted).score(test, asked))
    return np.array(found)


@pytest.mark.slow
def test_defaults_learn_iris():
    assert np.median(scores(tr.ResistiveClassifier(), *IRIS, splits=2)) >= 0.93


@pytest.mark.slow
def test_defaults_learn_diabetes():
    X, y = load_diabetes(return_X_y=True)
    assert np.median(scores(tr.ResistiveRegressor(), X, y, splits=3)) >= 0.4


@pytest.mark.long
def test_defaults_learn_digits():
    X, y = load_digits(return_X_y=True)
    assert np.median(scores(tr.ResistiveClassifier(), X, y)) >= 0.95


def test_large_networks_are_trained_in_compiled_epochs_and_saved_all_the_same():
    X, y = load_digits(return_X_y=True)
    model = tr.ResistiveClassifier((512,), epochs=6).fit(X[:1000], y[:1000])
    assert "knees" not in model.history_[0]  # which only compiled epochs leave out
    assert model.score(X[1000:], y[1000:]) > 0.9
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.decision_function(X[:50]), model.decision_function(X[:50]))


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-3, 1e3, 1e-150])
def test_the_size_of_the_inputs_does_not_matter(factor):
    X, y = IRIS
    plain = tr.ResistiveClassifier((8,), epochs=10).fit(X, y)
    scaled = tr.ResistiveClassifier((8,), epochs=10).fit(factor * X, y)
    assert scaled.decision_function(factor * X) == pytest.approx(
        plain.decision_function(X), abs=1e-6
    )


def test_the_size_of_the_targets_does_not_matter():
    X, y = load_diabetes(return_X_y=True)
    plain, scaled = (tr.ResistiveRegressor((8,), epochs=5).fit(X, f * y) for f in (1.0, 1e6))
    assert scaled.predict(X) == pytest.approx(1e6 * plain.predict(X), rel=1e-6)


def test_constant_columns_change_nothing():
    X, y = IRIS
    wide = np.hstack([X, np.full((len(X), 1), 0.1)])
    model = tr.ResistiveClassifier((8,), epochs=30).fit(wide, y)
    assert model.score(wide, y) > 0.8
    other = wide.copy()
    other[:, -1] = 1e9
    assert np.array_equal(model.predict(other), model.predict(wide))


def test_what_learns_nothing_says_so():
    X, y = IRIS
    noise = np.random.default_rng(0).normal(size=len(X))
    with pytest.warns(ConvergenceWarning, match="nothing was learned"):
        tr.ResistiveClassifier((8,), epochs=1, learning_rate=1e-9).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="nothing was learned"):
        tr.ResistiveRegressor((8,), epochs=1, learning_rate=1e-9).fit(X, noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tr.ResistiveRegressor((8,), epochs=3).fit(X, np.ones(len(X)))  # learned at once


@pytest.mark.slow
def test_pipelines_searches_and_scores():
    X, y = IRIS
    pipe = make_pipeline(MinMaxScaler(), tr.ResistiveClassifier(epochs=10))
    name = "resistiveclassifier__hidden_layer_sizes"
    search = GridSearchCV(pipe, {name: [(4,), (16,)]}, cv=2, n_jobs=1).fit(X, y)
    assert search.best_params_[name] in ((4,), (16,))
    assert cross_val_score(search.best_estimator_, X, y, cv=2).mean() > 0.7


def test_names_of_classes_and_two_classes():
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    two = names != "virginica"
    model = tr.ResistiveClassifier(8, epochs=20).fit(X[two], names[two])
    assert model.decision_function(X[:3]).shape == (3,)
    assert model.score(X[two], names[two]) == 1.0
    assert model.predict(X[:1]).tolist() == ["setosa"]


def frame(X: np.ndarray, names: list[str]):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(X, columns=names)


def pair(**more) -> tr.ResistiveRegressor:
    wires = {"va": "alpha", "vb": "beta", "vna": "-alpha"}
    return tr.ResistiveRegressor(
        circuit=PAIR, inputs=wires, outputs=[("o", "p")], epochs=60, **more
    )


def test_a_circuit_takes_columns_by_name_whatever_their_order():
    X = np.random.default_rng(0).normal(size=(80, 3))
    y = X[:, 0] - 0.5 * X[:, 2]
    table = frame(X, ["alpha", "idle", "beta"])
    turned = table[["beta", "idle", "alpha"]]
    plain, other = pair().fit(table, X[:, 0] - 0.5 * X[:, 2]), pair().fit(turned, y)
    assert np.array_equal(plain.predict(table), other.predict(turned))
    assert plain.score(table, y) > 0.9
    with pytest.raises(ValueError, match="same order"):
        plain.predict(turned)  # is not answered with something else
    with pytest.raises(ValueError, match="feature names"):
        plain.predict(table.rename(columns={"beta": "gamma"}))


def test_what_is_learned_is_in_the_circuit():
    X = np.random.default_rng(1).normal(size=(40, 2))
    model = pair(scale=False).set_params(inputs={"va": 0, "vb": 1, "vna": 0})
    model.fit(X, 0.1 * X[:, 1])
    deck = rs.parse_netlist(rs.format_netlist(model.network_.circuit))
    op = rs.solve(deck, inputs={"va": X[:, 0], "vb": X[:, 1], "vna": X[:, 0]})
    assert op.voltage("o", "p") == pytest.approx(model.predict(X), abs=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"circuit": PAIR}, "needs inputs and outputs"),
        ({"inputs": ["va"]}, "none is given"),
        ({"circuit": PAIR, "inputs": ["va", "vb", "vna"], "outputs": ["o"]}, "3 classes need"),
        ({"circuit": PAIR, "inputs": ["va"], "outputs": ["o", "p", "a"]}, "there are 4 columns"),
        (
            {"circuit": PAIR, "inputs": {"va": "x"}, "outputs": ["o", "p", "a"]},
            "columns have no names",
        ),
        ({"circuit": PAIR, "inputs": {"va": 4}, "outputs": ["o", "p", "a"]}, "no column 4"),
        ({"volts": 0.0}, "volts=0.0"),
        ({"epochs": 0}, "at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        tr.ResistiveClassifier(**given).fit(*IRIS)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class alone, a, leaves"):
        tr.ResistiveClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_estimators_are_saved_whole(tmp_path):
    X, y = IRIS
    model = tr.ResistiveClassifier((8,), epochs=5, optimizer=tr.SGD(0.1, tr.cosine(5))).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    assert np.array_equal(again.decision_function(X), model.decision_function(X))
    assert clone(again).get_params()["optimizer"] is not None
    assert again.optimizer.state == {}  # what the run has learned is not in what was given


def test_networks_are_saved_and_go_on(tmp_path):
    net = tr.Network(PAIR, ["va", "vb", "vna"], [("o", "p")])
    X = np.random.default_rng(2).normal(size=(10, 3))
    tr.Trainer(net, optimizer=tr.Adam(1e-5)).fit(X, 0.1 * X[:, :1], 3)
    net.save(tmp_path / "net")
    again = tr.Network.load(tmp_path / "net")
    assert np.array_equal(again.forward(X), net.forward(X))
    assert again.parameter_names == net.parameter_names
    both = [tr.Trainer(n, optimizer=tr.Adam(1e-5)).fit(X, 0.1 * X[:, :1], 3) for n in (net, again)]
    assert both[0] == both[1]


def test_files_that_hold_no_network_are_refused(tmp_path):
    (tmp_path / "text").write_text("no pickle")
    (tmp_path / "other").write_bytes(pickle.dumps([1]))
    for name, message in (("text", "no saved network"), ("other", "list"), ("none", "can't read")):
        with pytest.raises(rs.UsageError, match=message):
            tr.Network.load(tmp_path / name)


def test_callbacks_write_what_the_history_has(tmp_path):
    net = tr.Network(PAIR, ["va", "vb", "vna"], [("o", "p")])
    X = np.random.default_rng(2).normal(size=(10, 3))
    log = tr.CSVLog(tmp_path / "log.csv")
    trainer = tr.Trainer(net, optimizer=tr.Adam(1e-5))
    trainer.fit(X, 0.1 * X[:, :1], 2, callbacks=[log], validation=(X, X[:, :1]))
    trainer.fit(X, 0.1 * X[:, :1], 1, callbacks=[log], validation=(X, X[:, :1]))
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header == "epoch,cost,knees,validation_cost,validation_score"
    numbers = [[float(field) for field in row.split(",")] for row in rows]
    assert numbers == [list(map(float, record.values())) for record in trainer.history]


def test_tensorboard_reads_the_curves(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    net = tr.Network(PAIR, ["va", "vb", "vna"], [("o", "p")])
    X = np.random.default_rng(2).normal(size=(10, 3))
    board = tr.TensorBoard(tmp_path)
    history = tr.Trainer(net).fit(X, 0.1 * X[:, :1], 3, callbacks=[board])
    board.close()
    (path,) = tmp_path.iterdir()
    data, found = path.read_bytes(), []
    while data:  # length (8 bytes), its check (4), an event, its check (4)
        size = int.from_bytes(data[:8], "little")
        event, data = Event.FromString(data[12 : 12 + size]), data[16 + size :]
        found += [v.simple_value for v in event.summary.value if v.tag == "cost"]
    assert found == pytest.approx([record["cost"] for record in history], rel=1e-6)
