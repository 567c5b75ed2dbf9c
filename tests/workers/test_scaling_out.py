"""The examples of docs/scaling-out.md that are no dialogues run as programs."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from documents import blocks

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "scaling-out.md").read_text()


def test_the_script_with_a_guard_runs(tmp_path):
    (script,) = [b for b in blocks(TEXT, "python") if "__main__" in b]
    lines = [
        "import resnet_sim as rs",
        f"circuit = rs.read_netlist({str(ROOT / 'examples/netlists/tolerances.net')!r})",
        script.replace("100_000", "40").replace("rs.monte_carlo", "found = rs.monte_carlo"),
        "    print(found.status, found.solver.method)",
    ]
    path = tmp_path / "script.py"
    path.write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout == "solved newton\n", done.stderr


@pytest.mark.long
def test_the_commands_for_a_cluster_by_hand_run(tmp_path):
    pytest.importorskip("distributed")
    (shell,) = [b for b in blocks(TEXT, "sh") if "dask scheduler" in b]
    scheduler, worker, _, sweep = (line.partition("#")[0].split() for line in shell.splitlines())
    tools = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    file, out = tmp_path / "scheduler.json", tmp_path / "out.csv"
    place = ["--scheduler-file", str(file)]
    options = {"cwd": tmp_path, "env": environment, "stderr": subprocess.DEVNULL}
    started = [subprocess.Popen([*scheduler, *place, "--port", "0", "--no-dashboard"], **options)]
    try:
        while not file.exists() or not file.stat().st_size:
            assert started[0].poll() is None
            time.sleep(0.1)
        (address,) = re.findall(r'"address": "(tcp://[^"]+)"', file.read_text())
        words = [address if word.startswith("tcp://") else word for word in worker]
        words[words.index("auto")] = "1"
        started.append(subprocess.Popen([*words, "--no-dashboard"], **options))
        words = ["40" if word == "1000000" else word.strip("'") for word in sweep]
        words[words.index("deck.net")] = str(ROOT / "examples/netlists/tolerances.net")
        words[-1] = f"dask:{address}"
        assert subprocess.run([*words, "-o", str(out)], check=False, **options).returncode == 0
        assert len(out.read_text().splitlines()) == 41
    finally:
        for process in started[::-1]:
            process.terminate()
            process.wait()
