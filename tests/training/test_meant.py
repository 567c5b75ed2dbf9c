"""Rules, costs and optimisers by name, by class and as they are; and what is none of them."""

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr

X, Y = np.array([[1.0], [2.0]]), np.array([[0.25], [0.75]])


def network() -> tr.Network:
    return tr.Network(rs.generators.ladder(2), ["v0"], ["n2"])


@pytest.mark.parametrize("name", tr.RULES)
def test_a_rule_has_a_name(name):
    made = tr.RULES[name].make()
    named = tr.gradient(network(), X, Y, name)
    np.testing.assert_array_equal(named, tr.gradient(network(), X, Y, made))
    np.testing.assert_array_equal(named, tr.gradient(network(), X, Y, type(made)))


def test_runs_by_name_and_by_instance_have_the_same_bits():
    found = []
    for arguments in (("Adjoint", "squared", "SGD"), (tr.Adjoint(), tr.SquaredError, tr.SGD)):
        net = network()
        tr.Trainer(net, *arguments).fit(X, Y, epochs=3)
        found.append(net.conductances)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rule": "adjont"}, "no rule 'adjont': did you mean adjoint"),
        ({"rule": 3}, "a rule has a method estimate()"),
        ({"rule": tr.SGD}, "a rule has a method estimate()"),
        ({"cost": "mse"}, "there are squared, cross-entropy, hinge"),
        ({"cost": np.square}, "a cost has a method value()"),
        ({"optimizer": "adm"}, "did you mean adam"),
        ({"optimizer": 0.1}, "an optimizer has a method step()"),
        ({"batch_size": 3}, "it has net, rule, cost, optimizer, seed"),
    ],
)
def test_what_is_no_part_of_a_trainer_is_refused(arguments, said):
    with pytest.raises(rs.UsageError) as error:
        tr.Trainer(network(), **arguments)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epochs": -1}, "epochs must be a whole number from 0 on, not -1"),
        ({"epochs": 1.5}, "epochs must be a whole number"),
        ({"epochs": "3"}, "epochs must be a whole number"),
        ({"epochs": 1, "batch_size": 0}, "batch_size must be a whole number from 1 on"),
        ({"epochs": 1, "validation": (X,)}, "validation is a pair"),
    ],
)
def test_epochs_and_batches_are_whole_numbers(arguments, said):
    with pytest.raises(rs.UsageError, match=said):
        tr.Trainer(network()).fit(X, Y, **arguments)
