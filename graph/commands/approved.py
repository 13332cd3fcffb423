"""warrant release approved: whether a person has let a version through, as a step of a job."""

import click

from ..errors import PromotionRefused
from ..registry.stages import number_of
from .opened import opened
from .options import takes
from .terminal import echo

YES = "approved"


@click.command()
@click.argument("version")
@click.option("--tag", default="approval", show_default=True, help="The tag of the version that a person sets.")
@takes("registry", "model")
def approved(version: str, tag: str, registry: str | None, model: str | None) -> None:
    """Fail unless VERSION (12, v12 or an alias) has a tag that says `approved`, in any case.

    Whoever may set tags of the model may approve. In Unity Catalog a deployment job names its tag after its task.
    """
    with opened(registry, model) as (kept, _):
        chosen = kept.version(number_of(version, kept.places()))
    met = chosen.tags.get(tag, "")
    if met.strip().casefold() != YES:
        said = f"its tag {tag!r} says {met!r}" if met else f"it has no tag {tag!r}"
        raise PromotionRefused(f"v{chosen.number} is not approved: {said}. Set the tag to `{YES}`, and run this again.")
    echo(f"v{chosen.number} is approved.")
