"""The recipe: pinned versions and configuration templates, from a checkout or from a wheel."""

from __future__ import annotations

from pathlib import Path
from string import Template

from streams.embedded.errors import EmbeddedError

_PACKAGE = Path(__file__).resolve().parent


def recipe_dir() -> Path:
    """Return the folder of the recipe: a wheel's `recipe/`, else the checkout's `deploy/embedded/`.

    Raises:
        EmbeddedError: neither is there.
    """
    for folder in (_PACKAGE / "recipe", _PACKAGE.parents[1] / "deploy" / "embedded"):
        if (folder / "package.json").is_file():
            return folder
    message = f"the recipe of the embedded services is missing beside {_PACKAGE}"
    raise EmbeddedError(message)


def read(name: str) -> str:
    """Return the text of one file of the recipe."""
    return (recipe_dir() / name).read_text(encoding="utf-8")


def render(name: str, values: dict[str, str]) -> str:
    """Return a template of the recipe with its `$names` filled in, each of them.

    Raises:
        EmbeddedError: the template holds a name that has no value.
    """
    try:
        return Template(read(name)).substitute(values)
    except (KeyError, ValueError) as error:
        message = f"filling in {name}: {error} has no value"
        raise EmbeddedError(message) from error
