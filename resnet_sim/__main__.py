"""``python -m resnet_sim`` does what the ``resnet-sim`` command does."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
