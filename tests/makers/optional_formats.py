"""Output formats as parameters of tests, without those whose packages are not installed."""

from importlib.util import find_spec

import pytest

from resnet_sim.results.formats.registry import FORMATS


def formats() -> list:
    """Return the names of all formats; what can't be written here is skipped."""
    return [
        pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason=f"no {missing}"))
        for name, form in FORMATS.items()
        for missing in [[package for package in form.needs if find_spec(package) is None]]
    ]
