"""One large circuit: families of circuits, contenders, time, memory and KKT residual.

    python benchmarks/large_circuits.py [--largest] [-o DIR]

prints what circuits of ten thousand to a million nodes take, and are to take; with ``--largest``
ten million, too.

    python benchmarks/large_circuits.py --sizes 1e3,1e4,1e5 --families grid,ladder -o DIR

compares all contenders, and writes ``large_circuits.jsonl``, ``large_circuits.md`` and, with
matplotlib, a log-log plot ``large_circuits.svg`` to DIR.  Every contender runs in a process of
its own, alternating with T0, the linear solve of the same circuit without its diodes.
docs/benchmarks.md has the method.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from large_report import markdown, plot
from large_targets import show

HERE = Path(__file__).parent
#: libraries that would use several threads use one
SINGLE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
#: what a contender does before it is measured, on a small circuit of the family
WARM_UP = 300
#: nodes from which a circuit takes so much memory that the process to be measured has too little
MOST_HELD = 3_000_000
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1]), capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""

Record = dict[str, Any]


# ---- in the process of one contender ----


def measure(
    options: argparse.Namespace, family: str, nodes: int, contender: str, seed: int
) -> None:
    """Print the record of one contender, again with each thing that is known of it."""
    from contenders import Unavailable, linear

    record: Record = {"family": family, "nodes": nodes, "contender": contender, "seed": seed}
    if contender == "command" and nodes > MOST_HELD:
        _emit(record | _from_deck(options, family, nodes, seed))
        return
    try:
        task, ready = _prepare(family, nodes, contender, seed, options.limit)
    except (Unavailable, MemoryError) as error:
        _emit(record | {"note": str(error) or "out of memory"})
        return
    try:
        record["nodes"] = len(task.circuit.nodes) - 1
        record["elements"] = task.circuit.n_elements
        record["diodes"] = len(task.circuit.diodes)
        first, record["peak_mb"], outcome = _first_run(ready, options.limit)
        record["seconds"], record["runs"] = first, 1
        if ready.result is not None:
            record["residual"] = task.program.residual(*ready.result(outcome))
        if not getattr(outcome, "found", True):  # of qpsolvers
            record["note"] = "gave up, says itself"
        _emit(record)
        del outcome
        runs = min(options.repeats, int(options.limit / first))
        # a process has the limit itself, and ends before this one must
        margin = 0.0 if ready.command is None else 1.0
        yardstick = ready.yardstick
        if yardstick is None and not options.alone:
            yardstick = linear(task.program)
        record |= _alternate(ready.run, yardstick, runs, first, options.limit + margin)
    except (Unavailable, MemoryError) as error:
        record["note"] = str(error) or "out of memory"
    except subprocess.TimeoutExpired:
        record["note"] = f"over {options.limit:g} s"
    finally:
        shutil.rmtree(task.directory)
    _emit(record)


def _from_deck(options: argparse.Namespace, family: str, nodes: int, seed: int) -> Record:
    """Return the seconds and the memory of a process from deck to raw file, and nothing else.

    Another one has written the deck: none that holds a circuit shall be there meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="resnet-sim-") as folder:
        deck, out = Path(folder, "deck.net"), Path(folder, "out.raw")
        writing = [sys.executable, __file__, "--deck", family, str(nodes), str(seed), str(deck)]
        subprocess.run(writing, check=True)
        command = [sys.executable, "-m", "resnet_sim", "solve", str(deck), "-o", str(out)]
        began = time.perf_counter()
        limit = [sys.executable, "-c", PEAK, str(options.limit)]
        done = subprocess.run([*limit, *command], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if done.returncode:
            return {"note": f"status {done.returncode}: {done.stderr.strip()[-200:]}"}
        return {"seconds": seconds, "runs": 1, "peak_mb": int(done.stdout) / 1024}


def write_deck(family: str, nodes: int, seed: int, path: str) -> None:
    """Write the deck of a circuit of resistors, current sources and ideal diodes."""
    from families import FAMILIES

    circuit = FAMILIES[family](nodes, seed)
    names = circuit.nodes
    columns = {"resistors": "ohms", "current_sources": "amps", "diodes": ""}
    with Path(path).open("w", encoding="ascii") as file:
        file.write(f"{family} of {nodes} nodes\n.model ideal d(ron=0 roff=inf vfwd=0)\n")
        for name, column in columns.items():
            table = circuit.tables[name]
            ends = (map(names.__getitem__, end.tolist()) for end in (table.p, table.q))
            values = map(repr, getattr(table, column).tolist()) if column else repeat("ideal")
            for row in zip(table.names, *ends, values, strict=False):
                file.write(f"{' '.join(row)}\n")


def _prepare(family: str, nodes: int, contender: str, seed: int, limit: float) -> tuple[Any, Any]:
    from contenders import CONTENDERS, make_task
    from families import FAMILIES

    task = make_task(FAMILIES[family](min(WARM_UP, nodes), seed), limit)
    CONTENDERS[contender](task).run()
    shutil.rmtree(task.directory)
    task = make_task(FAMILIES[family](nodes, seed), limit)
    return task, CONTENDERS[contender](task)


def _first_run(ready: Any, limit: float) -> tuple[float, float, Any]:
    """Return seconds, peak memory in MB and the result of a run."""
    if ready.command is not None:
        # the peak of a direct child would include that of this process before its exec
        from contenders import Unavailable

        command = [sys.executable, "-c", PEAK, str(limit), *ready.command]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if "TimeoutExpired" in done.stderr:
            raise subprocess.TimeoutExpired(ready.command, limit)
        if done.returncode:
            raise Unavailable(f"status {done.returncode}: {done.stderr.strip()[-200:]}")
        return seconds, int(done.stdout) / 1024, None
    _reset_peak()
    seconds, outcome = _timed(ready.run, limit)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, outcome


def _reset_peak() -> None:
    """Forget the peak of what came before, where Linux allows it."""
    refs = Path("/proc/self/clear_refs")
    if refs.exists():
        refs.write_text("5")


def _alternate(
    run: Callable[[], Any], yardstick: Callable[[], Any] | None, runs: int, first: float,
    limit: float,
) -> Record:  # fmt: skip
    """Return medians of alternating runs; the first alone counts if there is time for no other."""
    seconds, linear = [], []
    for _ in range(max(1, runs)):
        if runs:
            seconds.append(_timed(run, limit)[0])
        if yardstick is not None:
            linear.append(_timed(yardstick, limit)[0])
    seconds = seconds or [first]
    record = {"seconds": float(np.median(seconds)), "runs": len(seconds)}
    if not linear:
        return record
    ratios = np.array(seconds) / np.array(linear)
    return record | {
        "t0": float(np.median(linear)),
        "ratio": float(np.median(ratios)),
        "ratio_low": float(ratios.min()),
        "ratio_high": float(ratios.max()),
    }


def _timed(run: Callable[[], Any], limit: float) -> tuple[float, Any]:
    """Return seconds and result; the process ends if it takes longer than the limit."""
    signal.setitimer(signal.ITIMER_REAL, limit)  # nothing else interrupts compiled code
    began = time.perf_counter()
    outcome = run()
    seconds = time.perf_counter() - began
    signal.setitimer(signal.ITIMER_REAL, 0)
    return seconds, outcome


def _emit(record: Record) -> None:
    print(json.dumps(record), flush=True)


# ---- in the process that starts them ----


def ask(options: argparse.Namespace, family: str, nodes: int, contender: str, seed: int) -> Record:
    """Return the record of one contender, measured in a process of its own."""
    command = [
        sys.executable, __file__, "--measure", family, str(nodes), contender, str(seed),
        "--limit", str(options.limit), "--repeats", str(options.repeats),
        *["--alone"] * options.alone,
    ]  # fmt: skip
    environment = os.environ | ({} if options.threads else SINGLE)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False,
        preexec_fn=_limit_memory(options.memory),
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"family"')]
    record: Record = {"family": family, "nodes": nodes, "contender": contender, "seed": seed}
    if lines:
        record = json.loads(lines[-1])
    if done.returncode == -signal.SIGALRM:
        record["note"] = f"{'T0 ' if lines else ''}over {options.limit:g} s"
    elif done.returncode:
        tail = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        record["note"] = "out of memory" if "MemoryError" in tail else f"failed: {tail[:120]}"
    return record


def _limit_memory(gigabytes: float) -> Callable[[], None]:
    size = int(gigabytes * 2**30)
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))


def run_all(options: argparse.Namespace) -> list[Record]:
    """Measure everything; a contender that fails at one size is not tried at larger ones."""
    records: list[Record] = []
    for family in options.families:
        out: set[str] = set()
        for nodes in sorted(options.sizes):
            for contender in options.contenders:
                if contender in out:
                    continue
                seeds = range(options.seeds)
                record = _together([ask(options, family, nodes, contender, k) for k in seeds])
                if "seconds" not in record:
                    out.add(contender)
                    record["note"] += "; larger ones not tried"
                records.append(record)
                print(_line(record), flush=True)
    return records


def _together(records: list[Record]) -> Record:
    """Return one record of all seeds: medians, and the extremes of what is extreme.

    One that has no time stands for all.
    """
    failed = [record for record in records if "seconds" not in record]
    if failed or len(records) == 1:
        return (failed or records)[0]
    record = dict(records[0])
    del record["seed"]
    summaries = (
        (np.median, ("seconds", "t0", "ratio")),
        (np.min, ("ratio_low",)),
        (np.max, ("ratio_high", "peak_mb", "residual")),
    )
    for summary, keys in summaries:
        for key in keys:
            if key in record:
                record[key] = float(summary([one[key] for one in records if key in one]))
    record["runs"] = sum(one["runs"] for one in records)
    notes = [one["note"] for one in records if "note" in one]
    record["note"] = "; ".join([f"seeds 0 to {len(records) - 1}", *dict.fromkeys(notes)])
    return record


def _line(record: Record) -> str:
    text = f"{record['family']:12}{record['nodes']:>9}  {record['contender']:10}"
    if "seconds" in record:
        text += f"{record['seconds']:10.4f} s {record['peak_mb']:8.0f} MB"
        text += f"{record.get('residual', np.nan):10.1e}"
    if "ratio" in record:
        text += f" {record['ratio']:8.2f} T0 ({record['ratio_low']:.2f}-{record['ratio_high']:.2f})"
    return text + (f"  {record['note']}" if "note" in record else "")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    from contenders import CONTENDERS
    from families import FAMILIES

    def names(known: dict[str, Any]) -> Callable[[str], list[str]]:
        def split(text: str) -> list[str]:
            chosen = text.split(",")
            unknown = [name for name in chosen if name not in known]
            if unknown:
                raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(known)}")
            return chosen

        return split

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=_sizes, help="nodes, by default 1e3,1e4")
    parser.add_argument("--families", type=names(FAMILIES), help="by default all")
    parser.add_argument("--contenders", type=names(CONTENDERS), help="by default all")
    parser.add_argument("--largest", action="store_true", help="ten million nodes, too: 20 GB")
    parser.add_argument("--seeds", type=int, default=1, help="circuits of each family and size")
    parser.add_argument("--repeats", type=int, default=5, help="runs that the median is of")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that a run may take")
    parser.add_argument("--memory", type=float, default=8.0, help="GB that a process may take")
    parser.add_argument("--alone", action="store_true", help="without T0 in turn")
    parser.add_argument("--threads", action="store_true", help="let libraries use all cores")
    parser.add_argument("-o", "--output", type=Path, help="directory of the results")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--deck", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.targets = not (options.sizes or options.families or options.contenders)
    options.sizes = options.sizes or [1000, 10_000]
    options.families = options.families or list(FAMILIES)
    options.contenders = options.contenders or list(CONTENDERS)
    return options


def _sizes(text: str) -> list[int]:
    return [int(float(part)) for part in text.split(",")]


def main() -> None:
    options = parse()
    if options.measure:
        family, nodes, contender, seed = options.measure
        measure(options, family, int(nodes), contender, int(seed))
        return
    if options.deck:
        family, nodes, seed, path = options.deck
        write_deck(family, int(nodes), int(seed), path)
        return
    records = show(options, ask) if options.targets else run_all(options)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        stem = options.output / "large_circuits"
        lines = "".join(json.dumps(record) + "\n" for record in records)
        stem.with_suffix(".jsonl").write_text(lines)
        stem.with_suffix(".md").write_text(markdown(records))
        plot(records, stem.with_suffix(".svg"))


if __name__ == "__main__":
    main()
