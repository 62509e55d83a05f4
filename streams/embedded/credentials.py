"""The passwords of ClickHouse's users, made once per home, and the env file others read."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Final

from streams.embedded.errors import EmbeddedError
from streams.embedded.home import Home, write_private
from streams.embedded.ports import LOOPBACK, Ports

ADMIN_USER: Final = "hmara_admin"
SERVICE_USER: Final = "service"
ANALYST_USER: Final = "analyst"
_PASSWORD_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves to ClickHouse who asks; the passwords appear in no representation."""

    admin_password: str = field(repr=False)
    service_password: str = field(repr=False)
    analyst_password: str = field(repr=False)
    admin_user: str = ADMIN_USER
    service_user: str = SERVICE_USER
    analyst_user: str = ANALYST_USER


def keep_credentials(home: Home) -> Credentials:
    """Return the passwords of this home; made and stored (mode 0600) at the first call.

    A home of an earlier version gets the passwords that it has not.

    Raises:
        EmbeddedError: the file is there and can not be understood.
    """
    made = asdict(Credentials(*(secrets.token_urlsafe(_PASSWORD_BYTES) for _ in range(3))))
    stored = _read(home) if home.credentials_file.exists() else {}
    if made.keys() - stored.keys():
        write_private(home.credentials_file, json.dumps(made | stored, indent=2) + "\n")
    return read_credentials(home)


def read_credentials(home: Home) -> Credentials:
    """Return the stored passwords.

    Raises:
        EmbeddedError: there are none, or the file can not be understood.
    """
    try:
        return Credentials(**_read(home))
    except TypeError as error:
        message = f"reading {home.credentials_file}: {error}"
        raise EmbeddedError(message) from error


def _read(home: Home) -> dict[str, str]:
    try:
        stored = json.loads(home.credentials_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"reading {home.credentials_file}: {error}"
        raise EmbeddedError(message) from error
    if not isinstance(stored, dict):
        message = f"reading {home.credentials_file}: it is no JSON object"
        raise EmbeddedError(message)
    return stored


def hash_password(password: str) -> str:
    """Return what users.xml holds in place of the password."""
    return hashlib.sha256(password.encode()).hexdigest()


def to_env(ports: Ports, credentials: Credentials) -> dict[str, str]:
    """Return the variables by which every other command finds the services."""
    return {
        "HMARA_KAFKA_BOOTSTRAP_SERVERS": f"{LOOPBACK}:{ports.kafka}",
        "HMARA_CLICKHOUSE_HOST": LOOPBACK,
        "HMARA_CLICKHOUSE_NATIVE_PORT": str(ports.clickhouse_native),
        "HMARA_CLICKHOUSE_HTTP_PORT": str(ports.clickhouse_http),
        "HMARA_CLICKHOUSE_ADMIN_USER": credentials.admin_user,
        "HMARA_CLICKHOUSE_ADMIN_PASSWORD": credentials.admin_password,
        "HMARA_CLICKHOUSE_SERVICE_USER": credentials.service_user,
        "HMARA_CLICKHOUSE_SERVICE_PASSWORD": credentials.service_password,
        "HMARA_CLICKHOUSE_ANALYST_USER": credentials.analyst_user,
        "HMARA_CLICKHOUSE_ANALYST_PASSWORD": credentials.analyst_password,
    }


def write_env(home: Home, ports: Ports, credentials: Credentials) -> None:
    """Write run/services.env, mode 0600, one KEY=value a line."""
    lines = (f"{key}={value}\n" for key, value in to_env(ports, credentials).items())
    write_private(home.services_env, "".join(lines))
