"""What is built from this folder: the wheel has all that an installation needs, the sdist all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

pytest.importorskip("build")

ROOT = Path(__file__).parents[2]
CORE = {"numpy", "scipy", "numba", "networkx", "lark", "threadpoolctl"}
#: what no one distributes
LEFT_OUT = {"__pycache__", "dist", "build", ".git", ".venv", ".pytest_cache", ".mypy_cache",
            ".ruff_cache", ".hypothesis", ".import_linter_cache", "site"}  # fmt: skip


def files(folder: Path) -> set[str]:
    """Return what is in a folder, without what tools have left there."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in found
        if LEFT_OUT.isdisjoint(path.parts)
        and not any(part.endswith((".egg-info", ".nbi", ".nbc")) for part in path.parts)
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """A wheel and an sdist, from a copy: building writes into the folder."""
    folder = tmp_path_factory.mktemp("packaging")
    shutil.copytree(ROOT, folder / "copy", ignore=lambda *_: LEFT_OUT)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", "."]
    done = subprocess.run(command, cwd=folder / "copy", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = (list((folder / "dist").glob(f"*.{end}")) for end in ("whl", "tar.gz"))
    return wheel, sdist


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.slow
def test_the_wheel_has_the_package_the_examples_and_the_diagnostics(built):
    with zipfile.ZipFile(built[0]) as archive:
        names = archive.namelist()
    package = {f"resnet_sim/{name}" for name in files(ROOT / "resnet_sim")}
    assert package <= set(names)
    shared = {name.partition("/data/share/")[2] for name in names}
    decks = files(ROOT / "examples" / "netlists")
    assert {f"resnet_sim/netlists/{name}" for name in decks} <= shared
    assert {"resnet_sim/diagnostics.md", "resnet_sim/training/iris.net"} <= shared


def test_the_core_needs_nothing_new_and_extras_have_what_they_promise(built):
    needed = metadata(built[0]).get_all("Requires-Dist")
    core = {line.split(">=")[0].strip() for line in needed if "extra ==" not in line}
    assert core == CORE
    extras = set(metadata(built[0]).get_all("Provides-Extra"))
    assert {"all", "docs", "plot", "sklearn", "tables", "tensorboard", "test"} <= extras
    everything = [line for line in needed if line.endswith('extra == "all"')]
    assert everything and "cholmod" not in everything[0]  # GPL


def test_the_metadata_say_what_it_is(built):
    found = metadata(built[0])
    assert found["License-Expression"] == "MIT"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Description-Content-Type"] == "text/markdown"
    assert "Typing :: Typed" in found.get_all("Classifier")
    assert any("arxiv.org" in url for url in found.get_all("Project-URL"))


def test_the_sdist_has_everything_that_the_tests_need(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert files(ROOT) - names == set()


@pytest.mark.long
def test_the_tests_of_an_sdist_pass_in_it(built, tmp_path):
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    environment = os.environ | {"PYTHONPATH": str(folder)}
    options = ["-m", "not long and not lint", "--ignore", "tests/project/test_packaging.py"]
    command = [sys.executable, "-m", "pytest", "-q", *options]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:]


SCRIPT = """import resnet_sim as rs
print(rs.__file__)
op = rs.solve("load\\nV1 a 0 1\\nR1 a 0 1k\\n")
print(op["a"])
"""
TYPED = """import resnet_sim as rs
op = rs.solve("deck.net")
reveal_type(op.certificate.ok)
reveal_type(op["out"])
reveal_type(rs.sweep(op.circuit, v1=[1.0]).voltage("out"))
reveal_type(rs.solve(op.circuit, inputs={"v1": [1.0]}).current("r1"))
rs.solve(3)
"""


@pytest.fixture
def run(built, tmp_path):
    """Run Python somewhere else, with what the wheel installs."""
    place = tmp_path / "installed"
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(place)
    environment = os.environ | {"PYTHONPATH": str(place)}

    def call(*words: str) -> str:
        command = [sys.executable, *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return call


def test_an_installed_wheel_works(run, tmp_path):
    file = tmp_path / "installed" / "resnet_sim" / "__init__.py"
    assert run("-c", SCRIPT).split() == [str(file), "1.0"]


@pytest.mark.long
def test_an_installed_wheel_has_types(run, tmp_path):
    (tmp_path / "script.py").write_text(TYPED)
    (tmp_path / "mypy.ini").write_text("[mypy]\nignore_missing_imports = True\n")
    said = run("-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "script.py")
    types = [line.partition("Revealed type is ")[2] for line in said.splitlines()]
    found = [text.strip('"').removeprefix("builtins.") for text in types if text]
    assert found[:2] == ["bool", "float"]
    assert all("ndarray" in text for text in found[2:]) and len(found) == 4
    assert re.search('error: .*"solve".*"?int"?', said)
