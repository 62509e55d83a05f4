"""The command `hmara`: every process and every tool, composed from one module per topic."""

from __future__ import annotations

import sys
from typing import Final

import typer

from schemas.errors import HmaraError
from streams.access_log import commands as access_log
from streams.commands import cells, data, processes, schema, setup, sites
from streams.demo import command as demo
from streams.embedded import commands as embedded
from streams.traffic import commands as traffic

FAILED: Final = 1

app: Final = typer.Typer(
    name="hmara",
    help="An event pipeline for websites that keeps impersonal use apart from personal data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (demo, embedded, processes, schema, data, traffic, access_log, sites, setup, cells):
    module.register(app)


def main() -> None:
    """Run the command line; an expected error is one sentence and exit code 1."""
    try:
        app()
    except HmaraError as error:
        sys.stderr.write(f"hmara: {error}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
