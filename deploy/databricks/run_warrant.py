"""A task of a job: one command of Warrant's. A task fails by an exception; what a function returns is not looked at."""

import sys

from warrant import main

if __name__ == "__main__" and (code := main(sys.argv[1:])):
    raise SystemExit(f"warrant {' '.join(sys.argv[1:3])} ended with {code}.")
