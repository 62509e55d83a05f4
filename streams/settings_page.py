"""docs/settings.md, made from the settings classes: `python -m streams.settings_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from streams.settings import ClickHouseSettings, CollectorSettings, KafkaSettings, WorkerSettings

PAGE: Final = Path(__file__).parent.parent / "docs" / "settings.md"
_CLASSES: Final[tuple[type[BaseSettings], ...]] = (
    KafkaSettings,
    ClickHouseSettings,
    CollectorSettings,
    WorkerSettings,
)
_HEAD: Final = """\
# Settings

<!-- Made by `python -m streams.settings_page` from streams/settings.py; a test keeps it so. -->

Every process reads its settings from the environment. `hmara up` leaves addresses and credentials
in `$HMARA_HOME/run/services.env`; a variable of the real environment wins over a line of that file.

| variable | default | what it is |
|---|---|---|
| `HMARA_HOME` | `./.hmara` | This installation's data, logs, pid files, libraries. |
| `HMARA_LIB_DIR` | `$HMARA_HOME/lib` | Where jars, libchdb and data files are fetched to. |
"""


def render() -> str:
    """Return the page."""
    return _HEAD + "".join(_render_class(kind) for kind in _CLASSES)


def _render_class(kind: type[BaseSettings]) -> str:
    lines = [
        f"\n## {(kind.__doc__ or '').splitlines()[0]}\n",
        "| variable | default | what it is |",
    ]
    return "\n".join([*lines, "|---|---|---|", *_render_fields(kind)]) + "\n"


def _render_fields(kind: type[BaseSettings]) -> Iterator[str]:
    prefix = kind.model_config.get("env_prefix", "")
    for name, field in kind.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "required"
        elif isinstance(default, SecretStr):
            shown = "a secret"
        else:
            shown = f"`{default}`" if default not in {None, ()} else "none"
        yield f"| `{prefix}{name.upper()}` | {shown} | {field.description} |"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
