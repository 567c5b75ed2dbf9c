"""Tolerances: closed forms of a divider, loops over samples, numpy's own statistics."""

import itertools
import json

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.cli import main

DIVIDER = "divider\nV1 in 0 10\nR1 in out 1k\nR2 out 0 1k\n.print v(out)\n"
CLAMP = """clamp
V1 in 0 5
R1 in out 1k tol=5
D1 out x dd
D2 x 0 dd
R2 x 0 10k
.model dd d(ron=1 roff=1meg vfwd=0.7)
"""
JUNCTION = "diode\nV1 a 0 5\nR1 a b 1k\nD1 b c dm\nD2 c 0 dm\n.model dm d(is=1n n=1.5)\n"


def divided(r1, r2, volts=10.0):
    return volts * r2 / (r1 + r2)


# ---- worst case ----


def test_the_worst_case_of_a_divider_is_at_opposite_corners():
    (found,) = rs.worst_case(DIVIDER, {"r*": "10%", "v1": 0.01}, ["v(out)"])
    assert found.by == "vertices"
    assert found.nominal == pytest.approx(5.0)
    assert found.low == pytest.approx(divided(1100, 900, 9.9))
    assert found.high == pytest.approx(divided(900, 1100, 10.1))
    assert found.at_high == pytest.approx({"r1": 900.0, "r2": 1100.0, "v1": 10.1})


def test_corners_beyond_a_knee_are_found_where_derivatives_see_none():
    # at the nominal values the diode is off: v(out) = v1 / 2; it conducts from 2 V on
    deck = "knee\nV1 in 0 3\nR1 in out 1k\nR2 out 0 1k\nD1 out ref\nVref ref 0 1.6\n"
    (found,) = rs.worst_case(deck, {"v1": 0.5, "vref": 0.1}, ["v(out)"])
    corners = [min(3 * a / 2, 1.6 * b) for a, b in itertools.product((0.5, 1.5), (0.9, 1.1))]
    assert (found.low, found.high) == pytest.approx((min(corners), max(corners)))
    (linear,) = rs.worst_case(deck, {"v1": 0.5, "vref": 0.1}, ["v(out)"], vertices=1)
    assert linear.by == "sensitivities"
    assert linear.high < found.high


def test_many_values_go_by_sensitivities_and_are_exact_where_all_is_monotone():
    ladder = rs.generators.ladder(8)
    (by_slopes,) = rs.worst_case(ladder, {"r*": "1%"}, ["v(n8)"])
    assert by_slopes.by == "sensitivities"
    lowest = {name: 1.01 if name.startswith("rs") else 0.99 for name in by_slopes.at_low}
    assert by_slopes.at_low == pytest.approx(lowest)
    assert by_slopes.low == pytest.approx(rs.solve(ladder.with_values(lowest)).voltage("n8"))


def test_lognormal_limits_are_factors():
    (found,) = rs.worst_case(DIVIDER, {"r*": "300%"}, ["v(out)"], distribution="lognormal")
    assert (found.low, found.high) == pytest.approx((divided(4000, 250), divided(250, 4000)))


# ---- samples ----


def test_samples_of_model_parameters_are_those_in_the_table():
    op = rs.monte_carlo(CLAMP, {"d*:ron": "50%", "d*:vfwd": 0.1}, 30)
    assert set(op.sampled) == {"r1", "d1:ron", "d2:ron", "d1", "d2"}
    table = op.columns(["v(out)"])
    for k in range(3):
        ron, vfwd = ([op.sampled[n + tail][k] for n in ("d1", "d2")] for tail in (":ron", ""))
        deck = CLAMP.replace("D1 out x dd", "D1 out x da").replace("D2 x 0 dd", "D2 x 0 db")
        for letter, r, v in zip("ab", ron, vfwd, strict=True):
            deck += f".model d{letter} d(ron={r:.17g} roff=1meg vfwd={v:.17g})\n"
        one = rs.solve(rs.parse_netlist(deck).with_values({"r1": op.sampled["r1"][k]}))
        assert one.voltage("out") == pytest.approx(table["v(out)"][k], rel=1e-9)
    assert (abs(op.sampled["r1"] / 1000 - 1) <= 0.05).all()  # of tol=


def test_parameters_of_junctions_and_transistors_vary_element_by_element():
    op = rs.monte_carlo(JUNCTION, {"d*:n": "10%", "d*:is": "20%"}, 5)
    for k in range(5):
        deck = JUNCTION.replace("b c dm", "b c d1").replace("c 0 dm", "c 0 d2")
        for d in ("d1", "d2"):
            deck += f".model {d} d(is={op.sampled[d][k]:.17g} n={op.sampled[d + ':n'][k]:.17g})\n"
        assert rs.solve(deck).voltage("b") == pytest.approx(op.voltage("b")[k], rel=1e-9)
    pair = "pair\nV1 c 0 5\nI1 0 b 10u\nR1 c d 1k\nQ1 d b 0 m\n.model m npn(bf=100)\n"
    op = rs.monte_carlo(pair, {"q*:bf": 0.5}, 20)
    gain = op.current("r1") / 1e-5
    assert gain == pytest.approx(op.sampled["q1:bf"], rel=1e-3)


def test_every_sample_is_solved_at_every_point_of_a_sweep():
    op = rs.monte_carlo(DIVIDER, {"r*": 0.1}, 7, sweep={"v1": [1.0, 2.0, 4.0]}, seed=5)
    assert op.sweep["v1"].tolist() == [1.0, 2.0, 4.0] * 7
    assert op.sweep["sample"].tolist() == np.repeat(np.arange(7.0), 3).tolist()
    wanted = divided(op.sampled["r1"], op.sampled["r2"], op.sweep["v1"])
    assert op.voltage("out") == pytest.approx(wanted, rel=1e-12)
    alone = rs.monte_carlo(DIVIDER, {"r*": 0.1}, 7, seed=5)
    assert np.array_equal(op.sampled["r1"][::3], alone.sampled["r1"])
    (found,) = rs.statistics(op, {"v(out)": (0.49, 1.03)})
    assert found.mean == pytest.approx(wanted.reshape(7, 3).mean(axis=0))
    assert found.sigma == pytest.approx(wanted.reshape(7, 3).std(axis=0, ddof=1))
    assert found.inside[2] == 0


def test_switches_of_a_sample_know_nothing_of_the_sample_before():
    # between 1.5 and 2.5 V the switch stays as it is: open, unless a sample before closed it
    deck = "memory\nV1 c 0 2\nV2 a 0 1\nR1 a b 1k\nS1 b 0 c 0 sm\n"
    deck += ".model sm sw(vt=2 vh=0.5 ron=1 roff=1meg)\n"
    op = rs.monte_carlo(deck, {"v1": 0.4, "s1:ron": 0.5}, 40, seed=2)
    for k in range(40):
        values = {"v1": op.sampled["v1"][k]}
        one = rs.parse_netlist(deck).with_values(values)
        one = one.with_model_parameters({"s1:ron": op.sampled["s1:ron"][k]})
        assert op.voltage("b")[k] == pytest.approx(rs.solve(one).voltage("b"), rel=1e-9)
    closed = op.sampled["v1"] >= 2.5
    assert closed.any() and (np.asarray(op.closed)[:, 0] == closed).all()
    (worst,) = rs.worst_case(deck, {"v1": 0.1}, ["v(b)"])
    assert worst.low == worst.high == worst.nominal  # open at all corners


def test_chunks_change_no_sample_of_a_sweep():
    whole, cut = (
        rs.monte_carlo(DIVIDER, {"r*": 0.1}, 70, sweep={"v1": [1.0, 2.0, 4.0]}, chunk=chunk)
        for chunk in (256, 16)
    )
    assert np.allclose(whole.voltage("out"), cut.voltage("out"), rtol=1e-14, atol=0)


def test_lognormal_values_have_the_factor_that_is_asked_for():
    op = rs.monte_carlo(DIVIDER, {"r1": "900%"}, 4000, distribution="lognormal")
    logs = np.log10(op.sampled["r1"] / 1000)
    assert logs.mean() == pytest.approx(0.0, abs=0.02)
    assert logs.std() == pytest.approx(1 / 3, rel=0.05)  # three of which are a factor of 10


def test_statistics_and_yield():
    op = rs.monte_carlo(DIVIDER, {"r*": "5%"}, 500)
    volts = op.voltage("out")
    (found,) = rs.statistics(op, {"v(out)": (4.95, None)})
    assert (found.mean, found.sigma) == pytest.approx((volts.mean(), volts.std(ddof=1)))
    assert (found.least, found.greatest) == (volts.min(), volts.max())
    assert found.inside == (volts >= 4.95).mean()


def test_samples_without_solution_count_against_the_yield():
    deck = "fight\nV1 a 0 1\nD1 a 0 dd\nR1 a 0 1k\n.model dd d(ron=0 roff=inf vfwd=1.02)\n"
    op = rs.monte_carlo(deck, {"v1": 0.1}, 200)
    (found,) = rs.statistics(op, ["v(a)"])
    assert 0 < len(op.unsolved) < 200
    assert found.inside == pytest.approx(1 - len(op.unsolved) / 200)
    assert found.greatest <= 1.02


# ---- what decks say ----


def test_random_functions_draw_within_their_limits_and_each_instance_for_itself():
    deck = "random\nV1 in 0 1\n" + "".join(
        f"X{k} in n{k} part\nRl{k} n{k} 0 1\n" for k in range(40)
    )
    deck += ".subckt part a b\nR1 a b {mc(1k,0.1)}\n.ends\n"
    ohms = np.array([])
    for seed in range(5):
        circuit = rs.parse_netlist(deck).with_draw(str(seed))
        drawn = circuit.resistors.ohms[[n.startswith("x") for n in circuit.resistors.names]]
        ohms = np.append(ohms, drawn)
    assert len(set(ohms.tolist())) == 200
    assert (abs(ohms - 1000) <= 100).all()
    assert ohms.std() == pytest.approx(100 / np.sqrt(3), rel=0.15)


@pytest.mark.parametrize(
    ("call", "mean", "deviation"),
    [
        ("mc(1k,0.1)", 1000, 100 / 3**0.5),
        ("1k+flat(300)", 1000, 300 / 3**0.5),
        ("1k*(1+gauss(0.05))", 1000, 50),
        ("gauss(1k,0.3,3)", 1000, 100),
        ("agauss(1k,300,3)", 1000, 100),
        ("aunif(1k,300)", 1000, 300 / 3**0.5),
        ("unif(1k,0.3)", 1000, 300 / 3**0.5),
        ("limit(1k,200)", 1000, 200),
        ("1k+100*random(1)", 1050, 100 / 12**0.5),
    ],
)
def test_random_functions_have_the_deviation_they_say(call, mean, deviation):
    op = rs.monte_carlo(f"random\nI1 0 a 1\nR1 a 0 {{{call}}}\n", samples=1500, chunk=1500)
    volts = op.voltage("a")
    assert volts.mean() == pytest.approx(mean, abs=4 * deviation / 1500**0.5)
    assert volts.std() == pytest.approx(deviation, rel=0.08)
    again = rs.monte_carlo(f"random\nI1 0 a 1\nR1 a 0 {{{call}}}\n", samples=20, chunk=7)
    assert np.array_equal(again.voltage("a"), volts[:20])


def test_parameters_are_drawn_once_and_values_that_are_set_stay():
    deck = "random\n.param x=mc(1,0.2)\nI1 0 a {x}\nR1 a 0 {x}\nR2 a 0 1meg\n"
    circuit = rs.parse_netlist(deck).with_values({"r2": 2.0})
    op = rs.monte_carlo(circuit, samples=10)
    x = op.current("i1")
    assert op.voltage("a") == pytest.approx(x * (2 * x / (2 + x)))
    assert len(set(x.tolist())) == 10


def test_nominal_results_don_t_change_with_tolerances_and_random_functions():
    plain = rs.solve("a\nV1 a 0 1\nR1 a b 1k\nR2 b 0 2k\n")
    random = rs.solve("a\nV1 a 0 1\nR1 a b 1k tol=5\nR2 b 0 {mc(2k,0.1)}\n")
    assert random.voltages == plain.voltages


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rs.monte_carlo(DIVIDER, {"r1": "120%"}, 3), "lognormal"),
        (lambda: rs.monte_carlo(DIVIDER, {"r1": "a lot"}, 3), "neither a number"),
        (lambda: rs.monte_carlo(DIVIDER, {"r1": -0.1}, 3), "not between 0 and 1"),
        (lambda: rs.monte_carlo(CLAMP, {"d*:is": 0.1}, 3), "parameter 'is'"),
        (lambda: rs.monte_carlo(DIVIDER, {"v1": 0.1}, 3, sweep={"v1": [1]}), "swept and"),
        (lambda: rs.monte_carlo(DIVIDER, {"v1": 0.1}, 3, distribution="odd"), "lognormal"),
        (lambda: rs.statistics(rs.solve(DIVIDER), ["v(out)"]), "samples"),
        (lambda: rs.worst_case(DIVIDER, {"r*": 0.1}, ["v(x)"]), "no node"),
        (lambda: rs.worst_case("a\nI1 0 a 1\nR1 a 0 {mc(1,.1)}\n", {}, ["v(a)"]), "random"),
        (lambda: rs.parse_netlist("a\nV1 a 0 1\nR1 a 0 1k tol=-3\n"), "E132"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(rs.ResnetSimError, match=message):
        call()


def test_sources_may_be_off_by_more_than_all():
    op = rs.monte_carlo(DIVIDER, {"v1": 2.0}, 100)
    assert op.voltage("out").min() < 0


def test_parameters_that_make_no_diode_are_refused():
    deck = "odd\nV1 a 0 1\nD1 a 0 dd\n.model dd d(ron=1 roff=1.1 vfwd=0.5)\n"
    with pytest.raises(rs.UsageError, match="Ron"):
        rs.monte_carlo(deck, {"d*:ron": "50%"}, 50)


# ---- the command ----


def test_the_command_tells_all_of_it(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text(DIVIDER.replace("in out 1k", "in out 1k tol=10"))
    arguments = ["tolerances", str(deck), "--spread", "r2=10%", "--limits", "v(out)=4.9,5.1"]
    assert main([*arguments, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    record = json.loads(out)["outputs"]
    assert record["output"] == ["v(out)"]
    assert record["worst low"] == pytest.approx([divided(1100, 900)])
    op = rs.monte_carlo(deck, {"r2": 0.1}, 1000)
    inside = (abs(op.voltage("out") - 5) <= 0.1).mean()
    assert record["yield"] == pytest.approx([inside])
    assert "all 4 corners" in err
    assert main([*arguments, "--vertices", "1"]) == 0
    assert "by sensitivities" in capsys.readouterr().err
    assert main(["tolerances", str(deck), "--limits", "v(out)=5,4"]) == 2
    assert "nothing between" in capsys.readouterr().err


def test_the_command_samples_what_the_deck_says(tmp_path, capsys):
    deck = tmp_path / "deck.net"
    deck.write_text(DIVIDER.replace("in out 1k", "in out {mc(1k,0.1)}") + ".dc v1 1 2 1\n")
    assert main(["sweep", str(deck), "--samples", "3"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "v1,sample,v(out)"
    assert [row.split(",")[:2] for row in rows[1:]] == [[v, s] for s in "012" for v in "12"]
