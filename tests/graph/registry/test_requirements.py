"""The environment of a release."""

import pytest

from graph.registry.requirements import WEIGHTS, requirements
from graph.release import Release


@pytest.mark.parametrize("embedding", WEIGHTS)
def test_a_release_needs_the_weights_of_its_own_embedding_alone(embedding: str) -> None:
    needed = {line.partition("==")[0] for line in requirements(Release.model_validate({"embedding": embedding}))}
    assert needed & set().union(*WEIGHTS.values()) == WEIGHTS[embedding]
