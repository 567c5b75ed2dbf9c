"""The documentation site: every public name has an entry, and it is built without a warning."""

import importlib.util
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("mkdocs")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "site" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_has_an_entry(hooks):
    for package in hooks.PACKAGES:
        entries = re.findall(r"^::: (\S+)$", hooks.reference(package, "title"), re.MULTILINE)
        public = {f"{package}.{name}" for name in import_module(package).__all__}
        # packages have pages of their own, and a version has no documentation
        assert public - set(entries) <= {*hooks.PACKAGES, f"{package}.__version__"}
        assert all(f"({package}.md#{entry})" in hooks.contents() for entry in entries)


def test_every_document_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    documents = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert {name for name in documents if name not in navigation} == set()


@pytest.mark.long
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("material", "mkdocstrings", "matplotlib"):
        pytest.importorskip(package)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    page = (tmp_path / "api" / "resnet_sim" / "index.html").read_text()
    assert 'id="resnet_sim.solve"' in page
    assert (tmp_path / "gallery" / "zener.svg").exists()
