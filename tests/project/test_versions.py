"""Versions agree wherever they stand: of this package, and the lowest of what it needs."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import resnet_sim

ROOT = Path(__file__).parents[2]


def requirements(text: str) -> list[Requirement]:
    """Return the requirements in lines of text, comments excepted."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


def bounds(found: list[Requirement], operator: str) -> dict[str, Version]:
    """Return the version that each requirement with the operator names."""
    return {
        requirement.name: Version(part.version)
        for requirement in found
        for part in requirement.specifier
        if part.operator == operator
    }


def declared() -> list[Requirement]:
    """Return what setup.cfg asks for, extras included."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"].values()
    return requirements("\n".join([config["options"]["install_requires"], *extras]))


def constraints() -> list[Requirement]:
    return requirements((ROOT / ".ci" / "lowest.txt").read_text())


def test_the_constraints_are_the_lowest_declared_versions():
    lowest = bounds(declared(), ">=")
    assert len(lowest) >= 6
    assert bounds(constraints(), "==") == lowest


def test_all_that_users_need_has_a_lowest_version():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    needed = requirements(config["options"]["install_requires"])
    assert set(bounds(needed, ">=")) == {requirement.name for requirement in needed}


def test_other_constraints_are_upper_bounds_of_what_setup_cfg_leaves_to_others():
    others = [r for r in constraints() if r.name not in bounds(declared(), ">=")]
    assert not {r.name for r in others} & {r.name for r in declared()}
    assert all(part.operator == "<" for r in others for part in r.specifier)


def test_two_lowest_versions_of_one_package_are_refused():
    """`bounds` keeps one per name, so no name may come with two."""
    pairs = {(r.name, str(r.specifier)) for r in declared() if r.specifier}
    assert len({name for name, _ in pairs}) == len(pairs)


def test_continuous_integration_uses_the_lowest_python_with_the_constraints():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lowest = config["options"]["python_requires"].removeprefix(">=")
    script = (ROOT / ".ci" / "run").read_text()
    assert re.search(rf"^suite {re.escape(lowest)} -c \.ci/lowest\.txt -- ", script, re.MULTILINE)
    major, minor = lowest.split(".")
    assert f"sys.version_info < ({major}, {minor})" in (ROOT / "setup").read_text()


@pytest.mark.parametrize(
    ("document", "pattern"),
    [
        ("CITATION.cff", r"^version: (\S+)$"),
        # the newest section that has a number
        ("CHANGELOG.md", r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$"),
    ],
)
def test_documents_name_the_version_of_the_package(document, pattern):
    found = re.search(pattern, (ROOT / document).read_text(), flags=re.MULTILINE)
    assert found
    assert found[1] == resnet_sim.__version__


def test_the_citation_has_the_date_of_the_changelog():
    dated = re.search(r"^date-released: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert dated
    assert f"## [{resnet_sim.__version__}] - {dated[1]}" in changes
