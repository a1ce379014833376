"""`python -m ood_eval`."""

import sys

from ood_eval.cli import main

if __name__ == "__main__":
    sys.exit(main())
