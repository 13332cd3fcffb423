"""Finds model files that wheels carry, without importing the packages they come in."""

import importlib.util
from pathlib import Path

from ..errors import ExtraMissing


def packaged_file(package: str, relative: str, *, extra: str = "") -> Path:
    """The path of a data file inside an installed package; raises ExtraMissing when it is not there."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    for place in places or []:
        if (path := Path(place) / relative).is_file():
            return path
    wanted = f"pip install 'warrant-rag[{extra}]'" if extra else "reinstall Warrant's requirements"
    raise ExtraMissing(f"The file {relative} of the package {package} is needed and is not installed; {wanted}.")


def file_of(place: tuple[str, str] | Path) -> Path:
    """A file of a package, or one that is named by its path."""
    return place if isinstance(place, Path) else packaged_file(*place)
