"""`python -m streams.demo_site`: serves the demo site on this machine's loopback address."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import uvicorn

from streams.demo_site.app import DemoSiteError, create_app

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal stops it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m streams.demo_site", description=__doc__)
    parser.add_argument("--port", type=int, default=8081, help="TCP port (default: 8081)")
    parser.add_argument(
        "--collector",
        default="http://127.0.0.1:8080",
        help="address of the collector that serves the tag (default: http://127.0.0.1:8080)",
    )
    parser.add_argument("--site", default="demo", help="the site's id (default: demo)")
    options = parser.parse_args(argv)
    try:
        app = create_app(options.collector, options.site)
    except DemoSiteError as error:
        parser.error(str(error))
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
