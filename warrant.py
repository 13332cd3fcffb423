"""The command line: `warrant` and its commands, each imported only when it is run."""

import gc
import importlib
import os
import signal
import sys
from typing import Any

import click

COLLECT_AFTER = 200_000
"""Allocations between two garbage collections: imports allocate much and free next to nothing."""
Commands = dict[str, tuple[str, str]]
"""The place and the purpose of each command; a group has no place."""
COMMANDS: Commands = {
    "index": ("graph.cli.index:index", "Index files, folders and corpora into a Snapshot."),
    "sync": ("graph.cli.sync:sync", "Copy a Snapshot into an AI Search index of Databricks."),
    "ask": ("graph.cli.ask:ask", "Ask a question and get an answer with checked citations."),
    "batch": ("graph.cli.batch:batch", "Answer a table of questions: on this machine, on Spark, on Databricks."),
    "serve": ("server.cli.serve:serve", "Serve the graph over HTTP."),
    "keys": ("server.cli.keys:keys", "Create, list, rotate and revoke the keys of callers."),
    "usage": ("server.cli.usage:usage", "Show what teams and callers have used."),
    "forget": ("server.cli.forget:forget", "Delete what is stored of a caller."),
    "audit": ("graph.cli.audit:audit", "Read and verify the log of what was done and refused."),
    "feedback": ("server.cli.feedback:feedback", "What people said of the answers, as eval samples."),
    "search": ("graph.cli.search:search", "Search a Snapshot without writing an answer."),
    "verify": ("graph.cli.verify:command", "Check answers of any system against their passages."),
    "release": ("", "Show, log and move releases."),
    "promote": ("evals.cli.promote:promote", "Let a version take a stage: staging or production."),
    "rollback": ("graph.cli.transitions:rollback", "Put the release before back into production."),
    "split": ("graph.cli.transitions:split", "Give shares of production's questions to other versions."),
    "shadow": ("graph.cli.transitions:shadow", "Let a version answer questions of production's unseen."),
    "deploy": ("", "Deploy a registered release."),
    "eval": ("", "Measure how well a release answers."),
    "graph": ("graph.cli.draw:graph", "Draw the answering graph."),
    "snapshot": ("graph.cli.snapshot:snapshot", "Show what a Snapshot holds."),
}
GROUPS: dict[str, Commands] = {
    "release": {
        "show": ("graph.cli.release:show", "Print the effective release, checked; or a version."),
        "list": ("graph.cli.release:list_versions", "List the versions and where they stand."),
        "diff": ("graph.cli.release:diff", "Compare what two versions are made of."),
        "sign": ("graph.cli.release_sign:sign", "Write a version's warrant by hand: the evidence to promote it by."),
        "history": ("graph.cli.release:history", "List every promotion, rollback and change of traffic."),
        "log": ("graph.cli.release_log:log", "Log the release with its code and Snapshot as a version of a model."),
        "approved": ("graph.cli.release:approved", "Fail unless a person has approved a version."),
        "pack": ("graph.cli.release_log:pack_release", "Put code, release and Snapshot together, and log nothing."),
        "compare": ("server.cli.compare:compare_versions", "Compare how two versions did on live questions."),
    },
    "deploy": {
        "databricks": ("graph.cli.deploy:databricks", "As a Model Serving endpoint, or the server as an app."),
    },
    "eval": {
        "run": ("evals.cli.run:run", "Ask a release every question of a dataset and keep what it answers."),
        "score": ("evals.cli.run:score", "Score what a run answered, metric by metric."),
        "gate": ("evals.cli.gate:gate", "Say whether a run is good enough to be promoted."),
        "candidate": ("evals.cli.gate:candidate", "Gate a registered version against production."),
        "compare": ("evals.cli.report:compare", "Show several runs side by side, and the trend as a picture."),
        "ci": ("evals.cli.ci:ci", "Compare what two git revisions would release, and gate the newer one."),
        "plan": ("evals.cli.gate:plan", "Say how many samples and repeats the thresholds need."),
        "report": ("evals.cli.report:report", "Write a verdict as a page, a summary, test cases and a record."),
        "log": ("evals.cli.report:log", "Log a run and its scores to MLflow."),
        "check": ("evals.cli.dataset:check", "Check a dataset against the documents of an index."),
        "draft": ("evals.cli.dataset:draft", "Propose samples from documents and feedback for a person to edit."),
        "adapt": ("evals.cli.dataset:adapt", "Turn a published question set into a dataset."),
    },
}


class LazyGroup(click.Group):
    """Knows its commands' names and purposes without importing them, so that --help is instant."""

    def __init__(self, *args: Any, lazy: Commands, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lazy = lazy

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where nobody reads on, the exit code is the shell's for that, and no verdict."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still to be written when Python ends goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(128 + signal.SIGPIPE)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        place, purpose = self._lazy[cmd_name]
        if not place:
            return LazyGroup(cmd_name, help=purpose, lazy=GROUPS[cmd_name])
        module, _, name = place.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise _missing(cmd_name, module, error) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in self._lazy.items()])


def _missing(command: str, module: str, error: ModuleNotFoundError) -> Exception:
    """What a command needs that is not installed; the error itself when it is a module of ours."""
    ours, library = module.partition(".")[0], (error.name or "").partition(".")[0]
    if library in ("graph", "server", "evals"):
        return error
    from graph.errors import ExtraMissing

    extra = {"server": "serve", "evals": "evals"}.get(ours)
    how = f"pip install 'warrant-rag[{extra}]'" if extra else "pip install --force-reinstall warrant-rag"
    return ExtraMissing(f"`{command}` needs {library}, which is not installed; {how}.")


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="warrant-rag", prog_name="warrant")
def warrant() -> None:
    """Answers from your documents, each claim tied to the span that it comes from.

    Exit codes: 0 done; 1 refused: files in a strict run, a promotion that its evidence does not allow, or a
    deployment that failed; 2 the command, question, filter or file given is wrong; 3 the gate cannot tell; 4 the
    release or a setting is wrong; 5 something that is needed does not answer or is not installed; 6 published, but
    files were withheld because their access metadata could not be relied on; 7 the Snapshot is missing, damaged or
    another's; 130 interrupted; 141 nobody read on.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; an error of ours becomes one sentence and an exit code."""
    gc.set_threshold(COLLECT_AFTER)
    try:
        return warrant.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        from graph.cli.terminal import printable

        error.message = printable(error.message)  # type: ignore[misc]  # it may quote what was typed or read
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except Exception as error:
        from graph.cli.exit_codes import exit_code
        from graph.cli.terminal import echo

        code = exit_code(error)
        if code is None:
            raise
        echo(f"warrant: {error}", err=True)
        return code


if __name__ == "__main__":
    sys.exit(main())
