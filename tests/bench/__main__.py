"""`make bench`: see tests/bench/run.py."""

import sys

from tests.bench import run

if __name__ == "__main__":
    sys.exit(run.main(sys.argv[1:]))
