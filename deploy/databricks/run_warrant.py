"""A task of a job: commands of Warrant's, one after the other, with `+` between them.

A task fails by an exception; what a function returns is not looked at.
"""

import sys

from warrant import main

if __name__ == "__main__":
    commands: list[list[str]] = [[]]
    for word in sys.argv[1:]:
        commands[-1:] = [commands[-1], []] if word == "+" else [[*commands[-1], word]]
    for command in commands:
        if code := main(command):
            raise SystemExit(f"warrant {' '.join(command[:2])} ended with {code}.")
