"""The process of the ``resnet-sim`` command, also by ``python -m resnet_sim``."""

import gc
import sys

#: New objects after which the collector looks for circles that nobody refers to.
COLLECT_AFTER = 100_000


def run() -> int:
    """Run the command; return its exit status."""
    # modules, cards and elements stay until the end: looking through them again and again at
    # the usual threshold took a tenth of a small deck's time, and found nothing
    gc.set_threshold(COLLECT_AFTER)
    from .cli import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
