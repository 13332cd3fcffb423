"""A task of a job: commands of Warrant's, one after the other, with `+` between them, after settings as NAME=VALUE.

A task fails by an exception; what a function returns is not looked at.
"""

import os
import sys

from warrant import main

if __name__ == "__main__":
    commands: list[list[str]] = [[]]
    for word in sys.argv[1:]:
        if word == "+":
            commands.append([])
        elif word.startswith("WARRANT_"):
            name, _, value = word.partition("=")
            os.environ[name] = value  # noqa: TID251 - a task has no environment of its own
        else:
            commands[-1].append(word)
    for command in commands:
        if code := main(command):
            raise SystemExit(f"warrant {' '.join(command[:2])} ended with {code}.")
