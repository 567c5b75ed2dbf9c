"""Threads share out parts, and who asks is one of them."""

import threading
import time

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim import training as tr
from resnet_sim.compiled import policy
from resnet_sim.many import lane_points, reactions, variants
from resnet_sim.many import threads as many_threads
from resnet_sim.many.threads import spread

LARGE = 1e9


def test_parts_are_shared_out_and_come_back_in_order():
    both = threading.Barrier(2, timeout=60)

    def task(k):
        both.wait()  # neither goes on without another thread
        return threading.current_thread().name, 10 * k

    found = spread(task, range(4), 2, LARGE)
    assert [number for _, number in found] == [0, 10, 20, 30]
    names = {name for name, _ in found}
    assert len(names) == 2 and threading.current_thread().name in names


def test_small_tasks_and_those_within_tasks_stay_in_a_thread():
    def name(_):
        return threading.current_thread().name

    assert set(spread(name, range(4), 2, 1.0)) == {threading.current_thread().name}
    found = spread(lambda k: (name(k), spread(name, range(4), 2, LARGE)), range(4), 2, LARGE)
    assert all(set(inner) == {one} for one, inner in found)


def test_nobody_waits_for_a_thread_that_is_busy_elsewhere():
    both, over, told = threading.Barrier(3, timeout=60), threading.Event(), []

    def task(_):
        both.wait()
        told.append(over.wait(30))

    other = threading.Thread(target=spread, args=(task, range(2), 2, LARGE))
    other.start()
    both.wait()
    assert spread(lambda k: k, range(5), 2, LARGE) == list(range(5))
    over.set()
    other.join()
    assert told == [True, True]  # that others went on


@pytest.mark.parametrize("other", [False, True])
def test_errors_of_either_thread_are_raised_and_nothing_goes_on(other):
    me, both = threading.get_ident(), threading.Barrier(2, timeout=60)
    running = []

    def task(k):
        running.append(k)
        if k < 2:
            both.wait()
        if (threading.get_ident() != me) == other:
            raise ZeroDivisionError
        time.sleep(0.01)
        running.remove(k)

    with pytest.raises(ZeroDivisionError):
        spread(task, range(2), 2, LARGE)
    # that of the thread that failed
    assert len(running) == 1
    assert spread(lambda k: k, range(3), 2, LARGE) == [0, 1, 2]


def test_a_circuit_that_is_remembered_takes_the_threads_of_the_day(monkeypatch):
    circuit, asked = rs.generators.grid(10), []
    inputs = {circuit.current_sources.names[0]: np.linspace(-1.0, 1.0, 64)}

    def noted(task, parts, threads, size):
        asked.append(threads)
        return spread(task, parts, threads, size)

    monkeypatch.setattr(lane_points, "spread", noted)
    for count in (1, 3):
        monkeypatch.setattr(many_threads, "cores", lambda count=count: count)
        with policy.using(lanes=0, tiles=0):
            rs.solve(circuit, inputs=inputs)
    assert asked == [1, 3]


def test_points_that_only_take_a_solve_stay_in_a_thread_where_others_are_shared_out(monkeypatch):
    mixture = rs.generators.Mixture(diodes=0.0, ground_diodes=0.0)
    linear, diodes = rs.generators.grid(25, mixture=mixture), rs.generators.grid(25)
    asked = []

    def noted(task, parts, threads, size):
        asked.append((threads, len(parts)))
        return spread(task, parts, threads, size)

    monkeypatch.setattr(lane_points, "spread", noted)
    with policy.using(threads=2):
        for circuit in (linear, diodes):
            inputs = {circuit.current_sources.names[0]: np.linspace(-1.0, 1.0, 64)}
            rs.solve(circuit, inputs=inputs)
    assert asked == [(1, 1), (2, 2)]


@pytest.mark.parametrize("distribution", variants.DISTRIBUTIONS)
def test_threads_share_out_what_is_drawn(monkeypatch, distribution):
    # an uneven range: blocks of samples have generators of their own
    first, last = variants.DRAW - 3, 5 * variants.DRAW + 7
    drawn = variants.MonteCarlo(("r1", "r2"), ("element",) * 2, (2.0, 5.0), (0.1, 0.2), last,
                                distribution=distribution)  # fmt: skip
    with policy.using(threads=1):
        whole = drawn.values(0, last)
    both = threading.Barrier(2, timeout=60)

    def met(self, *args):
        if args[0] < 2:
            both.wait()  # neither goes on without another thread
        return draw(self, *args)

    draw = variants.MonteCarlo._draw
    monkeypatch.setattr(variants.MonteCarlo, "_draw", met)
    with policy.using(threads=2, tiles=0):
        shared = drawn.values(first, last)
    assert shared.tobytes() == whole[first:].tobytes()


def test_what_flips_under_a_nudge_is_found_while_another_thread_judges(monkeypatch):
    circuit = rs.generators.grid(7, seed=3)
    inputs = circuit.current_sources.names[:3] or circuit.voltage_sources.names[:3]
    net = tr.Network(circuit, inputs, list(circuit.nodes[5:9]), "r*")
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(21, len(inputs))), rng.normal(size=(21, 4))

    def states():
        free = net.free(x)
        stiff = 0.05 * float(np.median(net.conductances))
        pulled = [net.pulled(x, free, beta, y) for beta in (-stiff, stiff)]
        return free, *pulled, net.pushed(x, free, 0.01 * stiff * y)

    with policy.using(threads=1):
        alone = states()
    flipped = sum(int((one.on != alone[0].on).any(axis=1).sum()) for one in alone[1:3])
    assert 0 < flipped < 2 * 21
    # a job settles, another judges: neither goes on without another thread
    both, met = threading.Barrier(2, timeout=60), []

    def noted(task, jobs, threads, size):
        def meeting(number, job):
            if number in (0, len(jobs) - 1):
                both.wait()
                met.append(job.func.__name__)
            job()

        # the last first: as many threads as there are wait for each other
        order = [0, len(jobs) - 1, *range(1, len(jobs) - 1)]
        spread(lambda k: meeting(k, jobs[k]), order, threads, size)

    monkeypatch.setattr(reactions, "spread", noted)
    with policy.using(threads=2, tiles=0):
        shared = states()
    assert "settle" in met and "task" in met
    for one, other in zip(alone, shared, strict=True):
        assert one.voltages.tobytes() == other.voltages.tobytes()
        assert one.on.tobytes() == other.on.tobytes()
