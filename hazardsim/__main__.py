"""`python -m hazardsim`."""

import sys

from hazardsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
