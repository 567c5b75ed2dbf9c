"""The command in the process of the tests."""

from collections.abc import Callable

import pytest

from resnet_sim.cli import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def in_process(capsys) -> Command:
    """Run the command; returns exit status, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(list(arguments))
        except SystemExit as stop:  # argparse
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err or "--debug" in arguments
        return status, out, err

    return call
