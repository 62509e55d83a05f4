"""The embedded ClickHouse: its configuration, its users and its command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from streams.embedded import prerequisites, recipe
from streams.embedded.child import ChildSpec
from streams.embedded.credentials import Credentials, hash_password
from streams.embedded.errors import EmbeddedError
from streams.embedded.fetch import find_libchdb
from streams.embedded.home import CLICKHOUSE, Home, write_private
from streams.embedded.ports import Ports

_STOP_GRACE_S: Final = 20.0
_SERVE: Final = Path(__file__).resolve().with_name("serve_clickhouse.py")


def prepare_clickhouse(home: Home, lib: Path, ports: Ports, credentials: Credentials) -> ChildSpec:
    """Write configuration and users, and return what to run: a server program, else libchdb.

    Raises:
        EmbeddedError: there is neither.
    """
    server = prerequisites.find_clickhouse()
    library = find_libchdb(lib)
    run, data = home.run / CLICKHOUSE, home.data / CLICKHOUSE
    for folder in (run, data):
        folder.mkdir(mode=0o700, exist_ok=True)
    config, users = run / "config.xml", run / "users.xml"
    if server is not None:
        command = [str(server), "server", f"--config-file={config}"]
    elif library is not None:
        # Isolated: neither the environment nor the working directory decides what is imported.
        command = [sys.executable, "-I", str(_SERVE), str(library), str(config)]
    else:
        message = f"starting ClickHouse: no `clickhouse` on PATH and no libchdb in {lib}"
        raise EmbeddedError(message)
    write_private(users, render_users(credentials, has_local_user=server is None))
    write_private(config, recipe.render("clickhouse/config.xml", {
        "native_port": str(ports.clickhouse_native),
        "http_port": str(ports.clickhouse_http),
        "data_dir": escape(str(data)),
        "users_file": escape(str(users)),
        "log_file": escape(str(home.log_file(CLICKHOUSE))),
    }))  # fmt: skip
    env = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
    return ChildSpec(
        CLICKHOUSE, tuple(command), env, data, home.out_file(CLICKHOUSE), _STOP_GRACE_S
    )


def render_users(credentials: Credentials, *, has_local_user: bool) -> str:
    """Return users.xml; `has_local_user` adds the user by which libchdb opens its own ports."""
    local_user = recipe.read("clickhouse/local_user.xml") if has_local_user else ""
    return recipe.render("clickhouse/users.xml", {
        "local_user": local_user,
        "admin_password_sha256": hash_password(credentials.admin_password),
        "service_password_sha256": hash_password(credentials.service_password),
        "analyst_password_sha256": hash_password(credentials.analyst_password),
    })  # fmt: skip
