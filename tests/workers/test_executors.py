"""The same result wherever it is computed, whoever is killed meanwhile, resumed or not."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

import resnet_sim as rs
from resnet_sim.cli import main
from resnet_sim.errors import ExecutorError, UsageError
from resnet_sim.many import jobs
from resnet_sim.workers import executors
from resnet_sim.workers.executors import open_executor, run_tasks
from resnet_sim.workers.journal import Journal

TOLERANCE = {"r*": 0.1}


def circuit():
    return rs.generators.grid(5, seed=1)


def sampled(**options):
    return rs.monte_carlo(circuit(), TOLERANCE, 60, seed=2, chunk=7, **options)


@pytest.fixture(scope="module")
def serial():
    return sampled(executor="serial")


def assert_same_bits(one, other):
    for name in ("node_voltages", "element_currents", "closed"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()
    assert one.unsolved == other.unsolved and one.certificate == other.certificate
    assert one.diagnostics == other.diagnostics
    untimed = [dataclasses.replace(op.solver, seconds=0.0) for op in (one, other)]
    assert untimed[0] == untimed[1]


# ---- executors ----


@pytest.mark.parametrize("executor", ["threads", "threads:2", "processes:2"])
def test_the_same_bits_on_every_executor(serial, executor):
    assert_same_bits(serial, sampled(executor=executor))


def test_any_executor_object_will_do_and_stays_open(serial):
    with ThreadPoolExecutor(2) as pool:
        assert_same_bits(serial, sampled(executor=pool))
        assert pool.submit(int, "7").result() == 7


@pytest.mark.parametrize(
    "spec",
    [
        "cloud",
        "serial:2",
        "threads:0",
        "threads:x",
        "processes:-1",
        "dask:0",
        "dask:x",
        "",
        3,
        None,
    ],
)
def test_an_executor_that_does_not_exist(spec):
    with pytest.raises(UsageError, match=r"no executor|no number of workers"):
        sampled(executor=spec)


def test_the_number_of_points_per_task_changes_nothing_but_the_last_digits(serial):
    other = rs.monte_carlo(circuit(), TOLERANCE, 60, seed=2, chunk=60, executor="serial")
    np.testing.assert_allclose(other.node_voltages, serial.node_voltages, rtol=1e-9, atol=1e-12)


def die_once(marker, number):
    """Kill the process that runs this, the first time."""
    if number == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def always_die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number):
    raise ZeroDivisionError(number)


def test_a_killed_process_loses_nothing(tmp_path):
    marker = str(tmp_path / "killed")
    with open_executor("processes:2") as pool:
        found = dict(run_tasks(pool, die_once, [(marker, k) for k in range(8)]))
    assert Path(marker).exists() and found == {k: k * k for k in range(8)}


def test_a_task_that_kills_every_process_is_given_up():
    with pytest.raises(ExecutorError, match="are gone"), open_executor("processes:1") as pool:
        list(run_tasks(pool, always_die, [(0,)]))


@pytest.mark.parametrize("spec", ["serial", "threads:1"])
def test_errors_of_tasks_come_through(spec):
    with pytest.raises(ZeroDivisionError), open_executor(spec) as pool:
        list(run_tasks(pool, fail, [(0,)]))


# ---- journals ----


def test_a_finished_journal_is_the_result(serial, tmp_path, monkeypatch):
    journal = tmp_path / "points"
    assert_same_bits(serial, sampled(journal=journal))
    monkeypatch.setattr(jobs.Job, "solve", None)  # nothing may be computed again
    assert_same_bits(serial, sampled(journal=journal))


def test_a_journal_cut_anywhere_is_completed(serial, tmp_path):
    journal = tmp_path / "points"
    sampled(journal=journal, executor="serial")
    whole = journal.read_bytes()
    rng = np.random.default_rng(0)
    for length in [0, 1, 10, len(whole) - 1, *rng.integers(len(whole), size=4)]:
        journal.write_bytes(whole[:length])
        assert_same_bits(serial, sampled(journal=journal, executor="serial"))
        assert journal.read_bytes() == whole


def test_a_journal_with_a_flipped_bit_is_completed(serial, tmp_path):
    journal = tmp_path / "points"
    sampled(journal=journal)
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 4
    journal.write_bytes(data)
    assert_same_bits(serial, sampled(journal=journal))


def test_what_is_no_journal_of_this_job_is_left_alone(tmp_path):
    other = tmp_path / "other"
    other.write_text("precious\n")
    with pytest.raises(UsageError, match="is not a journal"):
        sampled(journal=other)
    assert other.read_text() == "precious\n"
    journal = tmp_path / "points"
    sampled(journal=journal)
    for change in ({"seed": 3}, {"tolerance": 1e-8}, {"chunk": 8}, {"samples": 61}):
        wanted = {"samples": 60, "seed": 2, "chunk": 7, "journal": journal} | change
        with pytest.raises(UsageError, match="journal of another job"):
            rs.monte_carlo(circuit(), TOLERANCE, **wanted)
    with pytest.raises(UsageError, match="No such file"):
        sampled(journal=tmp_path / "nowhere" / "points")


def test_an_interrupted_run_keeps_what_is_finished(serial, tmp_path, monkeypatch):
    journal, solve = tmp_path / "points", jobs.Job.solve

    def interrupted(self, first, last):
        if first >= 28:
            raise KeyboardInterrupt
        return solve(self, first, last)

    monkeypatch.setattr(jobs.Job, "solve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sampled(journal=journal, executor="serial")
    monkeypatch.undo()
    job = next(reversed(jobs._recent.values()))
    with Journal(journal, f"{job.fingerprint}/7") as kept:
        assert sorted(kept.done) == [0, 1, 2, 3]
    assert_same_bits(serial, sampled(journal=journal))


SCRIPT = """
import sys
import numpy as np
import resnet_sim as rs
from test_executors import TOLERANCE, circuit
op = rs.monte_carlo(circuit(), TOLERANCE, 400, seed=2, chunk=4, journal=sys.argv[1])
np.save(sys.argv[2], np.hstack([op.node_voltages, op.element_currents]))
"""


def run_and_kill(folder, after):
    """Run the script, kill it so many seconds after its journal has appeared."""
    journal, result = folder / "points", folder / "result.npy"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(journal), str(result)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    began = journal.stat().st_mtime_ns if journal.exists() else 0
    while process.poll() is None:
        if journal.exists() and journal.stat().st_mtime_ns != began:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(after)
            process.kill()
            break
        time.sleep(0.002)
    process.wait()
    return result.exists()


def killed_and_resumed(folder, times, longest):
    """Kill a run so many times; return its result in the end."""
    rng = np.random.default_rng(times)
    for _ in range(times):
        if run_and_kill(folder, rng.uniform(0, longest)):
            (folder / "points").unlink(missing_ok=True)  # finished: begin anew
            (folder / "result.npy").unlink()
    assert run_and_kill(folder, 60.0)
    return np.load(folder / "result.npy")


def uninterrupted():
    op = rs.monte_carlo(circuit(), TOLERANCE, 400, seed=2, chunk=4, executor="serial")
    return np.hstack([op.node_voltages, op.element_currents])


@pytest.mark.slow
def test_a_killed_run_resumed_gives_the_same_bits(tmp_path):
    assert killed_and_resumed(tmp_path, 2, 0.4).tobytes() == uninterrupted().tobytes()


@pytest.mark.long
def test_a_run_killed_fifty_times_gives_the_same_bits(tmp_path):
    assert killed_and_resumed(tmp_path, 50, 1.0).tobytes() == uninterrupted().tobytes()


# ---- Dask ----


def kill_when_started(journal, pid, left):
    """Kill a process as soon as a journal has a first record; note what was there."""
    while not journal.exists() or journal.stat().st_size < 1000:
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    left.append(journal.stat().st_size)


@pytest.mark.slow
def test_dask_gives_the_same_bits_though_a_worker_is_killed(cluster, tmp_path):
    work = {"samples": 300, "seed": 2, "chunk": 3, "method": "newton"}
    pid = next(worker.pid for worker in cluster.workers.values())
    journal, sizes = tmp_path / "points", []
    killer = threading.Thread(target=kill_when_started, args=(journal, pid, sizes))
    killer.start()
    executor = f"dask:{cluster.scheduler_address}"
    op = rs.monte_carlo(circuit(), TOLERANCE, **work, journal=journal, executor=executor)
    killer.join()
    assert sizes[0] < journal.stat().st_size / 2
    assert_same_bits(op, rs.monte_carlo(circuit(), TOLERANCE, **work, executor="serial"))


def divide(a, b):
    return a / b


def test_dask_hands_on_what_a_task_raises_and_lets_go_of_what_is_cancelled(cluster):
    with open_executor(f"dask:{cluster.scheduler_address}") as executor:
        with pytest.raises(ZeroDivisionError):
            executor.submit(divide, 1, 0).result(30)
        waiting = [executor.submit(time.sleep, 0.2) for _ in range(8)]
        assert waiting[-1].cancel()
        assert executor.submit(divide, 6, 3).result(30) == 2


@pytest.mark.slow
def test_a_dead_cluster_is_reported_and_the_run_goes_on_elsewhere(tmp_path):
    """The scheduler and its workers are killed together."""
    pytest.importorskip("distributed")
    work = {"samples": 300, "seed": 2, "chunk": 3, "method": "newton"}
    command = [sys.executable, "-c", CLUSTER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    address = process.stdout.readline().strip()
    journal = tmp_path / "points"

    def kill():
        while not journal.exists() or journal.stat().st_size < 1000:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ExecutorError, match=r"are gone .* of 100 tasks are finished and kept in"):
        rs.monte_carlo(circuit(), TOLERANCE, **work, journal=journal, executor=f"dask:{address}")
    killer.join()
    process.wait()
    process.stdout.close()
    kept = journal.stat().st_size
    op = rs.monte_carlo(circuit(), TOLERANCE, **work, journal=journal)
    assert journal.stat().st_size > kept
    assert_same_bits(op, rs.monte_carlo(circuit(), TOLERANCE, **work, executor="serial"))


CLUSTER = """
import time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0")
    print(cluster.scheduler_address, flush=True)
    time.sleep(100)
"""


def test_a_cluster_that_is_not_there(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "CONNECT", 1.0)
    with pytest.raises(ExecutorError, match=r"no Dask cluster at tcp://127\.0\.0\.1:9"):
        sampled(executor="dask:tcp://127.0.0.1:9")


# ---- the command ----


@pytest.mark.slow
def test_control_c_leaves_a_journal_to_go_on_from(tmp_path):
    deck, journal, out = tmp_path / "deck.net", tmp_path / "points", tmp_path / "out.csv"
    rs.write_netlist(circuit(), deck)
    command = [
        *(sys.executable, "-m", "resnet_sim", "sweep", str(deck), "--spread", "r*=10%"),
        *("--samples", "300", "--chunk", "3", "--method", "newton", "--print", "v(n0_0)"),
        *("--journal", str(journal), "-o", str(out)),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and (not journal.exists() or journal.stat().st_size < 1000):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        text.strip()
        .splitlines()[-1]
        .endswith(f"interrupted; the same command goes on from {journal}")
    )
    assert not out.exists() and journal.stat().st_size > 1000
    assert subprocess.run(command, check=False).returncode == 0
    wanted = rs.monte_carlo(
        rs.read_netlist(deck), TOLERANCE, 300, method="newton", chunk=3, executor="serial"
    )
    rows = out.read_text().splitlines()[1:]
    assert [float(row.split(",")[1]) for row in rows] == wanted.voltage("n0_0").tolist()


@pytest.mark.parametrize("error", [RuntimeError("lock"), OSError(9, "gone"), BrokenProcessPool()])
def test_what_control_c_tears_down_ends_as_an_interruption(tmp_path, monkeypatch, capsys, error):
    deck, journal, wait = tmp_path / "deck.net", tmp_path / "points", executors.futures.wait
    rs.write_netlist(circuit(), deck)

    def torn(*arguments, **options):
        if journal.stat().st_size < 1000:
            return wait(*arguments, **options)
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        finally:
            raise error

    monkeypatch.setattr(executors.futures, "wait", torn)
    options = ["--spread", "r*=10%", "--samples", "300", "--chunk", "3", "--method", "newton"]
    command = ["sweep", str(deck), *options, "--journal", str(journal), "--print", "v(n0_0)"]
    assert main(command) == 130
    wanted = f"resnet-sim: interrupted; the same command goes on from {journal}\n"
    assert capsys.readouterr() == ("", wanted)
    kept = journal.read_bytes()
    monkeypatch.undo()
    assert main(command) == 0
    assert journal.read_bytes().startswith(kept)


@pytest.mark.slow
def test_a_cluster_that_is_not_there_has_its_own_exit_status(tmp_path, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "CONNECT", 1.0)
    deck = tmp_path / "deck.net"
    rs.write_netlist(circuit(), deck)
    options = ["--spread", "r*=10%", "--executor", "dask:tcp://127.0.0.1:9"]
    assert main(["sweep", str(deck), *options]) == 5
    assert "no Dask cluster at tcp://127.0.0.1:9" in capsys.readouterr().err
