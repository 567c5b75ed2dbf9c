"""``./setup`` on machines of every kind, of which it sees stand-ins that note what it calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "setup"

#: a python3 that is new enough, has ensurepip once apt-get brought it, and makes environments
PYTHON = """
case "$*" in
    *version_info*) exit {old:d} ;;
    *ensurepip*) [ -e "$BOX/python3-venv" ] ;;
    "-m venv --clear .venv") mkdir -p .venv/bin && cp "$BOX/bin/pip-python" .venv/bin/python ;;
esac
"""
APT = """
[ -e "$BOX/is-root" ] || exit 100
for word; do case $word in python3-venv) touch "$BOX/$word" ;; ngspice) touch "$BOX/bin/$word"
    chmod +x "$BOX/bin/$word" ;; esac; done
"""
SUDO = """
touch "$BOX/is-root"
"$@"
status=$?
rm "$BOX/is-root"
exit $status
"""


class Machine:
    """A folder with a copy of `setup` and a PATH of stand-ins."""

    def __init__(self, folder: Path, *, root: bool, sudo: bool, old: bool = False) -> None:
        self.folder, self.bin = folder, folder / "bin"
        self.bin.mkdir()
        shutil.copy(SETUP, folder / "setup")
        for tool in ("sh", "dirname", "mkdir", "cp", "touch", "chmod", "rm", "env"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.stand_in("python3", PYTHON.format(old=old))
        self.stand_in("pip-python", "")
        self.stand_in("apt-get", APT)
        self.stand_in("id", f"echo {0 if root else 1000}")
        if root:
            (folder / "is-root").touch()
        if sudo:
            self.stand_in("sudo", SUDO)

    def stand_in(self, name: str, body: str) -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"$BOX/calls"\n{body}\n')
        path.chmod(0o755)

    def setup(self, *arguments: str) -> tuple[int, list[str]]:
        """Run it; return its exit status, and what it called, the questions to python excepted."""
        calls = self.folder / "calls"
        calls.write_text("")
        environment = {"PATH": str(self.bin), "BOX": str(self.folder)}
        done = subprocess.run(
            [self.folder / "setup", *arguments],
            env=environment, cwd=os.sep, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.said = done.stderr
        shown = ("apt-get", "sudo", "python3 -m", "pip-python -m pip install")
        return done.returncode, [c for c in calls.read_text().splitlines() if c.startswith(shown)]


NEW = "python3 -m venv --clear .venv"


def install(extra: str = "") -> str:
    return f"pip-python -m pip install -q -e .{extra}"


def test_root_needs_no_sudo(tmp_path):
    machine = Machine(tmp_path, root=True, sudo=False)
    wanted = ["apt-get update", "apt-get install -y python3-venv", NEW, install()]
    assert machine.setup() == (0, wanted)


def test_a_user_is_helped_by_sudo(tmp_path):
    machine = Machine(tmp_path, root=False, sudo=True)
    status, calls = machine.setup("test")
    assert status == 0
    command = "apt-get install -y python3-venv ngspice"
    assert calls[:2] == ["sudo apt-get update", "apt-get update"]
    assert calls[2:4] == [f"sudo env DEBIAN_FRONTEND=noninteractive {command}", command]
    assert calls[4:] == [NEW, install("[test]")]


@pytest.mark.parametrize("order", [("", "test"), ("test", ""), ("", ""), ("test", "test")])
def test_what_is_there_is_left_alone_in_any_order(tmp_path, order):
    machine = Machine(tmp_path, root=True, sudo=False)
    first, second = ([word] if word else [] for word in order)
    assert machine.setup(*first)[0] == 0
    status, calls = machine.setup(*second)
    assert status == 0
    assert NEW not in calls
    # after the tests' set-up, and after the same one, there is nothing for apt-get to do
    asked = [c for c in calls if c.startswith("apt-get install")]
    assert asked == (["apt-get install -y ngspice"] if order == ("", "test") else [])
    assert calls[-1] == install("[test]" if second else "")


def test_an_environment_that_was_left_half_made_is_made_anew(tmp_path):
    machine = Machine(tmp_path, root=True, sudo=False)
    machine.setup()
    (tmp_path / ".venv" / "bin" / "python").unlink()
    assert machine.setup() == (0, [NEW, install()])


def test_a_user_without_sudo_gets_no_environment_that_lacks_something(tmp_path):
    machine = Machine(tmp_path, root=False, sudo=False)
    status, calls = machine.setup()
    assert status != 0 and calls == []
    assert "sudo" in machine.said


def test_an_old_python_is_refused(tmp_path):
    machine = Machine(tmp_path, root=True, sudo=False, old=True)
    assert machine.setup() == (1, [])
    assert "older than 3.11" in machine.said


def test_an_unknown_argument_is_refused(tmp_path):
    machine = Machine(tmp_path, root=True, sudo=False)
    assert machine.setup("tests") == (2, [])
    assert "usage" in machine.said
