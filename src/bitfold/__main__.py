"""`python -m bitfold` is the `bitfold` command."""

import sys

from bitfold.cli import main

sys.exit(main())
