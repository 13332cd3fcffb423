"""warrant eval: the steps of an evaluation, each by itself; and the options that several of them take."""

from pathlib import Path

import click

from evals.gate.thresholds import DEFAULT

FILE, FOLDER = click.Path(path_type=Path, dir_okay=False), click.Path(path_type=Path, file_okay=False)
REPEATS = click.IntRange(1, 20)


takes_judge = click.option("--judge", help="A model as the judge, at WARRANT_JUDGE_URL. [default: WARRANT_JUDGE_MODEL]")
takes_thresholds = click.option("--thresholds", "-t", type=FILE, default=DEFAULT, help="What to reach.")
takes_repeats = click.option("--repeats", type=REPEATS, default=1, show_default=True, help="How often each is asked.")
