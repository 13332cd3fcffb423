"""warrant promote: a version takes a stage; production takes it on evidence, which can be gathered here."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import click

from evals.cli import FILE
from evals.dataset import file_digest, read_dataset
from evals.errors import RunInvalid, VerdictInvalid
from evals.gate.decision import compare_runs
from evals.gate.promotion import PromotionRequirements, warrant_of
from evals.gate.thresholds import DEFAULT, Thresholds, read_thresholds
from evals.gate.verdict import KEYLESS, Verdict, read_verdict
from evals.judge.scores import kept_judged_scores
from evals.runs import EvalRun, runs_of
from evals.scores import Score, score_run
from graph.callers import Permission
from graph.cli.options import takes_settings
from graph.cli.registry import ONE_LINE, echo_result, note_options, registry_change
from graph.cli.terminal import echo
from graph.cli.transitions import archived
from graph.errors import PromotionRefused
from graph.identity import Identity, require
from graph.identity import approver as authenticated_approver
from graph.registry import STAGES, Stage
from graph.registry.promotion import Override, PromotionEvidence
from graph.registry.promotion import promote as promote_version
from graph.registry.stages import PRODUCTION
from graph.registry.tickets import check_ticket
from graph.registry.transitions import Reason
from graph.registry.warrant import WarrantRules, warrant_file
from graph.settings import Settings


@dataclass(frozen=True)
class OfferedEvidence:
    """The evidence as the command line names it; one kind at most."""

    dataset: Path | None
    verdict: Path | None
    file: Path | None
    override: str | None
    approver: str | None
    ticket: str
    known: Identity | None
    """The caller of WARRANT_APPROVER_KEY."""

    @property
    def answers_for_it(self) -> str:
        """The approver: the caller of a key rather than a name that was typed."""
        return self.known.name if self.known else self.approver or ""

    @property
    def kinds(self) -> list[str]:
        given = {"--dataset": self.dataset, "--warrant": self.file, "--override": self.override}
        return [name for name, value in given.items() if value is not None]

    def check(self, stage: Stage) -> None:
        """Raises UsageError for what does not go together."""
        kind, known = next(iter(self.kinds), ""), self.known
        approved = kind in ("--dataset", "--override")
        article = "An" if kind == "--override" else "A promotion by"
        for wrong, message in (
            (stage == PRODUCTION and not self.ticket, "Production needs a --ticket."),
            (self.verdict and not self.dataset, "A --verdict needs the --dataset that production is held to."),
            (stage != PRODUCTION and kind, f"{stage.capitalize()} needs no evidence; {kind} is for production."),
            (len(self.kinds) > 1, f"One kind of evidence is enough: {' or '.join(self.kinds)}."),
            (self.override == "", "An --override needs a reason."),
            (
                known and self.approver not in (None, known.name),
                f"The approver is {known.name if known else ''}, the caller of WARRANT_APPROVER_KEY.",
            ),
            (approved and not self.answers_for_it, f"{article} {kind} needs an --approver, who answers for it."),
            (
                self.approver and not approved,
                "--approver is for a --dataset or an --override; a warrant names its own.",
            ),
        ):
            if wrong:
                raise click.UsageError(message)


@click.command()
@click.argument("version")
@click.option("--to", "stage", type=click.Choice(STAGES), required=True, help="The stage that it takes.")
@note_options("The change request that allows it; production needs one.", "--note Why.")
@click.option("--dataset", "-d", type=FILE, help="The samples that production is held to; asked now if need be.")
@click.option("--verdict", type=FILE, help="What `warrant eval gate` said on that dataset, so that nothing is asked.")
@click.option("--thresholds", type=FILE, default=DEFAULT, help="What a verdict is held to, and if two persons are.")
@click.option("--warrant", "file", type=FILE, help="Evidence by hand, as `release sign` writes it.")
@click.option("--override", type=ONE_LINE, help="An emergency: the reason to do without evidence.")
@click.option("--approver", type=ONE_LINE, help="Who answers for it, unless WARRANT_APPROVER_KEY says so.")
@takes_settings("registry", "model")
def promote(
    version: str,
    stage: Stage,
    ticket: str,
    note: str,
    dataset: Path | None,
    verdict: Path | None,
    thresholds: Path,
    file: Path | None,
    override: str | None,
    approver: str | None,
    settings: Settings,
) -> None:
    """Let VERSION (12, v12 or an alias) take a stage; the version that had it is archived.

    Production takes a version only with a warrant. It is written here from a verdict: with --dataset, version and
    champion are asked every sample and compared; with --verdict too, that has been done. Or it is stored with the
    version already, or a person has signed it: --warrant.
    """
    known = authenticated_approver(settings, "promote", settings.registered_model)
    offered = OfferedEvidence(dataset, verdict, file, override, approver, ticket, known)
    offered.check(stage)
    identity = require(settings, Permission.PROMOTE, "promote", settings.registered_model)
    evidence = PromotionEvidence()
    if stage == PRODUCTION:
        promotion = {"model": settings.registered_model, "version": version, "author": identity.name}
        check_ticket(settings, ticket, {**promotion, "approver": offered.answers_for_it})
        evidence = _evidence(settings, version, offered, thresholds, identity)
    with registry_change(settings) as (versions, actor):
        result = promote_version(versions, actor, version, stage, Reason(ticket, note), evidence)
    echo_result(result, f"v{result.placement.aliases.get(stage)} is in {stage}.{archived(result)}")


def _evidence(
    settings: Settings, version: str, offered: OfferedEvidence, thresholds: Path, identity: Identity
) -> PromotionEvidence:
    """What is offered for production; raises PromotionRefused when a verdict is no pass."""
    from graph.registry.signing import signed

    limits = read_thresholds(thresholds)
    evidence = PromotionEvidence(
        two_persons=limits.two_persons,
        authenticated=identity.authenticated | (offered.known.authenticated if offered.known else frozenset()),
        sign=lambda warrant: signed(warrant, settings.signing_key),
    )
    if offered.override is not None:
        given = Override(offered.override, offered.answers_for_it, offered.ticket)
        return replace(evidence, override=given)
    if offered.dataset is None:
        return replace(evidence, warrant=warrant_file(offered.file) if offered.file else None)
    from evals.cli.gate import compare_pair, pair_of

    digest, pair, pinned = file_digest(thresholds), pair_of(settings, version), WarrantRules.of(settings).thresholds
    if pinned and digest not in pinned:
        raise PromotionRefused(f"{thresholds} has the SHA-256 {digest}, which WARRANT_THRESHOLDS_SHA256 does not name.")
    required = PromotionRequirements(read_dataset(offered.dataset), limits, digest)
    verdict = read_offered(offered.verdict, limits, settings) if offered.verdict else compare_pair(pair, required)[0]
    warrant = warrant_of(verdict, required, pair.candidate, pair.champion, offered.answers_for_it, offered.ticket)
    pair.registry.attach(pair.candidate, f"verdict-{verdict.digest}.json", verdict.text())
    return replace(evidence, warrant=warrant)


def read_offered(path: Path, limits: Thresholds, settings: Settings) -> Verdict:
    """A verdict that is what its runs say, where these are here; raises VerdictInvalid."""
    from evals.api import HOME

    verdict = read_verdict(path)

    def scores(run: EvalRun) -> Iterator[Score]:
        yield from score_run(run, settings.prices, settings.cores)
        if verdict.judge != KEYLESS:
            if not (judged := kept_judged_scores(run)):
                raise RunInvalid(f"{run.path} was not judged. Gate the release again.")
            yield from judged.scores

    sides = [
        runs_of(HOME, verdict.dataset, side.release) if side else [None] for side in (verdict.release, verdict.champion)
    ]
    found = [compare_runs(run, champion, limits, scores, verdict.judge) for run, champion in product(*sides) if run]
    if not found:
        echo(f"The runs of {path} are not in {HOME}: it is believed as far as its findings agree.", err=True)
    elif verdict not in [each.model_copy(update={"made": verdict.made}) for each in found]:
        raise VerdictInvalid(f"{path} is not what the runs in {HOME} say. Gate the release again.")
    return verdict
