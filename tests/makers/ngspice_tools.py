"""Tests that need ngspice: in continuous integration they fail where it is missing."""

import os
import shutil

import pytest

#: without ngspice a developer's run skips; CI=true must not hide that nothing was compared
requires_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None and os.environ.get("CI") != "true",
    reason="ngspice is not installed",
)
