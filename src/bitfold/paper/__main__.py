"""`python -m bitfold.paper` is `bitfold paper`."""

import sys

from bitfold.cli import main

sys.exit(main(["paper", *sys.argv[1:]]))
